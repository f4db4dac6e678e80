/**
 * `kernel.policy.*`: our policy lookup against the LPM twin, both in the kernel, with the
 * same map state and the same queries.
 *
 * @module
 */
import { type BpfMap, createMap } from "ebpf-ts-loader";
import type { PolicyImage } from "../src/datapath/image_builder.ts";
import { lpmPolicyOf } from "../src/datapath/lpm_policy_map.ts";
import type { Benchmark, BenchOptions } from "./benchmark.ts";
import { KernelLookups } from "./kernel_lookups.ts";
import { PolicyMemory } from "./policy_memory.ts";
import { PolicyQueries } from "./queries.ts";
import { freeMemory, KERNEL } from "./requirement.ts";
import type { BenchResult } from "./result.ts";
import type { Policy, Workload } from "./workloads.ts";

const SUBJECT = "bench_policy";
const BASELINE = "bench_policy_lpm";

/** The maps behind the map-in-maps, until they are entered there. */
class InnerMaps implements Disposable {
  readonly #lookups: KernelLookups;
  readonly #maps = new DisposableStack();
  readonly #slots = new Map<string, { keys: number[]; fds: number[] }>();

  constructor(lookups: KernelLookups) {
    this.#lookups = lookups;
  }

  /** Creates a map as the map-in-map `outer` wants it, for slot `key`. */
  create(outer: string, key: number, maxEntries?: number): BpfMap {
    const inner = this.#lookups.spec.maps.get(outer)?.inner;
    if (!inner) throw new TypeError(`Cannot fill "${outer}": a plain map, expected a map-in-map`);
    const map = this.#maps.use(createMap({ ...inner, maxEntries: maxEntries ?? inner.maxEntries }));
    const slots = this.#slots.get(outer) ?? { keys: [], fds: [] };
    slots.keys.push(key);
    slots.fds.push(map.fd);
    this.#slots.set(outer, slots);
    return map;
  }

  /** Enters all of them, with one grace period for each map-in-map. */
  async enter(): Promise<void> {
    for (const [outer, { keys, fds }] of this.#slots) {
      const [keyBytes, valueBytes] = [keys, fds].map((numbers) =>
        new Uint8Array(Uint32Array.from(numbers).buffer)
      );
      if (!keyBytes || !valueBytes) continue;
      await this.#lookups.map(outer).updateBatchAsync(keyBytes, valueBytes);
    }
  }

  /** Closes the descriptors; the map-in-maps keep the maps. */
  [Symbol.dispose](): void {
    this.#maps.dispose();
  }
}

/** Copies an image into the kernel and points its policy number to it. */
function loadImage(
  lookups: KernelLookups,
  inner: InnerMaps,
  memory: PolicyMemory,
  image: PolicyImage,
): void {
  const map = inner.create(`images_${image.sizeClass}`, image.index);
  const keys = memory.datapath.arrayKeys(image.lines); // first: it may grow the memory
  map.updateBatch(keys, image.bytes);
  const cell = Uint32Array.of(image.table, image.revision);
  lookups.map("policy_tables").update(image.policy, new Uint8Array(cell.buffer));
}

function loadLpm(inner: InnerMaps, policy: Policy, records: Uint32Array): void {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  const { keys, values, count } = lpmPolicyOf(view, () => 0);
  inner.create("lpm_policies", policy.number, count).updateBatch(keys, values);
}

/** Brings a workload into the kernel in both layouts. */
async function loadWorkload(
  lookups: KernelLookups,
  workload: Workload,
  show: (text: string) => void,
): Promise<void> {
  const memory = await PolicyMemory.create();
  const queries = new PolicyQueries(workload, lookups.queryCount);
  using inner = new InnerMaps(lookups);
  for (let number = 1; number <= workload.policies; number++) {
    show(`policy ${number} of ${workload.policies}`);
    const policy = workload.policy(number);
    const records = memory.writeRecords(policy);
    loadLpm(inner, policy, records);
    // Not freed before the end: the number of a freed table would be used again.
    loadImage(lookups, inner, memory, memory.buildImage(policy));
    queries.ask(policy);
  }
  await inner.enter();
  lookups.ask(queries.words);
}

async function measure(
  name: string,
  workload: Workload,
  options: BenchOptions,
): Promise<BenchResult> {
  using lookups = await KernelLookups.load([SUBJECT, BASELINE]);
  await loadWorkload(lookups, workload, (text) => options.progress.show(`${name}: ${text}`));
  return lookups.race(name, {
    subject: SUBJECT,
    baseline: BASELINE,
    baselineName: "LPM twin",
    ...options,
  });
}

/** A benchmark of policy lookups in the kernel. `memory`: bytes that the maps may take. */
export function kernelPolicyBenchmark(name: string, workload: Workload, memory = 0): Benchmark {
  return {
    name,
    about: "policy lookup in the kernel, against Cilium's LPM layout",
    requires: [KERNEL, freeMemory(memory)],
    run: (options) => measure(name, workload, options),
  };
}
