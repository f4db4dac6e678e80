/**
 * `emulator.workers.*`: several Workers on one memory, each with packets of an endpoint of its
 * own, against one Worker that runs them all.
 *
 * @module
 */
import { readThreadsWasm } from "../src/datapath/emulator_file.ts";
import { EmulatorPool } from "../src/datapath/emulator_pool.ts";
import type { Benchmark, BenchOptions } from "./benchmark.ts";
import { type PathShape, preparePath } from "./emulator_packets.ts";
import { racePrograms } from "./emulator_programs.ts";
import { PolicyMemory } from "./policy_memory.ts";
import type { BenchResult } from "./result.ts";

async function measure(
  name: string,
  workers: number,
  shape: PathShape,
  options: BenchOptions,
): Promise<BenchResult> {
  options.progress.show(`${name}: building`);
  using pool = await EmulatorPool.create(await readThreadsWasm(), { workers });
  const memory = PolicyMemory.of(pool.memory);
  const packets = preparePath(memory, { ...shape, endpoints: workers });
  const { batches } = packets;
  const inTurns = () => {
    for (const batch of batches) {
      pool.begin(0, batch);
      pool.wait();
    }
  };
  inTurns(); // the first packets of their flows
  return racePrograms(name, {
    memory,
    packets,
    /** A batch for each worker at a time. */
    subject: () => {
      for (const [i, batch] of batches.entries()) {
        pool.begin(i % workers, batch);
        if (i % workers === workers - 1) pool.wait();
      }
      pool.wait();
    },
    baseline: inTurns,
    baselineName: "one Worker",
  }, options);
}

/** A benchmark of so many Workers; time is that of one packet of all of them. */
export function emulatorWorkersBenchmark(
  name: string,
  workers: number,
  shape: PathShape,
): Benchmark {
  return {
    name,
    about: "whole programs on several Workers and one memory, against one Worker",
    requires: [],
    run: (options) => measure(name, workers, shape, options),
  };
}
