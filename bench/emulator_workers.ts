/**
 * `emulator.workers.*`: several Workers on one memory, each with packets of an endpoint of its
 * own, against one Worker that runs them all.
 *
 * @module
 */
import { PACKET_SLOT_SIZE } from "../src/datapath/layout.ts";
import { readThreadsWasm } from "../src/datapath/emulator_file.ts";
import { EmulatorPool } from "../src/datapath/emulator_pool.ts";
import type { Benchmark, BenchOptions } from "./benchmark.ts";
import { type PathShape, preparePath } from "./emulator_packets.ts";
import { racePrograms } from "./emulator_programs.ts";
import { PolicyMemory } from "./policy_memory.ts";
import type { BenchResult } from "./result.ts";

/** Runs of a pass, of either side; the shortest counts. */
const RUNS = 10;

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
  const share = packets.count / workers;
  /** Packets of one endpoint each, as from a receive queue of its own. */
  const queues = Array.from(
    { length: workers },
    (_, i) => ({ pointer: packets.pointer + i * share * PACKET_SLOT_SIZE, count: share }),
  );
  const inTurns = () => {
    for (const queue of queues) {
      pool.begin(0, queue);
      pool.wait();
    }
  };
  inTurns(); // the first packets of their flows
  return racePrograms(name, {
    memory,
    packets,
    subject: () => {
      for (const [worker, queue] of queues.entries()) pool.begin(worker, queue);
      pool.wait();
    },
    baseline: inTurns,
    baselineName: "one Worker",
    runs: RUNS,
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
