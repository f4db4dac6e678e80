/**
 * `kernel.ipcache.*`: exact hash before the trie against one trie for everything, both in
 * the kernel, with the same addresses and the same queries.
 *
 * @module
 */
import {
  IPCACHE4_CIDR_KEY_SIZE,
  IPCACHE4_KEY_SIZE,
  IPCACHE_INFO_SIZE,
} from "../src/datapath/layout.ts";
import { type AddressSet, addressSet, drawAddresses, networkOrder } from "./addresses.ts";
import type { Benchmark, BenchOptions } from "./benchmark.ts";
import { KernelLookups } from "./kernel_lookups.ts";
import { addressQueries } from "./queries.ts";
import { KERNEL } from "./requirement.ts";
import type { BenchResult } from "./result.ts";

const SUBJECT = "bench_ipcache";
const BASELINE = "bench_ipcache_lpm";
const ADDRESS_BITS = 32;

/** Packed `struct ipcache_info` of some items of a set. */
function infos(set: AddressSet, items: Uint32Array): Uint8Array<ArrayBuffer> {
  const wordsEach = IPCACHE_INFO_SIZE / Uint32Array.BYTES_PER_ELEMENT;
  const words = new Uint32Array(items.length * wordsEach);
  items.forEach((item, i) => {
    words[i * wordsEach] = set.identities[item] ?? 0;
    words[i * wordsEach + 1] = set.slots[item] ?? 0;
  });
  return new Uint8Array(words.buffer);
}

/** Packed `struct ipcache4_key` of some items of a set. */
function exactKeys(set: AddressSet, items: Uint32Array): Uint8Array<ArrayBuffer> {
  const words = items.map((item) => networkOrder(set.addresses[item] ?? 0));
  return new Uint8Array(words.buffer as ArrayBuffer, 0, items.length * IPCACHE4_KEY_SIZE);
}

/** Packed `struct ipcache4_cidr_key` of some items of a set. */
function cidrKeys(set: AddressSet, items: Uint32Array): Uint8Array<ArrayBuffer> {
  const wordsEach = IPCACHE4_CIDR_KEY_SIZE / Uint32Array.BYTES_PER_ELEMENT;
  const words = new Uint32Array(items.length * wordsEach);
  items.forEach((item, i) => {
    words[i * wordsEach] = set.prefixLengths[item] ?? 0;
    words[i * wordsEach + 1] = networkOrder(set.addresses[item] ?? 0);
  });
  return new Uint8Array(words.buffer);
}

function fill(lookups: KernelLookups, set: AddressSet): void {
  const all = Uint32Array.from(set.addresses.keys());
  const exact = all.filter((item) => set.prefixLengths[item] === ADDRESS_BITS);
  const cidrs = all.filter((item) => set.prefixLengths[item] !== ADDRESS_BITS);
  lookups.map("ipcache4").updateBatch(exactKeys(set, exact), infos(set, exact));
  lookups.map("ipcache4_cidr").updateBatch(cidrKeys(set, cidrs), infos(set, cidrs));
  lookups.map("lpm_ipcache4").updateBatch(cidrKeys(set, all), infos(set, all));
}

async function measure(
  name: string,
  count: number,
  options: BenchOptions,
): Promise<BenchResult> {
  using lookups = await KernelLookups.load([SUBJECT, BASELINE]);
  options.progress.show(`${name}: ${count} addresses`);
  const set = addressSet(count);
  fill(lookups, set);
  lookups.ask(addressQueries(drawAddresses(set, lookups.queryCount).map(networkOrder)));
  return lookups.race(name, {
    subject: SUBJECT,
    baseline: BASELINE,
    baselineName: "LPM trie",
    ...options,
  });
}

/** A benchmark of address lookups in the kernel. */
export function kernelIpcacheBenchmark(name: string, count: number): Benchmark {
  return {
    name,
    about: "identity of an IPv4 address in the kernel, against one LPM trie",
    requires: [KERNEL],
    run: (options) => measure(name, count, options),
  };
}
