/**
 * Adds up what several CPUs, or workers, have counted on their own.
 *
 * @module
 */
import type { ConntrackCollection } from "./conntrack_collection.ts";
import type { AccountingDump } from "./datapath.ts";
import { ACCOUNTING_KEY_SIZE, METRICS_VALUE_SIZE } from "./layout.ts";

/** Counters of equal length, as u64 in the machine's byte order, added up. */
export function mergeMetrics(each: readonly Uint8Array[]): Uint8Array {
  const sums = new BigUint64Array((each[0]?.length ?? 0) / 8);
  for (const bytes of each) {
    for (const [i, count] of new BigUint64Array(bytes.slice().buffer).entries()) {
      sums[i] = (sums[i] ?? 0n) + count;
    }
  }
  return new Uint8Array(sums.buffer);
}

/** Counters by key, each key once. */
export function mergeAccounting(each: readonly AccountingDump[]): AccountingDump {
  const sums = new Map<string, { key: Uint8Array; value: Uint8Array }>();
  for (const { keys, values } of each) {
    for (let i = 0; i * ACCOUNTING_KEY_SIZE < keys.length; i++) {
      const key = keys.subarray(i * ACCOUNTING_KEY_SIZE, (i + 1) * ACCOUNTING_KEY_SIZE);
      const value = values.subarray(i * METRICS_VALUE_SIZE, (i + 1) * METRICS_VALUE_SIZE);
      const sum = sums.get(key.join())?.value;
      sums.set(key.join(), { key, value: sum ? mergeMetrics([sum, value]) : value });
    }
  }
  const keys = new Uint8Array(sums.size * ACCOUNTING_KEY_SIZE);
  const values = new Uint8Array(sums.size * METRICS_VALUE_SIZE);
  for (const [i, { key, value }] of [...sums.values()].entries()) {
    keys.set(key, i * ACCOUNTING_KEY_SIZE);
    values.set(value, i * METRICS_VALUE_SIZE);
  }
  return { keys, values };
}

/** Deleted flows, by what they last were. */
export function mergeCollections(each: readonly ConntrackCollection[]): ConntrackCollection {
  const sum = (count: (one: ConntrackCollection) => number) =>
    each.reduce((total, one) => total + count(one), 0);
  return {
    unanswered: sum(({ unanswered }) => unanswered),
    closed: sum(({ closed }) => closed),
    idle: sum(({ idle }) => idle),
  };
}
