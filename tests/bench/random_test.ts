import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Random } from "../../bench/random.ts";

function draw(seed: number, count: number): number[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => random.next());
}

Deno.test("Random repeats its numbers for a seed, and only for that seed", () => {
  assertEquals(draw(7, 100), draw(7, 100));
  assertNotEquals(draw(7, 100), draw(8, 100));
});

Deno.test("Random.below() stays within its limit", () => {
  fc.assert(fc.property(fc.integer(), fc.integer({ min: 1, max: 2 ** 32 }), (seed, limit) => {
    const value = new Random(seed).below(limit);
    return Number.isInteger(value) && value >= 0 && value < limit;
  }));
});

Deno.test("Random.distinct() draws different numbers of the range", () => {
  const drawn = new Random(1).distinct(50, 100, 50);
  assertEquals(
    drawn.toSorted((a, b) => a - b),
    Array.from({ length: 50 }, (_, i) => 100 + i),
  );
});

Deno.test("Random.distinct() refuses more numbers than the range has", () => {
  assertThrows(
    () => new Random(1).distinct(3, 0, 2),
    RangeError,
    'Cannot draw "3" different numbers: too many, expected at most 2',
  );
});
