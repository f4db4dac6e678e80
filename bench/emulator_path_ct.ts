/**
 * `emulator.path_ct.*`: whole programs on packets of established flows in the emulator, against
 * native C: parse, source check, identity, conntrack, policy, counters, local delivery.
 *
 * @module
 */
import { PACKET_SLOT_SIZE, PACKET_SLOT_VERDICT_OFF } from "../src/datapath/layout.ts";
import { type Benchmark, type BenchOptions, mustAgree } from "./benchmark.ts";
import { type Contender, measureRace } from "./measure.ts";
import { NativeLibrary } from "./native.ts";
import { type PacketArea, type PathShape, preparePath } from "./emulator_packets.ts";
import { PolicyMemory } from "./policy_memory.ts";
import { CLANG } from "./requirement.ts";
import { type BenchResult, benchResult } from "./result.ts";

/** Long enough for the optimising compiler to have taken over. */
const WARM_UP_MILLISECONDS = 300;

/** Verdicts of all packets, forgotten where they stood. */
export function takeVerdicts(
  memory: PolicyMemory,
  { pointer, count }: PacketArea,
): BigUint64Array {
  const bytes = memory.datapath.bytes(pointer, count * PACKET_SLOT_SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return BigUint64Array.from({ length: count }, (_, i) => {
    const at = i * PACKET_SLOT_SIZE + PACKET_SLOT_VERDICT_OFF;
    const verdict = BigInt(view.getInt32(at, true));
    view.setInt32(at, -1, true);
    return BigInt.asUintN(64, verdict);
  });
}

/** A warm contender that runs `count` packets in a pass. */
export function passes(run: () => void, count: number): Contender {
  const pass = () => {
    const start = performance.now();
    run();
    return (performance.now() - start) * 1e6 / count;
  };
  const warm = performance.now() + WARM_UP_MILLISECONDS;
  while (performance.now() < warm) pass();
  return { pass };
}

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
  const runs = {
    subject: () => memory.exports.runPackets(pointer, count, pointer),
    baseline: () => native.runPackets(pointer, count),
  };
  runs.subject(); // the first packets of their flows
  const verdicts = takeVerdicts(memory, packets);
  for (const run of Object.values(runs)) {
    run();
    mustAgree(name, takeVerdicts(memory, packets), verdicts);
  }
  options.progress.show(`${name}: measuring`);
  const times = measureRace({
    subject: passes(runs.subject, count),
    baseline: passes(runs.baseline, count),
  }, options.rounds);
  return benchResult(name, times.subject, { name: "native C", value: times.baseline });
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
