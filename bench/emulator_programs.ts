/**
 * Two ways to run packets through whole programs, which write their answers to where the packets
 * stand in memory.
 *
 * @module
 */
import { PACKET_SLOT_SIZE, PACKET_SLOT_VERDICT_OFF } from "../src/datapath/layout.ts";
import { type BenchOptions, mustAgree } from "./benchmark.ts";
import type { PacketArea } from "./emulator_packets.ts";
import { measureRace, warmContender } from "./measure.ts";
import type { PolicyMemory } from "./policy_memory.ts";
import { type BenchResult, benchResult } from "./result.ts";

/** Verdicts of all packets, forgotten where they stood. */
function takeVerdicts({ datapath }: PolicyMemory, { pointer, count }: PacketArea): BigUint64Array {
  const bytes = datapath.bytes(pointer, count * PACKET_SLOT_SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return BigUint64Array.from({ length: count }, (_, i) => {
    const at = i * PACKET_SLOT_SIZE + PACKET_SLOT_VERDICT_OFF;
    const verdict = BigInt(view.getInt32(at, true));
    view.setInt32(at, -1, true);
    return BigInt.asUintN(64, verdict);
  });
}

/** Two ways to run all packets of an area. */
export interface ProgramRace {
  readonly memory: PolicyMemory;
  readonly packets: PacketArea;
  readonly subject: () => void;
  readonly baseline: () => void;
  readonly baselineName: string;
  /** Runs of which the shortest counts, as {@linkcode warmContender} takes them. @default {1} */
  readonly runs?: number;
}

/**
 * Checks that both ways answer the packets, whose flows are known by now, as they were answered
 * when they were run last, and measures both; time is that of one packet.
 *
 * @throws {DisagreementError} If one packet is answered differently.
 */
export function racePrograms(
  name: string,
  { memory, packets, subject, baseline, baselineName, runs = 1 }: ProgramRace,
  { rounds, progress }: BenchOptions,
): BenchResult {
  const verdicts = takeVerdicts(memory, packets);
  for (const run of [subject, baseline]) {
    run();
    mustAgree(name, takeVerdicts(memory, packets), verdicts);
  }
  progress.show(`${name}: measuring`);
  const times = measureRace({
    subject: warmContender(subject, packets.count, runs),
    baseline: warmContender(baseline, packets.count, runs),
  }, rounds);
  return benchResult(name, times.subject, { name: baselineName, value: times.baseline });
}
