import { assertEquals } from "@std/assert";
import { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../../src/datapath/emulator_file.ts";
import { corpusBatch } from "../../src/fuzz/corpus.ts";
import type { CapturedPacket } from "../../src/pcap/capture.ts";

const ETHERNET = 1;
const RAW = 101;
const USB = 189;

function packet(linkType: number, data: Uint8Array): CapturedPacket {
  return { number: 1, linkType, time: 0n, data, originalLength: data.length };
}

Deno.test("corpusBatch() takes each frame once, cut to the longest, and none that no veth carries", async () => {
  const memory = new DatapathMemory(await readEmulatorWasm());
  const batch = corpusBatch(memory, [
    packet(ETHERNET, new Uint8Array(60)),
    packet(ETHERNET, new Uint8Array(60)),
    packet(ETHERNET, new Uint8Array(13)),
    packet(USB, new Uint8Array(60)),
    packet(ETHERNET, new Uint8Array(1500).fill(1)),
    packet(RAW, Uint8Array.of(0x45)),
  ]);
  assertEquals(batch?.count, 3);
  const lengths = [0, 1, 2].map((i) => batch?.output(i).data.length);
  assertEquals(lengths, [60, 224, 15]);
});

Deno.test("corpusBatch() of nothing that can be used is undefined", async () => {
  const memory = new DatapathMemory(await readEmulatorWasm());
  assertEquals(corpusBatch(memory, [packet(ETHERNET, new Uint8Array(3))]), undefined);
});
