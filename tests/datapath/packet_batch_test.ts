import { assertEquals, assertThrows } from "@std/assert";
import type { PacketInput } from "../../src/datapath/packet_batch.ts";
import { newMemory } from "./_memory.ts";

const memory = newMemory();
const PACKET: PacketInput = { endpoint: 1, hook: "from_container", data: new Uint8Array(60) };

Deno.test("PacketBatch writes struct packet_slot", () => {
  const batch = memory.packetBatch(2);
  batch.add({
    endpoint: 0x123,
    hook: "to_container",
    data: new Uint8Array(14).fill(0xEE),
    mark: 0x80000001,
    now: 0x0102030405060708n,
  });
  assertEquals([...batch.bytes.subarray(0, 48)], [
    ...[8, 7, 6, 5, 4, 3, 2, 1],
    ...[0x23, 1, 0, 0],
    ...[1, 0, 0, 0],
    ...[14, 0, 0, 0],
    ...[1, 0, 0, 0x80],
    ...[0xFF, 0xFF, 0xFF, 0xFF],
    ...[0, 0, 0, 0],
    ...new Array(14).fill(0xEE),
    ...[0, 0],
  ]);
  assertEquals(batch.bytes.length, 256);
  assertEquals(batch.pointer % 65536, 0);
});

Deno.test("PacketBatch leaves nothing of the packet before in a record", () => {
  const batch = memory.packetBatch(1);
  batch.add({ ...PACKET, data: new Uint8Array(224).fill(0xFF), mark: 5, now: 7n });
  batch.clear();
  batch.add(PACKET);
  assertEquals(batch.bytes.slice(32), new Uint8Array(224));
});

Deno.test("PacketBatch survives growth of the memory", () => {
  const batch = memory.packetBatch(1);
  batch.add(PACKET);
  memory.wasm.exports.allocatePages(1 << 24);
  assertEquals(batch.output(0), { verdict: -1, mark: 0, data: PACKET.data });
});

Deno.test("PacketBatch refuses what a record cannot hold", () => {
  const batch = memory.packetBatch(1);
  const add = (fields: Partial<PacketInput>) => batch.add({ ...PACKET, ...fields });
  assertThrows(
    () => add({ data: new Uint8Array(225) }),
    RangeError,
    "length is 225, expected 14 to 224",
  );
  assertThrows(() => add({ data: new Uint8Array(13) }), RangeError, "length is 13");
  assertThrows(() => add({ endpoint: 8192 }), RangeError, "endpoint is 8192, expected 0 to 8191");
  assertThrows(() => add({ mark: -1 }), RangeError, "mark is -1");
  assertThrows(() => add({ now: -1n }), RangeError, "now is -1");
  batch.add(PACKET);
  assertThrows(() => add({}), RangeError, `Cannot add packet "1": batch is full`);
  assertThrows(() => batch.output(1), RangeError, `Cannot read packet "1": not in the batch`);
  assertThrows(() => batch.count = 2, RangeError, "expected 0 to 1");
  assertThrows(() => memory.packetBatch(16385), RangeError, "expected 1 to 16384");
});
