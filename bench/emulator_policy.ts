/**
 * `emulator.policy.*`: policy lookups in the emulator against native C, on the same image
 * in the same memory.
 *
 * @module
 */
import { type Benchmark, type BenchOptions, mustAgree } from "./benchmark.ts";
import { EmulatorLookups } from "./emulator_lookups.ts";
import { interleave } from "./measure.ts";
import { PolicyMemory } from "./policy_memory.ts";
import { PolicyQueries, toEmulatorQueries } from "./queries.ts";
import { CLANG } from "./requirement.ts";
import { type BenchResult, benchResult } from "./result.ts";
import type { Workload } from "./workloads.ts";

const QUERIES = 65536;

async function measure(
  name: string,
  workload: Workload,
  { rounds, progress }: BenchOptions,
): Promise<BenchResult> {
  progress.show(`${name}: building`);
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
  const subject = memory.exports.lookupPolicies;
  const baseline = lookups.native.lookupPolicies;
  mustAgree(name, lookups.answers(subject), lookups.answers(baseline));
  progress.show(`${name}: measuring`);
  const contenders = [subject, baseline].map((batch) => lookups.contender(batch));
  const [emulator = NaN, native = NaN] = interleave(contenders, rounds);
  return benchResult(name, emulator, { name: "native C", value: native });
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
