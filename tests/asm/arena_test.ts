import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { seeded } from "../datapath/_map_state.ts";
import { newMemory } from "../datapath/_memory.ts";

const memory = newMemory();
const { exports } = memory.wasm;

interface Block {
  readonly address: number;
  readonly size: number;
  readonly fill: number;
}

const sizes = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 70000 }));

Deno.test("allocate() gives blocks that do not overlap, aligned to cache lines", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(sizes, fc.nat()), { maxLength: 100 }), (steps) => {
      const blocks: Block[] = [];
      for (const [i, [size, choice]] of steps.entries()) {
        const address = exports.allocate(size) >>> 0;
        assertEquals(address % 64, 0);
        memory.bytes(address, size).fill(i);
        blocks.push({ address, size, fill: i });
        if (choice % 3 !== 0) continue;
        const [freed] = blocks.splice(choice % blocks.length, 1);
        exports.release(freed!.address, freed!.size);
      }
      for (const { address, size, fill } of blocks) {
        assert(memory.bytes(address, size).every((byte) => byte === fill));
        exports.release(address, size);
      }
    }),
    seeded(100),
  );
});

Deno.test("allocate() answers 0 when the memory cannot grow", () => {
  assertEquals(exports.allocate(0x80000001), 0);
  assertEquals(exports.allocate(0x80000000) >>> 0 !== 0, true);
  assertEquals(exports.allocate(0x80000000), 0);
});
