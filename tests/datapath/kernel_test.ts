import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { cloneProgram, type ProgramSpec, VerifierError } from "ebpf-ts-loader";
import { readBpfObject } from "../../src/datapath/bpf_objects.ts";
import type { NodeState, PolicyState } from "../../src/datapath/datapath.ts";
import type { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { Emulator } from "../../src/datapath/emulator.ts";
import { KernelDatapath } from "../../src/datapath/kernel.ts";
import {
  EVENT_SIZE,
  MARK_ENFORCED,
  MAX_ENDPOINTS,
  PACKET_REDIRECT,
  PACKET_SHOT,
} from "../../src/datapath/layout.ts";
import { newPacket } from "../../src/datapath/packet_builder.ts";
import type { PacketInput } from "../../src/datapath/packet_batch.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { canonical, entry } from "./_map_state.ts";
import { newMemory } from "./_memory.ts";

const CLIENT = Uint8Array.of(10, 0, 0, 1);
const SERVER = Uint8Array.of(10, 0, 0, 2);
const SECOND = 1_000_000_000n;

/** Everyone may reach UDP 53 of everyone. */
function dnsOnly(revision = 1, port = 53): PolicyState {
  const mapState = canonical([
    entry({ direction: "ingress", protocol: 17, port, portPrefix: 16, cookie: 9 }),
    entry({ direction: "egress", cookie: 8 }),
  ]);
  return { number: 1, revision, mapState };
}

function twoPods(): NodeState {
  const endpoint = (id: number, ipv4: Uint8Array) => ({
    id,
    ipv4,
    mac: new Uint8Array(6).fill(id),
    nodeMac: new Uint8Array(6).fill(0x10 + id),
    ifindex: 100 + id,
    identity: 300 + id,
    policy: 1,
  });
  return {
    endpoints: [endpoint(1, CLIENT), endpoint(2, SERVER)],
    identities: [{ identity: 301, slot: 256 }, { identity: 302, slot: 257 }],
    ipcache: [{ address: CLIENT, identity: 301 }, { address: SERVER, identity: 302 }],
    policies: [dnsOnly()],
  };
}

/** The client sends a datagram to a port of the server. */
function datagram(port: number, sourcePort = 4000): PacketInput {
  const data = newPacket().eth().ipv4({ source: CLIENT, destination: SERVER })
    .udp({ source: sourcePort, destination: port }).build();
  return { endpoint: 1, hook: "from_container", data, now: 5n * SECOND };
}

/** Runs packets and returns what `TC_ACT_*` became of each. */
function verdicts(
  memory: DatapathMemory,
  datapath: Emulator | KernelDatapath,
  packets: readonly PacketInput[],
): number[] {
  const batch = memory.packetBatch(packets.length);
  for (const packet of packets) batch.add(packet);
  datapath.run(batch, batch);
  return packets.map((_packet, i) => batch.verdict(i));
}

kernelTest("KernelDatapath leaves the same bytes as the emulator", async () => {
  const memory = newMemory();
  using emulator = new Emulator(memory);
  using kernel = new KernelDatapath(newMemory());
  emulator.load(twoPods());
  await kernel.load(twoPods());

  const input = memory.packetBatch(1000);
  for (let i = 0; i < 1000; i++) input.add(datagram(i % 3 === 0 ? 53 : 80, 1000 + i % 500));
  const emulated = memory.packetBatch(1000);
  const real = memory.packetBatch(1000);
  emulator.run(input, emulated);
  kernel.run(input, real);

  assertEquals(real.bytes, emulated.bytes);
  const events = emulator.drainEvents();
  assert(events.bytes.length > 1000 * EVENT_SIZE);
  assertEquals(kernel.drainEvents(), events);
  assertEquals(kernel.metrics(), emulator.metrics());
  assertEquals(kernel.conntrack().keys4.length, emulator.conntrack().keys4.length);
});

kernelTest("KernelDatapath.run() enters the endpoint of the id, up to the highest", async () => {
  const memory = newMemory();
  using emulator = new Emulator(memory);
  using kernel = new KernelDatapath(memory);
  const node = twoPods();
  const ids = [MAX_ENDPOINTS - 1, MAX_ENDPOINTS / 2 - 1];
  const endpoints = node.endpoints.map((one, i) => ({ ...one, id: ids[i] ?? 0 }));
  await kernel.load({ ...node, endpoints });
  const packets = ids.map((endpoint) => ({ ...datagram(53), endpoint }));
  // The server does not own the client's address.
  assertEquals(verdicts(memory, kernel, packets), [PACKET_REDIRECT, PACKET_SHOT]);
  assertEquals(verdicts(memory, emulator, packets), [PACKET_REDIRECT, PACKET_SHOT]);
  assertEquals(kernel.drainEvents(), emulator.drainEvents());
});

kernelTest("KernelDatapath.run() runs a batch of several slices", async () => {
  const memory = newMemory();
  using kernel = new KernelDatapath(memory);
  await kernel.load({ ...twoPods(), events: [] });
  const packets = Array.from({ length: 10_000 }, (_, i) => datagram(i % 2 === 0 ? 53 : 80, i));
  const expected = packets.map((_packet, i) => i % 2 === 0 ? PACKET_REDIRECT : PACKET_SHOT);
  assertEquals(verdicts(memory, kernel, packets), expected);
});

kernelTest("KernelDatapath.run() refuses to run before load()", () => {
  const memory = newMemory();
  using kernel = new KernelDatapath(memory);
  const batch = memory.packetBatch(1);
  assertThrows(() => kernel.run(batch, batch), TypeError, "expected load() before");
});

kernelTest("KernelDatapath.replacePolicy() puts the new policy in force at once", async () => {
  const memory = newMemory();
  using kernel = new KernelDatapath(memory);
  await kernel.load(twoPods());
  assertEquals(verdicts(memory, kernel, [datagram(53), datagram(80)]), [
    PACKET_REDIRECT,
    PACKET_SHOT,
  ]);
  for (let revision = 2; revision < 12; revision++) {
    const port = 1000 + revision;
    await kernel.replacePolicy(dnsOnly(revision, port));
    assertEquals(verdicts(memory, kernel, [datagram(port), datagram(port - 1)]), [
      PACKET_REDIRECT,
      PACKET_SHOT,
    ]);
  }
});

kernelTest(
  "KernelDatapath.replacePolicy() does not reuse a table that may still be read",
  async () => {
    const memory = newMemory();
    using kernel = new KernelDatapath(memory);
    await kernel.load(twoPods());
    const tables: number[] = [];
    for (let revision = 2; revision < 8; revision++) {
      tables.push(memory.images.get(1)?.table ?? 0);
      await kernel.replacePolicy(dnsOnly(revision));
    }
    const reusedAtOnce = tables.filter((table, i) =>
      table === tables[i - 1] || table === tables[i - 2]
    );
    assertEquals(reusedAtOnce, []);
  },
);

kernelTest(
  "KernelDatapath.replacePolicy() keeps the old policy where the new one does not fit",
  async () => {
    const memory = newMemory();
    using kernel = new KernelDatapath(memory);
    await kernel.load(twoPods());
    const unsorted = [entry({ direction: "egress" }), entry({ direction: "ingress" })];
    await assertRejects(() =>
      kernel.replacePolicy({ number: 1, revision: 2, mapState: { entries: unsorted } })
    );
    assertEquals(verdicts(memory, kernel, [datagram(53)]), [PACKET_REDIRECT]);
  },
);

kernelTest(
  "KernelMaps.pokeImage() changes what the kernel answers, and gives the old byte back",
  async () => {
    const memory = newMemory();
    using kernel = new KernelDatapath(memory);
    await kernel.load(twoPods());
    const image = memory.images.get(1);
    assert(image);
    const { maps } = kernel.node;
    const before = maps.pokeImage(image, 0, 0xFF);
    assertNotEquals(before, 0xFF);
    assertEquals(maps.pokeImage(image, 0, before), 0xFF);
    assertThrows(() => maps.pokeImage(image, image.lines * 64, 0), Error);
  },
);

for (
  const [what, change] of [
    ["loaded a state", (emulator: Emulator) => emulator.load(twoPods())],
    ["replaced a policy", (emulator: Emulator) => emulator.replacePolicy(dnsOnly(2, 54))],
  ] as const
) {
  kernelTest(
    `KernelDatapath changes nothing where another datapath has ${what} in its memory`,
    async () => {
      const memory = newMemory();
      using emulator = new Emulator(memory);
      using kernel = new KernelDatapath(memory);
      await kernel.load(twoPods());
      change(emulator);
      const message = "another datapath has changed the memory since, expected the kernel to be";
      await assertRejects(() => kernel.replacePolicy(dnsOnly(3)), TypeError, message);
      const { maps } = kernel.node;
      assertThrows(() => maps.ipcache, TypeError, message);
      const image = memory.images.get(1);
      assert(image);
      assertThrows(() => maps.pokeImage(image, 0, 0), TypeError, message);
      // Its packets are judged as before; loaded again, it can be changed again.
      assertEquals(verdicts(memory, kernel, [datagram(53)]), [PACKET_REDIRECT]);
      await kernel.load(twoPods());
      await kernel.replacePolicy(dnsOnly(4, 80));
      assertEquals(verdicts(memory, kernel, [datagram(53), datagram(80)]), [
        PACKET_SHOT,
        PACKET_REDIRECT,
      ]);
    },
  );
}

/** A copy of a program in which every immediate `from` is `to`. */
function withImmediate(name: string, from: number, to: number): ProgramSpec {
  const program = readBpfObject("datapath").programs.get(name);
  assert(program);
  const copy = cloneProgram(program);
  const words = new Uint32Array(copy.instructions.buffer);
  for (let i = 1; i < words.length; i += 2) if (words[i] === from) words[i] = to;
  return copy;
}

/** The mark that a delivered datagram leaves with. */
function deliveredMark(memory: DatapathMemory, kernel: KernelDatapath): number {
  const batch = memory.packetBatch(1);
  batch.add(datagram(53));
  kernel.run(batch, batch);
  return batch.output(0).mark;
}

kernelTest(
  "KernelDatapath.replaceProgram() runs another version until restorePrograms()",
  async () => {
    const memory = newMemory();
    using kernel = new KernelDatapath(memory);
    await kernel.load(twoPods());
    kernel.replaceProgram(withImmediate("policy_ingress", MARK_ENFORCED, MARK_ENFORCED + 1));
    assertEquals(deliveredMark(memory, kernel), MARK_ENFORCED + 1);
    kernel.restorePrograms();
    assertEquals(deliveredMark(memory, kernel), MARK_ENFORCED);
  },
);

kernelTest(
  "KernelDatapath.replaceProgram() goes on with the old one if the kernel refuses",
  async () => {
    const memory = newMemory();
    using kernel = new KernelDatapath(memory);
    await kernel.load(twoPods());
    const broken = withImmediate("from_container", 0, 0);
    broken.instructions.fill(0xFF, 0, 8);
    assertThrows(() => kernel.replaceProgram(broken), VerifierError);
    assertEquals(verdicts(memory, kernel, [datagram(53)]), [PACKET_REDIRECT]);
  },
);
