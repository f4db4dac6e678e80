import { assertEquals } from "@std/assert";
import { mergeAccounting, mergeCollections, mergeMetrics } from "../../src/datapath/cpu_sums.ts";

const counters = (...values: bigint[]) => new Uint8Array(BigUint64Array.from(values).buffer);
const key = (number: number) => new Uint8Array(16).fill(number);
const joined = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));

Deno.test("mergeMetrics() adds u64 counters, past 32 bits", () => {
  const sums = mergeMetrics([counters(1n, 0xFFFFFFFFn), counters(2n, 1n), counters(0n, 0n)]);
  assertEquals(sums, counters(3n, 0x100000000n));
  assertEquals(mergeMetrics([]), new Uint8Array(0));
});

Deno.test("mergeAccounting() has each key once", () => {
  const merged = mergeAccounting([
    { keys: joined(key(1), key(2)), values: joined(counters(1n, 10n), counters(2n, 20n)) },
    { keys: key(2), values: counters(3n, 30n) },
  ]);
  assertEquals(merged.keys, joined(key(1), key(2)));
  assertEquals(merged.values, joined(counters(1n, 10n), counters(5n, 50n)));
});

Deno.test("mergeCollections() adds up by what flows last were", () => {
  const one = { unanswered: 1, closed: 2, idle: 3 };
  assertEquals(mergeCollections([one, one]), { unanswered: 2, closed: 4, idle: 6 });
});
