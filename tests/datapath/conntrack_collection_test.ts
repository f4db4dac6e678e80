import { assertEquals } from "@std/assert";
import type { Emulator } from "../../src/datapath/emulator.ts";
import { KernelDatapath } from "../../src/datapath/kernel.ts";
import type { PacketBuilder } from "../../src/datapath/packet_builder.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { batch, emulator, memory, SECOND } from "./_emulator.ts";
import { CLIENT, ip4, ip6, NODE } from "./_node.ts";
import { WEB, WEB_REPLY } from "./_row.ts";

/** A host that is no endpoint: each flow with it has one entry. */
const BEYOND = 77;

/** Runs packets at second 100; those from beyond arrive by the stack. */
function run(datapath: Emulator | KernelDatapath, packets: readonly PacketBuilder[]): void {
  batch.clear();
  for (const packet of packets) {
    const data = packet.build();
    const source = data[12] === 0x86 ? data[37] : data[29];
    const hook = source === BEYOND ? "to_container" : "from_container";
    batch.add({ endpoint: CLIENT, hook, data, now: 100n * SECOND });
  }
  datapath.run(batch, batch);
}

/** Six flows that expire at seconds 110 (closed), 160 (unanswered) and 8100 or 160 (idle). */
function openFlows(datapath: Emulator | KernelDatapath): void {
  run(datapath, [
    ...[1, 2, 3].map((source) => ip4(CLIENT, BEYOND).tcp({ ...WEB, source })),
    ip4(CLIENT, BEYOND).tcp({ ...WEB, source: 4000 }),
    ip4(BEYOND, CLIENT).tcp({ ...WEB_REPLY, flags: ["SYN", "ACK"] }),
    ip4(CLIENT, BEYOND).tcp({ ...WEB, source: 4000, flags: ["ACK"] }),
    ip6(CLIENT, BEYOND).udp({ source: 4000, destination: 53 }),
    ip6(BEYOND, CLIENT).udp({ source: 53, destination: 4000 }),
    ip6(CLIENT, BEYOND).tcp({ ...WEB, flags: ["RST"] }),
  ]);
}

function flowCount(datapath: Emulator | KernelDatapath): number {
  const { keys4, keys6 } = datapath.conntrack();
  return keys4.length / 16 + keys6.length / 40;
}

function checkCollection(datapath: Emulator | KernelDatapath): void {
  openFlows(datapath);
  assertEquals(flowCount(datapath), 6);
  assertEquals(datapath.collectConntrack(109), { unanswered: 0, closed: 0, idle: 0 });
  assertEquals(datapath.collectConntrack(110), { unanswered: 0, closed: 1, idle: 0 });
  assertEquals(datapath.collectConntrack(160), { unanswered: 3, closed: 0, idle: 1 });
  assertEquals(flowCount(datapath), 1);
  assertEquals(datapath.collectConntrack(8099), { unanswered: 0, closed: 0, idle: 0 });
  assertEquals(datapath.collectConntrack(8100), { unanswered: 0, closed: 0, idle: 1 });
  assertEquals(flowCount(datapath), 0);
}

Deno.test("Emulator.collectConntrack() deletes what has expired, and says what it was", () => {
  emulator.load(NODE);
  checkCollection(emulator);
});

Deno.test("Emulator.collectConntrack() keeps the flows that live, wherever they stand", () => {
  emulator.load(NODE);
  // Every second flow is closed, so that entries move into gaps while the table is walked.
  run(
    emulator,
    Array.from(
      { length: 200 },
      (_, i) =>
        ip4(CLIENT, BEYOND).tcp({ source: i, destination: 80, flags: [i % 2 ? "RST" : "SYN"] }),
    ),
  );
  assertEquals(emulator.collectConntrack(120).closed, 100);
  assertEquals(flowCount(emulator), 100);
  assertEquals(emulator.collectConntrack(160).unanswered, 100);
});

kernelTest("KernelDatapath.collectConntrack() deletes what has expired", async () => {
  using kernel = new KernelDatapath(memory);
  await kernel.load(NODE);
  checkCollection(kernel);
});
