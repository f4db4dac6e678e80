/**
 * `emulator.path_ct.*`: whole programs on packets of established flows in the emulator, against
 * native C: parse, source check, identity, conntrack, policy, counters, local delivery.
 *
 * @module
 */
import type { Benchmark, BenchOptions } from "./benchmark.ts";
import { type PathShape, preparePath } from "./emulator_packets.ts";
import { racePrograms } from "./emulator_programs.ts";
import { NativeLibrary } from "./native.ts";
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
  const packets = preparePath(memory, shape);
  const { pointer, count } = packets;
  using native = NativeLibrary.open(memory.datapath.wasm);
  const subject = () => memory.exports.runPackets(pointer, count, pointer);
  subject(); // the first packets of their flows
  return racePrograms(name, {
    memory,
    packets,
    subject,
    baseline: () => native.runPackets(pointer, count),
    baselineName: "native C",
  }, options);
}

/** A benchmark of the emulator's whole path. */
export function emulatorPathCtBenchmark(name: string, shape: PathShape): Benchmark {
  return {
    name,
    about: "packets of known flows through the emulator's programs, against native C",
    requires: [CLANG],
    run: (options) => measure(name, shape, options),
  };
}
