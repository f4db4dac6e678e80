import { assertEquals, assertThrows } from "@std/assert";
import { interleave, measureRace, median, percentile } from "../../bench/measure.ts";

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
  const medians = interleave([contender([999, 1, 3, 2]), contender([999, 50, 40, 60])], 3);

  assertEquals(medians, [2, 50]);
});

function contender(times: readonly number[]) {
  const left = [...times];
  return { pass: () => left.shift() ?? NaN };
}

Deno.test("measureRace() takes the overhead off", () => {
  const times = measureRace({
    overhead: contender([999, 10]),
    subject: contender([999, 25]),
    baseline: contender([999, 110]),
  }, 1);

  assertEquals(times, { subject: 15, baseline: 100 });
});

Deno.test("measureRace() measures again where the overhead took longer", () => {
  const times = measureRace({
    overhead: contender([0, 50, 0, 10]),
    subject: contender([0, 25, 0, 26]),
    baseline: contender([0, 110, 0, 111]),
  }, 1);

  assertEquals(times, { subject: 16, baseline: 101 });
});

Deno.test("measureRace() gives up on a machine that is never quiet", () => {
  const slow = { pass: () => 2 };
  const fast = { pass: () => 1 };
  assertThrows(
    () => measureRace({ overhead: slow, subject: fast, baseline: slow }, 1),
    Error,
    'Cannot measure "race": disturbed 5 times',
  );
});

Deno.test("percentile() returns one of the values", () => {
  const values = Array.from({ length: 200 }, (_, i) => 200 - i);
  assertEquals([0, 50, 99, 100].map((percent) => percentile(values, percent)), [1, 101, 199, 200]);
  assertThrows(() => percentile([], 99), RangeError, "no values");
});
