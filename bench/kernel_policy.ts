/**
 * `kernel.policy.*`: our policy lookup against the LPM twin, both in the kernel, with the
 * same map state and the same queries.
 *
 * @module
 */
import type { Benchmark, BenchOptions } from "./benchmark.ts";
import { KernelLookups } from "./kernel_lookups.ts";
import { loadWorkload } from "./kernel_workload.ts";
import { PolicyQueries } from "./queries.ts";
import { freeMemory, KERNEL } from "./requirement.ts";
import type { BenchResult } from "./result.ts";
import type { Workload } from "./workloads.ts";

const SUBJECT = "bench_policy";
const BASELINE = "bench_policy_lpm";

async function measure(
  name: string,
  workload: Workload,
  options: BenchOptions,
): Promise<BenchResult> {
  using lookups = await KernelLookups.load([SUBJECT, BASELINE]);
  const queries = new PolicyQueries(workload, lookups.queryCount);
  await loadWorkload(workload, {
    image: lookups,
    lpm: lookups,
    visit: (policy) => queries.ask(policy),
    show: (text) => options.progress.show(`${name}: ${text}`),
  });
  lookups.ask(queries.words);
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
