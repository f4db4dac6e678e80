import process from "node:process";
import { styleText } from "node:util";
import type { RuleOrigin } from "../cluster/rule.ts";
import type { BatchMismatch } from "../verify/class_run.ts";
import type { Asked, OpinionName } from "../verify/compare.ts";
import type { PairRow, PairSide } from "../verify/pairs.ts";
import { pairRows } from "../verify/pairs.ts";
import type { RowReport } from "../verify/row_run.ts";
import type { Scenario } from "../verify/scenario.ts";
import type { ViewsReport } from "./verify_views.ts";
import { formatTable } from "./table.ts";

/** How to print. */
export type OutputFormat = "table" | "json" | "jsonl";

/** What `twinpath verify` tells. */
export interface VerifySummary {
  readonly scenario: Scenario;
  /** The packet table. */
  readonly rows: RowReport;
  /** Classes and random flows. */
  readonly report: ViewsReport;
  /** How often each opinion was asked, about all of it. */
  readonly asked: Asked;
  /** Why the kernel was left out; `undefined` when it ran. */
  readonly reason: string | undefined;
  /** Folder of the reproducer, if there was a mismatch. */
  readonly reproducer: string | undefined;
  /** Something of the manifests was refused, and told of; the rest was verified. */
  readonly refused: boolean;
}

/** Opinions in the order in which they are told, what people call them, and what they say. */
const OPINIONS: readonly {
  readonly name: OpinionName;
  readonly title: string;
  readonly unit: string;
}[] = [
  { name: "spec", title: "spec", unit: "packets judged by the policy text" },
  { name: "emulator", title: "emulator", unit: "packets" },
  { name: "lpm-map", title: "LPM map", unit: "decisions looked up in Cilium's policy maps" },
  { name: "kernel", title: "kernel", unit: "packets" },
  { name: "lpm", title: "LPM twin", unit: "packets" },
];

function opinionsIn(asked: Asked) {
  return OPINIONS.filter(({ name }) => name in asked);
}

/** In the order in which opinions are told. */
function opinionCounts(asked: Asked): Asked {
  return Object.fromEntries(opinionsIn(asked).map(({ name }) => [name, asked[name] ?? 0]));
}

/** Rows that a terminal is given; JSON has all. */
const MOST_ROWS = 80;
const MOST_MISMATCHES = 5;

/** Prints the result of a verification on standard output. */
export function printVerify(format: OutputFormat, summary: VerifySummary): void {
  const pairs = pairRows(summary.scenario);
  if (format === "json") {
    return console.log(JSON.stringify({ ...jsonOf(summary), pairs: [...pairs] }));
  }
  if (format === "jsonl") {
    for (const pair of pairs) console.log(JSON.stringify({ pair }));
    return console.log(JSON.stringify(jsonOf(summary)));
  }
  printPairs(pairs);
  printFigures(summary);
  printMismatches(mismatchesOf(summary));
  if (summary.reproducer !== undefined) {
    console.log(
      `Reproducer: ${summary.reproducer} (twinpath verify --repro ${summary.reproducer})`,
    );
  }
}

function mismatchesOf({ rows, report }: VerifySummary): readonly BatchMismatch[] {
  return [...rows.mismatches, ...report.mismatches];
}

function jsonOf(summary: VerifySummary) {
  const { rows, report, asked, reason, reproducer, refused } = summary;
  return {
    refused,
    classes: report.classes,
    nodes: report.nodes,
    rows: rows.rows,
    random: report.random,
    packets: rows.packets + report.packets,
    mismatches: mismatchesOf(summary).length,
    kernel: reason === undefined ? "ran" : "skipped",
    reason,
    opinions: opinionCounts(asked),
    packetsPerSecond: report.packetsPerSecond,
    reproducer,
    details: mismatchesOf(summary).map(detailsOf),
  };
}

function printPairs(pairs: Generator<PairRow>): void {
  const shown = [...pairs.take(MOST_ROWS + 1)];
  const rows = shown.slice(0, MOST_ROWS).map((row) => [
    row.source,
    row.destination,
    row.ports.join(", "),
    verdictText(row.egress),
    verdictText(row.ingress),
    rulesText([...row.egress.rules, ...row.ingress.rules]),
  ]);
  console.log(formatTable(["SOURCE", "DESTINATION", "PORT", "EGRESS", "INGRESS", "RULES"], rows));
  if (shown.length > rows.length) console.log("… and more rows (-o json prints all)");
  console.log();
}

function verdictText({ verdict }: PairSide): string {
  return coloured(verdict === "denied" ? "yellow" : "green", verdict);
}

function rulesText(rules: readonly RuleOrigin[]): string {
  return rules.map(({ namespace, name, direction, index }) =>
    `${namespace === "" ? "" : `${namespace}/`}${name} ${direction}[${index}]`
  ).join(", ");
}

function printFigures(summary: VerifySummary): void {
  const { rows, report, asked, reason, refused } = summary;
  const { classes, random, packetsPerSecond } = report;
  const mismatches = mismatchesOf(summary);
  const opinions = opinionsIn(asked);
  const equal = opinions.map(({ title }) => title).join(" = ");
  console.log(`Classes:       ${classes.checked} of ${classes.total} checked, ${equal}`);
  if (classes.total === 0) console.log("               no endpoint in the manifests has any");
  if (refused) console.log("Refused:       what standard error names; the rest was verified");
  if (report.nodes.length > 0) console.log(`Views:         ${report.nodes.join(", ")}`);
  console.log(`Packet table:  ${rows.rows} rows, ${rows.packets} packets`);
  console.log(`Random flows:  ${random.flows}, seed ${random.seed}`);
  const count = String(mismatches.length);
  console.log(`Mismatches:    ${mismatches.length === 0 ? count : coloured("red", count)}`);
  printOpinions(asked, packetsPerSecond);
  if (reason !== undefined) console.log(`kernel:        left out, ${reason}`);
}

/** @param rates Packets per second, of those that have any. */
function printOpinions(asked: Asked, rates: Readonly<Record<string, number>>): void {
  for (const { name, title, unit } of opinionsIn(asked)) {
    const rate = rates[name];
    const speed = rate === undefined ? "" : `, ${(rate / 1e6).toFixed(2)} million packets/s`;
    console.log(`${`${title}:`.padEnd(15)}${asked[name] ?? 0} ${unit}${speed}`);
  }
}

/** What a replay tells. */
export interface ReplaySummary {
  readonly mismatches: readonly BatchMismatch[];
  readonly packets: number;
  /** How often each opinion was asked. */
  readonly asked: Asked;
  readonly reason: string | undefined;
}

/** Prints the result of a replay on standard output. */
export function printReplay(
  format: OutputFormat,
  { mismatches, packets, asked, reason }: ReplaySummary,
): void {
  if (format !== "table") {
    const kernel = reason === undefined ? "ran" : "skipped";
    const details = mismatches.map(detailsOf);
    return console.log(
      JSON.stringify({
        packets,
        mismatches: mismatches.length,
        kernel,
        reason,
        opinions: opinionCounts(asked),
        details,
      }),
    );
  }
  console.log(`Packets:       ${packets} replayed`);
  console.log(`Mismatches:    ${mismatches.length}`);
  printOpinions(asked, {});
  if (reason !== undefined) console.log(`kernel:        left out, ${reason}`);
  printMismatches(mismatches);
}

function detailsOf({ packet, differences, answers }: BatchMismatch) {
  return { packet: packet?.describe(), differences, answers };
}

function printMismatches(mismatches: readonly BatchMismatch[]): void {
  for (const { packet, differences, answers } of mismatches.slice(0, MOST_MISMATCHES)) {
    console.log();
    console.log(coloured("red", packet?.describe() ?? "Tables differ"));
    for (const [who, answer] of Object.entries(answers)) console.log(`  ${who}: ${answer}`);
    for (const difference of differences) console.log(`  ${difference}`);
  }
  const more = mismatches.length - MOST_MISMATCHES;
  if (more > 0) console.log(`\n… and ${more} more mismatches`);
}

/** Colour on a terminal only. */
function coloured(colour: "green" | "yellow" | "red", text: string): string {
  return styleText(colour, text, { stream: process.stdout });
}
