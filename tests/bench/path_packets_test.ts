import { assert, assertEquals } from "@std/assert";
import { addressSet } from "../../bench/addresses.ts";
import { PATH_SOURCE, PATH_SOURCE6, PathPackets } from "../../bench/path_packets.ts";
import { sharedWorkload } from "../../bench/workloads.ts";
import { PACKET_SLOT_DATA_OFF, PACKET_SLOT_SIZE } from "../../src/datapath/layout.ts";
import { memory } from "../datapath/_emulator.ts";

const COUNT = 400;
const FAMILIES = [
  { family: 4, address: PATH_SOURCE, source: 26, destinationPort: 36 },
  { family: 6, address: PATH_SOURCE6, source: 22, destinationPort: 56 },
] as const;
const batch = memory.packetBatch(COUNT);

function packets(seed: number, family: 4 | 6 = 4): Uint8Array {
  const policy = sharedWorkload(512).policy(1);
  const maker = new PathPackets(addressSet(2000, { podIdentities: 100 }), COUNT, { seed, family });
  batch.clear();
  for (let i = 0; i < COUNT; i++) maker.add(batch, 1, policy);
  return batch.bytes.slice();
}

Deno.test("PathPackets makes the same packets for the same seed", () => {
  assertEquals(packets(3), packets(3));
});

for (const { family, address, source, destinationPort } of FAMILIES) {
  Deno.test(`PathPackets sends half of them to a port of some entry: IPv${family}`, () => {
    const ports = new Set(
      sharedWorkload(512).policy(1).peers.flatMap(({ rules }) => rules.entries.map((e) => e.port)),
    );
    const view = new DataView(packets(1, family).buffer);
    let named = 0;
    for (let i = 0; i < COUNT; i++) {
      const data = i * PACKET_SLOT_SIZE + PACKET_SLOT_DATA_OFF;
      assertEquals(new Uint8Array(view.buffer, data + source, address.length), address);
      if (ports.has(view.getUint16(data + destinationPort))) named++;
    }
    assert(named > COUNT * 0.4 && named < COUNT * 0.6, `${named} of ${COUNT}`);
  });
}
