/**
 * `kernel.ipcache.*`: blocks before an exact hash before a trie, against one trie for everything,
 * both in the kernel, with the same addresses and the same queries.
 *
 * @module
 */
import { KernelIpcache } from "../src/datapath/kernel_ipcache.ts";
import { fillTries } from "../src/datapath/lpm_maps.ts";
import { fillTables, type NodeMaps } from "../src/datapath/node_maps.ts";
import { addressSet, drawAddresses } from "./addresses.ts";
import type { Benchmark, BenchOptions } from "./benchmark.ts";
import { KernelLookups } from "./kernel_lookups.ts";
import type { KernelTarget } from "./kernel_workload.ts";
import { PolicyMemory } from "./policy_memory.ts";
import { addressQueries } from "./queries.ts";
import { KERNEL } from "./requirement.ts";
import type { BenchResult } from "./result.ts";

const SUBJECT = "bench_ipcache";
const BASELINE = "bench_ipcache_lpm";

/** Fills one trie with all addresses. */
export function fillTrie(maps: Pick<NodeMaps, "map">, { datapath }: PolicyMemory): void {
  fillTries(maps, datapath);
}

/** Fills the exact hash and the trie of CIDRs. */
export function fillExact(maps: Pick<NodeMaps, "map">, { datapath }: PolicyMemory): void {
  fillTables(maps, datapath, ["ipcache4_cidr", "ipcache4", "ipcache6_cidr", "ipcache6"]);
}

/** Fills the tables and the blocks before them; the caller owns what keeps the blocks. */
export async function fillBlocks(
  target: KernelTarget,
  memory: PolicyMemory,
): Promise<KernelIpcache> {
  fillExact(target, memory);
  const chunk = target.spec.maps.get("ipcache_chunks")?.inner;
  if (!chunk) throw new TypeError('Cannot fill "ipcache_chunks": a plain map, expected inner maps');
  const ipcache = new KernelIpcache(target, chunk, memory.datapath);
  await ipcache.fill();
  return ipcache;
}

async function measure(
  name: string,
  { count, family }: IpcacheShape,
  options: BenchOptions,
): Promise<BenchResult> {
  using lookups = await KernelLookups.load([SUBJECT, BASELINE]);
  options.progress.show(`${name}: ${count} addresses`);
  const set = addressSet(count);
  const memory = await PolicyMemory.create();
  memory.fillIpcache(set, family);
  fillTrie(lookups, memory);
  using _ipcache = await fillBlocks(lookups, memory);
  lookups.ask(addressQueries(drawAddresses(set, lookups.queryCount), family));
  return lookups.race(name, {
    subject: SUBJECT,
    baseline: BASELINE,
    baselineName: "LPM trie",
    ...options,
  });
}

/** Size of an ipcache benchmark. */
export interface IpcacheShape {
  /** Addresses and CIDRs. */
  readonly count: number;
  readonly family: 4 | 6;
}

/** A benchmark of address lookups in the kernel. */
export function kernelIpcacheBenchmark(name: string, shape: IpcacheShape): Benchmark {
  return {
    name,
    about: `identity of an IPv${shape.family} address in the kernel, against one LPM trie`,
    requires: [KERNEL],
    run: (options) => measure(name, shape, options),
  };
}
