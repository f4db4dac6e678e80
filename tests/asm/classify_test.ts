import { assertEquals, assertGreater } from "@std/assert";
import { NativeLibrary } from "../../bench/native.ts";
import { CLANG } from "../../bench/requirement.ts";
import type { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import {
  MAX_ENDPOINTS,
  PACKET_BATCH,
  PACKET_DATA_BYTES,
  PACKET_SLOT_DATA_OFF,
  PACKET_SLOT_ENDPOINT_OFF,
  PACKET_SLOT_LENGTH_OFF,
  PACKET_SLOT_SIZE,
} from "../../src/datapath/layout.ts";
import { PacketGenerator } from "../../src/fuzz/generator.ts";
import { randomWorld } from "../../src/fuzz/random_world.ts";
import { Twins } from "../../src/fuzz/twins.ts";
import { Random } from "../../src/verify/random.ts";
import { newMemory } from "../datapath/_memory.ts";

const missing = CLANG.missing();
const ANSWER_BYTES = 8;
/** Of a packet: all that a plain one is told by, and a little more. */
const HEADER_BYTES = 80;

/** Changes bytes, lengths and endpoints, mostly such that decide. */
function spoil(random: Random, slots: Uint8Array): void {
  const view = new DataView(slots.buffer, slots.byteOffset, slots.byteLength);
  for (let slot = 0; slot < slots.length; slot += PACKET_SLOT_SIZE) {
    for (let changes = random.below(4); changes > 0; changes--) {
      const at = slot + PACKET_SLOT_DATA_OFF + 12 + random.below(HEADER_BYTES);
      slots[at] = random.pick([0, 1, 6, 8, 17, 20, 0x45, 0x60, 0x86, 0xDD, random.below(256)]);
    }
    if (random.below(4) === 0) {
      const length = random.pick([random.below(HEADER_BYTES), PACKET_DATA_BYTES + 1, 0xFFFFFFFF]);
      view.setUint32(slot + PACKET_SLOT_LENGTH_OFF, length, true);
    }
    if (random.below(16) === 0) {
      const endpoint = random.pick([random.below(8), MAX_ENDPOINTS, 0xFFFFFFFF]);
      view.setUint32(slot + PACKET_SLOT_ENDPOINT_OFF, endpoint, true);
    }
  }
}

/** What both have to say about the packets of a batch, cookie and verdict each. */
function answers(memory: DatapathMemory, packets: number): Record<"emulator" | "native", bigint[]> {
  const { exports } = memory.wasm;
  const bytes = PACKET_BATCH * ANSWER_BYTES;
  const output = exports.allocate(bytes) >>> 0;
  using native = NativeLibrary.open(memory.wasm);
  const ask = (classify: typeof exports.classifyPackets) => {
    memory.bytes(output, bytes).fill(0xFF);
    classify(packets, PACKET_BATCH, output);
    return [...new BigUint64Array(memory.bytes(output, bytes).slice().buffer)];
  };
  const both = { emulator: ask(exports.classifyPackets), native: ask(native.classifyPackets) };
  exports.release(output, bytes);
  return both;
}

for (const addresses of ["fast", "compact"] as const) {
  const title = `classifyPackets() answers as bpf/parse.h in native C, ${addresses} addresses`;
  Deno.test({
    name: missing === undefined ? title : `${title} [skipped: ${missing}]`,
    ignore: missing !== undefined,
    async fn() {
      const memory = newMemory({ addresses });
      using twins = new Twins(memory, false);
      const generator = new PacketGenerator(memory);
      for (let seed = 1; seed <= 4; seed++) {
        const random = new Random(seed);
        const world = randomWorld(random);
        await twins.load(world);
        generator.useWorld(world);
        generator.start(seed, 0, 1);
        generator.fill(twins.input.pointer, PACKET_BATCH);

        for (const spoilt of [false, true]) {
          if (spoilt) spoil(random, twins.input.bytes);
          const { emulator, native } = answers(memory, twins.input.pointer);
          const differing = emulator.findIndex((answer, i) => answer !== native[i]);

          const hex = (answer: bigint | undefined) => answer?.toString(16);
          assertEquals(
            hex(emulator[differing]),
            hex(native[differing]),
            `seed ${seed}, packet ${differing}${spoilt ? ", spoilt" : ""}`,
          );
          // Not all of one kind: both what entries say and reasons are there.
          assertGreater(new Set(emulator).size, 10);
        }
      }
    },
  });
}
