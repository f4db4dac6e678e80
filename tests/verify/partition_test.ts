import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Partition } from "../../src/verify/partition.ts";

Deno.test("Partition cuts before and after every range", () => {
  const partition = new Partition(99n, [{ first: 10n, last: 19n }, { first: 15n, last: 15n }]);
  const intervals = Array.from({ length: partition.size }, (_, i) => partition.interval(i));
  assertEquals(intervals, [
    { first: 0n, last: 9n },
    { first: 10n, last: 14n },
    { first: 15n, last: 15n },
    { first: 16n, last: 19n },
    { first: 20n, last: 99n },
  ]);
});

Deno.test("Partition without ranges is one interval", () => {
  assertEquals(new Partition(7n, []).interval(0), { first: 0n, last: 7n });
});

Deno.test("Partition ends with a range that does", () => {
  const partition = new Partition(7n, [{ first: 5n, last: 7n }]);
  assertEquals([partition.size, partition.interval(1)], [2, { first: 5n, last: 7n }]);
});

Deno.test("Partition.corners() gives one value for an interval of one", () => {
  const partition = new Partition(7n, [{ first: 5n, last: 5n }]);
  assertEquals([partition.corners(0), partition.corners(1)], [[0n, 4n], [5n]]);
});

Deno.test("Partition refuses a range out of its space", () => {
  assertThrows(() => new Partition(7n, [{ first: 5n, last: 8n }]), RangeError, "5-8");
  assertThrows(() => new Partition(7n, [{ first: 5n, last: 4n }]), RangeError, "5-4");
});

Deno.test("Partition.indexOf() finds the interval that holds a value", () => {
  const value = fc.integer({ min: 0, max: 255 });
  const range = fc.tuple(value, value).map(([a, b]) => ({
    first: BigInt(Math.min(a, b)),
    last: BigInt(Math.max(a, b)),
  }));
  fc.assert(fc.property(fc.array(range), value, (ranges, number) => {
    const partition = new Partition(255n, ranges);
    const { first, last } = partition.interval(partition.indexOf(BigInt(number)));
    return first <= BigInt(number) && BigInt(number) <= last;
  }));
});

Deno.test("Partition puts values into one interval only if every range holds both or none", () => {
  const value = fc.integer({ min: 0, max: 63 });
  const range = fc.tuple(value, value).map(([a, b]) => ({
    first: BigInt(Math.min(a, b)),
    last: BigInt(Math.max(a, b)),
  }));
  fc.assert(fc.property(fc.array(range), value, value, (ranges, a, b) => {
    const partition = new Partition(63n, ranges);
    const holds = (n: number) => ranges.map((r) => r.first <= BigInt(n) && BigInt(n) <= r.last);
    const together = partition.indexOf(BigInt(a)) === partition.indexOf(BigInt(b));
    return !together || holds(a).join() === holds(b).join();
  }));
});
