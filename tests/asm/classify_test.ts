import { assertEquals, assertGreater } from "@std/assert";
import { NativeLibrary } from "../../bench/native.ts";
import { CLANG } from "../../bench/requirement.ts";
import { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { readThreadsWasm } from "../../src/datapath/emulator_file.ts";
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
import { INITIAL_PAGES, MAXIMUM_PAGES } from "../../src/datapath/wasm.ts";
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

type Classify = DatapathMemory["wasm"]["exports"]["classifyPackets"];

/** What is said about the packets of a batch, cookie and verdict each. */
function answers(memory: DatapathMemory, packets: number, classify: Classify): bigint[] {
  const { exports } = memory.wasm;
  const bytes = PACKET_BATCH * ANSWER_BYTES;
  const output = exports.allocate(bytes) >>> 0;
  memory.bytes(output, bytes).fill(0xFF);
  classify(packets, PACKET_BATCH, output);
  const copy = memory.bytes(output, bytes).slice();
  exports.release(output, bytes);
  return [...new BigUint64Array(copy.buffer)];
}

/** Fails where two answers differ. */
function assertAlike(actual: bigint[], expected: bigint[], where: string): void {
  const at = actual.findIndex((answer, i) => answer !== expected[i]);
  assertEquals(actual[at]?.toString(16), expected[at]?.toString(16), `packet ${at}, ${where}`);
}

/** A world and packets of it in a memory of their own; the same seed gives the same. */
async function populated(memory: DatapathMemory, seed: number): Promise<Twins> {
  const twins = new Twins(memory, false);
  const generator = new PacketGenerator(memory);
  const world = randomWorld(new Random(seed));
  await twins.load(world);
  generator.useWorld(world);
  generator.start(seed, 0, 1);
  generator.fill(twins.input.pointer, PACKET_BATCH);
  return twins;
}

for (const addresses of ["fast", "compact"] as const) {
  const title = `classifyPackets() answers as bpf/parse.h in native C, ${addresses} addresses`;
  Deno.test({
    name: missing === undefined ? title : `${title} [skipped: ${missing}]`,
    ignore: missing !== undefined,
    async fn() {
      for (let seed = 1; seed <= 4; seed++) {
        const memory = newMemory({ addresses });
        using twins = await populated(memory, seed);
        const { pointer } = twins.input;
        for (const spoilt of [false, true]) {
          if (spoilt) spoil(new Random(seed), twins.input.bytes);
          const emulator = answers(memory, pointer, memory.wasm.exports.classifyPackets);
          using native = NativeLibrary.open(memory.wasm); // behind what may grow the memory
          const where = `seed ${seed}${spoilt ? ", spoilt" : ""}`;

          assertAlike(emulator, answers(memory, pointer, native.classifyPackets), where);
          // Not all of one kind: both what entries say and reasons are there.
          assertGreater(new Set(emulator).size, 10);
        }
      }
    },
  });
}

Deno.test("classifyPackets() answers alike in the build with threads", async () => {
  const threads = new DatapathMemory(await readThreadsWasm(), {
    memory: new WebAssembly.Memory({
      initial: INITIAL_PAGES,
      maximum: MAXIMUM_PAGES,
      shared: true,
    }),
    workers: 2,
  });
  using one = await populated(newMemory(), 5);
  using other = await populated(threads, 5);
  assertEquals(threads.wasm.exports.enterWorker(1), 1);

  const [expected = [], actual = []] = [one, other].map(({ memory, input }) =>
    answers(memory, input.pointer, memory.wasm.exports.classifyPackets)
  );

  assertAlike(actual, expected, "seed 5");
});
