import { coloured } from "./colour.ts";
import type { CoverageReport, Covered } from "../fuzz/coverage.ts";
import type { FuzzReport } from "../fuzz/fuzz_threads.ts";
import type { OutputFormat } from "./cluster_flags.ts";
import { printBlocks } from "./fuzz_blocks.ts";

/** What `twinpath fuzz` tells. */
export interface FuzzSummary {
  readonly report: FuzzReport;
  /** Why the kernel was left out; `undefined` when it ran. */
  readonly reason: string | undefined;
  /** Folder of the reproducer, if there was a mismatch. */
  readonly reproducer: string | undefined;
}

/** Lines of a mismatch that a terminal is given. */
const MOST_LINES = 8;

/** Prints the result of a run on standard output. */
export function printFuzz(format: OutputFormat, summary: FuzzSummary): void {
  if (format !== "table") return console.log(JSON.stringify(jsonOf(summary)));
  const { report, reason, reproducer } = summary;
  const { packets, worlds, stretches, threads, seconds, seed, packetsPerSecond, mismatch } = report;
  console.log(`Packets:     ${packets} in ${worlds} worlds, ${stretches} stretches, seed ${seed}`);
  console.log(
    `Time:        ${seconds.toFixed(1)} s on ${threads} threads, ` +
      `${(packetsPerSecond / 1e6).toFixed(2)} million packets/s`,
  );
  if (reason === undefined) {
    const count = mismatch === undefined ? 0 : 1;
    console.log(`Mismatches:  ${count === 0 ? "0" : coloured("red", String(count))}`);
  } else console.log(`Compared:    nothing, the kernel is left out: ${reason}`);
  printCoverage(report.coverage);
  if (report.blocks !== undefined) printBlocks(report.blocks);
  if (mismatch === undefined || reproducer === undefined) return;
  console.log();
  const how = mismatch.repeatable ? "shrunk to" : "not repeated by its";
  console.log(
    coloured("red", `Noticed by ${mismatch.noticed}; ${how} ${mismatch.packets.length} packets`),
  );
  for (const line of mismatch.differences.slice(0, MOST_LINES)) console.log(`  ${line}`);
  console.log(`Reproducer: ${reproducer} (twinpath verify --repro ${reproducer})`);
}

/** Groups that a terminal is given whole. */
const SHOWN = ["reason", "conntrack", "flow", "collected"] as const;

function printCoverage({ reached, missed, outOfReach }: CoverageReport): void {
  for (const group of SHOWN) {
    const some = reached.filter((covered) => covered.group === group);
    console.log(`${`${group}:`.padEnd(12)} ${some.map(nameAndCount).join(", ")}`);
  }
  const others = reached.filter(({ group }) => !SHOWN.some((shown) => shown === group));
  console.log(`and ${others.length} more branches (-o json names them with their packets)`);
  const state = missed.length === 0 ? "nothing" : coloured("yellow", missed.join(", "));
  console.log(`Missed:      ${state}`);
  for (const { name, why } of outOfReach) console.log(`Unreachable: ${name}: ${why}`);
}

function nameAndCount({ name, packets }: Covered): string {
  return `${name} ${packets}`;
}

function jsonOf({ report, reason, reproducer }: FuzzSummary) {
  const { mismatch, seconds, ...rest } = report;
  return {
    ...rest,
    seconds: Math.round(seconds * 1000) / 1000,
    kernel: reason === undefined ? "ran" : "skipped",
    reason,
    mismatches: mismatch === undefined ? 0 : 1,
    reproducer,
    mismatch: mismatch && {
      noticed: mismatch.noticed,
      repeatable: mismatch.repeatable,
      packets: mismatch.packets.length,
      differences: mismatch.differences,
    },
  };
}

/** Prints the result of a replay on standard output. */
export function printFuzzReplay(
  format: OutputFormat,
  packets: number,
  differences: readonly string[],
): void {
  const mismatches = differences.length === 0 ? 0 : 1;
  if (format !== "table") return console.log(JSON.stringify({ packets, mismatches, differences }));
  console.log(`Packets:     ${packets} replayed`);
  console.log(`Mismatches:  ${mismatches}`);
  for (const line of differences) console.log(`  ${line}`);
}
