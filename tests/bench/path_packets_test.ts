import { assert, assertEquals } from "@std/assert";
import { addressSet } from "../../bench/addresses.ts";
import { PATH_SOURCE, PathPackets } from "../../bench/path_packets.ts";
import { sharedWorkload } from "../../bench/workloads.ts";
import { PACKET_SLOT_DATA_OFF, PACKET_SLOT_SIZE } from "../../src/datapath/layout.ts";
import { memory } from "../datapath/_emulator.ts";

const COUNT = 400;
const SOURCE = PACKET_SLOT_DATA_OFF + 26;
const DESTINATION_PORT = PACKET_SLOT_DATA_OFF + 36;
const batch = memory.packetBatch(COUNT);

function packets(seed: number): Uint8Array {
  const policy = sharedWorkload(512).policy(1);
  const maker = new PathPackets(addressSet(2000, { podIdentities: 100 }), COUNT, seed);
  batch.clear();
  for (let i = 0; i < COUNT; i++) maker.add(batch, 1, policy);
  return batch.bytes.slice();
}

Deno.test("PathPackets makes the same packets for the same seed", () => {
  assertEquals(packets(3), packets(3));
});

Deno.test("PathPackets sends half of them to a port of some entry", () => {
  const ports = new Set(
    sharedWorkload(512).policy(1).peers.flatMap(({ rules }) => rules.entries.map((e) => e.port)),
  );
  const view = new DataView(packets(1).buffer);
  let named = 0;
  for (let i = 0; i < COUNT; i++) {
    const source = new Uint8Array(view.buffer, i * PACKET_SLOT_SIZE + SOURCE, 4);
    assertEquals(source, PATH_SOURCE);
    if (ports.has(view.getUint16(i * PACKET_SLOT_SIZE + DESTINATION_PORT))) named++;
  }
  assert(named > COUNT * 0.4 && named < COUNT * 0.6, `${named} of ${COUNT}`);
});
