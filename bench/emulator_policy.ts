/**
 * `emulator.policy.*`: policy lookups in the emulator against native C, on the same image
 * in the same memory.
 *
 * @module
 */
import type { Benchmark, BenchOptions } from "./benchmark.ts";
import { EmulatorLookups } from "./emulator_lookups.ts";
import { PolicyMemory } from "./policy_memory.ts";
import { PolicyQueries, toEmulatorQueries } from "./queries.ts";
import { CLANG } from "./requirement.ts";
import type { BenchResult } from "./result.ts";
import type { Workload } from "./workloads.ts";

const QUERIES = 65536;

async function measure(
  name: string,
  workload: Workload,
  options: BenchOptions,
): Promise<BenchResult> {
  options.progress.show(`${name}: building`);
  const memory = await PolicyMemory.create();
  const queries = new PolicyQueries(workload, QUERIES);
  for (let number = 1; number <= workload.policies; number++) {
    const policy = workload.policy(number);
    memory.writeRecords(policy);
    memory.datapath.publish(memory.buildImage(policy));
    queries.ask(policy);
  }
  const words = toEmulatorQueries(queries.words);
  const input = memory.allocate(words.byteLength);
  memory.words(input, words.length).set(words);

  using lookups = new EmulatorLookups(memory, input, QUERIES);
  const functions = {
    emulator: memory.exports.lookupPolicies,
    native: lookups.native.lookupPolicies,
  };
  return lookups.race(name, functions, options);
}

/** A benchmark of policy lookups in the emulator. */
export function emulatorPolicyBenchmark(name: string, workload: Workload): Benchmark {
  return {
    name,
    about: "policy lookup in the emulator, against native C",
    requires: [CLANG],
    run: (options) => measure(name, workload, options),
  };
}
