import { assert, assertEquals } from "@std/assert";
import type { Emulator } from "../../src/datapath/emulator.ts";
import { KernelDatapath } from "../../src/datapath/kernel.ts";
import {
  CT4_KEY_SIZE,
  EVENT_SIZE,
  EVENTS_RING_BYTES,
  MAX_CONNTRACK,
  REASON_EVENT_LOST,
} from "../../src/datapath/layout.ts";
import { newPacket } from "../../src/datapath/packet_builder.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { batch, emulator, memory, packetsCounted, reasons, SECOND } from "./_emulator.ts";
import { CLIENT, ip4, NODE } from "./_node.ts";
import { WEB } from "./_row.ts";

/** Fills the batch with SYNs from different ports and runs it. */
function runFlows(datapath: Emulator | KernelDatapath, first: number, count: number): void {
  batch.clear();
  const data = ip4(CLIENT, 77).tcp(WEB).build();
  for (let i = first; i < first + count; i++) {
    data.set([i >> 16 & 0xFF, i >> 8 & 0xFF, i & 0xFF], 31); // destination 10.x.y.z
    data.set([10, i >> 16 & 0xFF, i >> 8 & 0xFF, i & 0xFF], 30);
    batch.add({ endpoint: CLIENT, hook: "from_container", data, now: SECOND });
  }
  datapath.run(batch, batch);
}

/** Admits as many flows as the table holds, and then some, and returns the entries there are. */
function overfill(datapath: Emulator | KernelDatapath): number {
  const extra = 1000;
  for (let flow = 0; flow < MAX_CONNTRACK; flow += batch.capacity) {
    runFlows(datapath, 0x20000 + flow, batch.capacity);
  }
  runFlows(datapath, 0x90000, extra);
  return datapath.conntrack().keys4.length / CT4_KEY_SIZE;
}

Deno.test("Emulator admits flows beyond the limit in the place of others", () => {
  emulator.load({ ...NODE, events: ["drop"] });
  assertEquals(overfill(emulator), MAX_CONNTRACK);
  assertEquals(reasons(), []);
});

kernelTest("KernelDatapath admits flows beyond the limit in the place of others", async () => {
  using kernel = new KernelDatapath(memory);
  await kernel.load({ ...NODE, events: ["drop"] });
  const entries = overfill(kernel);
  // The kernel makes room in advance, some hundred at a time.
  assert(entries <= MAX_CONNTRACK && entries > MAX_CONNTRACK * 0.9, `${entries} entries`);
  assertEquals(kernel.drainEvents().bytes.length, 0);
});

Deno.test("Emulator counts events that find no room", () => {
  emulator.load(NODE);
  const room = Math.floor((EVENTS_RING_BYTES - 1) / (EVENT_SIZE + 8));
  const data = newPacket().eth({ type: 0x88CC }).build();
  for (let sent = 0; sent <= room; sent += batch.capacity) {
    batch.clear();
    while (batch.count < batch.capacity) {
      batch.add({ endpoint: CLIENT, hook: "from_container", data });
    }
    emulator.run(batch, batch);
  }
  const sent = Math.ceil((room + 1) / batch.capacity) * batch.capacity;
  const { bytes, lost } = emulator.drainEvents();
  assertEquals([bytes.length / EVENT_SIZE, lost], [room, sent - room]);
  assertEquals(packetsCounted(REASON_EVENT_LOST, 1), BigInt(sent - room));
  assertEquals(emulator.drainEvents(), { bytes: new Uint8Array(), lost: 0 });
});
