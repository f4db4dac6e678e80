import { assertEquals } from "@std/assert";
import {
  DROP_CT_CREATE_FAILED,
  EVENT_SIZE,
  EVENTS_RING_BYTES,
  MAX_CONNTRACK,
  REASON_EVENT_LOST,
} from "../../src/datapath/layout.ts";
import { newPacket } from "../../src/datapath/packet_builder.ts";
import { batch, emulator, packetsCounted, reasons, SECOND } from "./_emulator.ts";
import { CLIENT, ip4, NODE } from "./_node.ts";
import { WEB } from "./_packet_rows.ts";

/** Fills the batch with SYNs from different ports and runs it. */
function runFlows(first: number, count: number): void {
  batch.clear();
  const data = ip4(CLIENT, 77).tcp(WEB).build();
  for (let i = first; i < first + count; i++) {
    data.set([i >> 16 & 0xFF, i >> 8 & 0xFF, i & 0xFF], 31); // destination 10.x.y.z
    data.set([10, i >> 16 & 0xFF, i >> 8 & 0xFF, i & 0xFF], 30);
    batch.add({ endpoint: CLIENT, hook: "from_container", data, now: SECOND });
  }
  emulator.run(batch, batch);
}

Deno.test("Emulator refuses flows beyond the limit, and says so", () => {
  emulator.load({ ...NODE, events: ["drop"] });
  for (let flow = 0; flow < MAX_CONNTRACK; flow += batch.capacity) {
    runFlows(0x20000 + flow, batch.capacity);
  }
  assertEquals(emulator.conntrack().keys4.length, MAX_CONNTRACK * 16);
  assertEquals(reasons(), []);
  runFlows(0x10000, 1);
  assertEquals(reasons(), [DROP_CT_CREATE_FAILED]);
  emulator.clearConntrack();
  runFlows(0x10000, 1);
  assertEquals(emulator.conntrack().keys4.length, 16);
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
