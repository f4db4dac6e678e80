import { assertEquals, assertThrows } from "@std/assert";
import { Random } from "../../src/verify/random.ts";

const take = (random: Random) => Array.from({ length: 8 }, () => random.u32());

Deno.test("Random gives the same numbers for the same seed", () => {
  assertEquals(take(new Random(42)), take(new Random(42)));
});

Deno.test("Random gives other numbers for another seed", () => {
  assertEquals(take(new Random(0)).join() === take(new Random(1)).join(), false);
});

Deno.test("Random.below() stays below and reaches everything", () => {
  const random = new Random(7);
  const seen = new Set(Array.from({ length: 1000 }, () => random.below(10)));
  assertEquals([...seen].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

Deno.test("Random refuses a seed out of range", () => {
  assertThrows(() => new Random(-1), RangeError, '"-1"');
  assertThrows(() => new Random(2 ** 32), RangeError, '"4294967296"');
});
