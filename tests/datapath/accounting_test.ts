import { assertEquals } from "@std/assert";
import type { NodeState } from "../../src/datapath/datapath.ts";
import type { Emulator } from "../../src/datapath/emulator.ts";
import { KernelDatapath } from "../../src/datapath/kernel.ts";
import {
  ACCOUNTING_KEY_DIRECTION_OFF,
  ACCOUNTING_KEY_ENDPOINT_OFF,
  ACCOUNTING_KEY_IDENTITY_OFF,
  ACCOUNTING_KEY_PORT_OFF,
  ACCOUNTING_KEY_PREFIX_LEN_OFF,
  ACCOUNTING_KEY_PROTOCOL_OFF,
  ACCOUNTING_KEY_SIZE,
  METRICS_VALUE_SIZE,
} from "../../src/datapath/layout.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { batch, emulator, memory, SECOND } from "./_emulator.ts";
import { canonical, entry } from "./_map_state.ts";
import { CLIENT, CLIENT_IDENTITY, ip4, NODE, SERVER } from "./_node.ts";
import { WEB, WEB_REPLY } from "./_row.ts";

type Twin = Emulator | KernelDatapath;

/** Counters as `endpoint direction identity protocol port/prefix: packets bytes`, sorted. */
function counters(datapath: Twin): string[] {
  const { keys, values } = datapath.accounting();
  const [key, value] = [new DataView(keys.buffer), new DataView(values.buffer)];
  return Array.from({ length: keys.length / ACCOUNTING_KEY_SIZE }, (_, i) => {
    const at = i * ACCOUNTING_KEY_SIZE;
    const u32 = (offset: number) => key.getUint32(at + offset, true);
    const u8 = (offset: number) => key.getUint8(at + offset);
    const port = key.getUint16(at + ACCOUNTING_KEY_PORT_OFF, true);
    const name = [
      u32(ACCOUNTING_KEY_ENDPOINT_OFF),
      u8(ACCOUNTING_KEY_DIRECTION_OFF) === 0 ? "ingress" : "egress",
      u32(ACCOUNTING_KEY_IDENTITY_OFF),
      u8(ACCOUNTING_KEY_PROTOCOL_OFF),
      `${port}/${u8(ACCOUNTING_KEY_PREFIX_LEN_OFF)}`,
    ].join(" ");
    const packets = value.getBigUint64(i * METRICS_VALUE_SIZE, true);
    const bytes = value.getBigUint64(i * METRICS_VALUE_SIZE + 8, true);
    return `${name}: ${packets} ${bytes}`;
  }).sort();
}

/** The client's policy is broad; the server's names the client, a port, a range and a protocol. */
const STATE: NodeState = {
  ...NODE,
  policies: [
    { number: 1, revision: 1, mapState: canonical([entry({ direction: "egress" })]) },
    {
      number: 2,
      revision: 1,
      mapState: canonical([
        entry({ identity: CLIENT_IDENTITY, protocol: 6, port: 80, portPrefix: 16 }),
        entry({ identity: CLIENT_IDENTITY, protocol: 6, port: 8080, portPrefix: 12 }),
        entry({ protocol: 17, verdict: "deny" }),
      ]),
    },
  ],
};

/** Packets of 54 bytes (TCP) and 42 (UDP) that meet each entry, none, or conntrack. */
function run(datapath: Twin): void {
  batch.clear();
  const packets = [
    ip4(CLIENT, SERVER).tcp(WEB),
    ip4(CLIENT, SERVER).tcp({ ...WEB, flags: ["ACK"] }),
    ip4(CLIENT, SERVER).tcp({ source: 4000, destination: 8081 }),
    ip4(CLIENT, SERVER).tcp({ source: 4000, destination: 8095 }),
    ip4(CLIENT, SERVER).tcp({ source: 4000, destination: 9999 }),
    ip4(CLIENT, SERVER).udp({ source: 4000, destination: 53 }),
  ];
  for (const packet of packets) {
    const data = packet.build();
    batch.add({ endpoint: CLIENT, hook: "from_container", data, now: SECOND });
  }
  const reply = ip4(SERVER, CLIENT).tcp({ ...WEB_REPLY, flags: ["ACK"] }).build();
  batch.add({ endpoint: SERVER, hook: "from_container", data: reply, now: SECOND });
  datapath.run(batch, batch);
}

const EXPECTED = [
  "1 egress 0 0 0/0: 6 312",
  "2 ingress 0 17 0/8: 1 42",
  `2 ingress ${CLIENT_IDENTITY} 6 80/24: 2 108`,
  `2 ingress ${CLIENT_IDENTITY} 6 8080/20: 2 108`,
];

Deno.test("Emulator.accounting() counts by what the matched entry names", () => {
  emulator.load(STATE);
  run(emulator);
  assertEquals(counters(emulator), EXPECTED);
});

Deno.test("Emulator.accounting() leaves out the endpoints that do not want it", () => {
  const endpoints = STATE.endpoints.map((one) => ({ ...one, accounting: one.id !== CLIENT }));
  emulator.load({ ...STATE, endpoints });
  run(emulator);
  assertEquals(counters(emulator), EXPECTED.slice(1));
});

Deno.test("Emulator.clearAccounting() forgets all counters, and goes on counting", () => {
  emulator.load(STATE);
  run(emulator);
  emulator.clearAccounting();
  assertEquals(counters(emulator), []);
  run(emulator);
  assertEquals(counters(emulator).length, EXPECTED.length);
});

kernelTest(
  "KernelDatapath.clearAccounting() forgets all counters, and goes on counting",
  async () => {
    using kernel = new KernelDatapath(memory);
    await kernel.load(STATE);
    run(kernel);
    kernel.clearAccounting();
    assertEquals(counters(kernel), []);
    run(kernel);
    assertEquals(counters(kernel).length, EXPECTED.length);
  },
);

kernelTest("KernelDatapath.accounting() leaves out the endpoints that do not want it", async () => {
  using kernel = new KernelDatapath(memory);
  const endpoints = STATE.endpoints.map((one) => ({ ...one, accounting: one.id !== CLIENT }));
  await kernel.load({ ...STATE, endpoints });
  run(kernel);
  assertEquals(counters(kernel), EXPECTED.slice(1));
});

kernelTest("KernelDatapath.accounting() counts by what the matched entry names", async () => {
  using kernel = new KernelDatapath(memory);
  await kernel.load(STATE);
  run(kernel);
  assertEquals(counters(kernel), EXPECTED);
});
