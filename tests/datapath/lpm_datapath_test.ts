import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  CT_ENTRY_REDIRECT_OFF,
  CT_ENTRY_SIZE,
  PACKET_OK,
  PACKET_SHOT,
} from "../../src/datapath/layout.ts";
import { LpmDatapath } from "../../src/datapath/lpm_datapath.ts";
import { newPacket } from "../../src/datapath/packet_builder.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { batch, memory, SECOND } from "./_emulator.ts";
import { entry } from "./_map_state.ts";
import { CLIENT, ipv4, NODE, REDIRECT } from "./_node.ts";

/** A datagram from the client to an address beyond the node. */
function datagram(port: number): Uint8Array {
  return newPacket().eth()
    .ipv4({ source: ipv4(CLIENT), destination: Uint8Array.of(192, 0, 2, 1) })
    .udp({ source: 4000, destination: port })
    .build();
}

function verdicts(lpm: LpmDatapath, ports: readonly number[]): number[] {
  batch.clear();
  for (const port of ports) {
    batch.add({ endpoint: CLIENT, hook: "from_container", data: datagram(port), now: SECOND });
  }
  lpm.run(batch, batch);
  return ports.map((_port, i) => batch.verdict(i));
}

/** The client's policy: one UDP port. */
function onlyPort(port: number, revision: number) {
  const fields = { direction: "egress", protocol: 17, port, portPrefix: 16 } as const;
  return { number: CLIENT, revision, mapState: { entries: [entry(fields)] } };
}

kernelTest("LpmDatapath.replacePolicy() puts the new policy in force at once", async () => {
  using lpm = new LpmDatapath(memory);
  await lpm.load({ ...NODE, redirects: [] });
  for (let revision = 1; revision < 12; revision++) {
    const port = 1000 + revision;
    await lpm.replacePolicy(onlyPort(port, revision));
    assertEquals(verdicts(lpm, [port, port - 1]), [PACKET_OK, PACKET_SHOT]);
  }
});

kernelTest(
  "LpmDatapath.replacePolicy() keeps the old policy where the new one is wrong",
  async () => {
    using lpm = new LpmDatapath(memory);
    await lpm.load(NODE);
    await lpm.replacePolicy(onlyPort(53, 1));
    const wrong = { entries: [entry({ direction: "egress", authType: 200 })] };
    await assertRejects(
      () => lpm.replacePolicy({ number: CLIENT, revision: 2, mapState: wrong }),
      RangeError,
      "authType is 200, expected 0 to 127",
    );
    assertEquals(verdicts(lpm, [53, 54]), [PACKET_OK, PACKET_SHOT]);
  },
);

kernelTest("LpmDatapath.conntrack() names redirects by id", async () => {
  using lpm = new LpmDatapath(memory);
  await lpm.load(NODE);
  verdicts(lpm, [5353]);
  const { values4 } = lpm.conntrack();
  assertEquals(values4.length, CT_ENTRY_SIZE);
  assertEquals(
    new DataView(values4.buffer).getUint16(CT_ENTRY_REDIRECT_OFF, true),
    REDIRECT.egress,
  );
});

kernelTest("LpmDatapath.run() drops what a policy without entries says nothing of", async () => {
  using lpm = new LpmDatapath(memory);
  await lpm.load({
    ...NODE,
    policies: [{ number: CLIENT, revision: 1, mapState: { entries: [] } }],
  });
  assertEquals(verdicts(lpm, [53]), [PACKET_SHOT]);
});

Deno.test("LpmDatapath.run() refuses to run before load()", () => {
  using lpm = new LpmDatapath(memory);
  const error = assertThrows(() => lpm.run(batch, batch), TypeError);
  assert(error.message.includes('"lpm" datapath'));
});
