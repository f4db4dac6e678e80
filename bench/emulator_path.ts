/**
 * `emulator.path.*` and, over IPv6, `emulator.path6.*`: headers, identity of the destination,
 * egress policy (no conntrack) in the emulator against native C, on the same packets and tables
 * in the same memory.
 *
 * @module
 */
import type { Benchmark, BenchOptions } from "./benchmark.ts";
import { EmulatorLookups } from "./emulator_lookups.ts";
import { type PathShape, preparePath } from "./emulator_packets.ts";
import { PolicyMemory } from "./policy_memory.ts";
import { CLANG } from "./requirement.ts";
import type { BenchResult } from "./result.ts";

async function measure(
  name: string,
  shape: PathShape,
  options: BenchOptions,
): Promise<BenchResult> {
  options.progress.show(`${name}: building`);
  const memory = await PolicyMemory.create();
  const { pointer, count } = preparePath(memory, shape);
  using lookups = new EmulatorLookups(memory, pointer, count);
  const functions = {
    emulator: memory.exports.classifyPackets,
    native: lookups.native.classifyPackets,
  };
  return lookups.race(name, functions, options);
}

/** A benchmark of the emulator's path without conntrack. */
export function emulatorPathBenchmark(name: string, shape: PathShape): Benchmark {
  return {
    name,
    about: "parse, identity and policy of a packet in the emulator, against native C",
    requires: [CLANG],
    run: (options) => measure(name, shape, options),
  };
}
