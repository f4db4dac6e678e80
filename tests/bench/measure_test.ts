import { assertEquals, assertThrows } from "@std/assert";
import { interleave, median } from "../../bench/measure.ts";

Deno.test("median() takes the middle value, whatever the order", () => {
  assertEquals(median([30, 10, 20]), 20);
});

Deno.test("median() takes the mean of the middle two", () => {
  assertEquals(median([40, 10, 20, 30]), 25);
});

Deno.test("median() refuses no values", () => {
  assertThrows(() => median([]), RangeError, 'Cannot take a "median"');
});

Deno.test("interleave() lets the contenders take turns, every other round in reverse", () => {
  const log: string[] = [];
  const contender = (name: string) => ({ pass: () => log.push(name) });

  interleave([contender("a"), contender("b")], 3);

  assertEquals(log.join(""), "ab" + "ab" + "ba" + "ab");
});

Deno.test("interleave() returns each contender's median without the warm-up", () => {
  const contender = (times: number[]) => ({ pass: () => times.shift() ?? NaN });

  const medians = interleave([contender([999, 1, 3, 2]), contender([999, 50, 40, 60])], 3);

  assertEquals(medians, [2, 50]);
});
