/**
 * What a demo came to, for people and for programs.
 *
 * @module
 */
import { formatDecision } from "./decision.ts";
import { type DemoResult, shortName } from "./result.ts";

/** Figures of a demo. */
export interface DemoSummary {
  /** `ran`, or `skipped` where the kernel or a privilege was missing. */
  readonly kernel: "ran" | "skipped";
  /** Why it was skipped. */
  readonly reason?: string;
  readonly probes: number;
  readonly reached: number;
  readonly denied: number;
  /** Probes whose outcome, events and prediction do not agree. */
  readonly mismatches: number;
}

/** Counts results. */
export function summarize(results: readonly DemoResult[]): DemoSummary {
  const count = (test: (result: DemoResult) => boolean) => results.filter(test).length;
  return {
    kernel: "ran",
    probes: results.length,
    reached: count(({ outcome }) => outcome === "reached"),
    denied: count(({ outcome }) => outcome === "denied"),
    mismatches: count(({ match }) => !match),
  };
}

/** How a cell of the table is to be shown. */
export type Tone = "good" | "bad" | "plain" | "alarm";

/** A cell: text, and what it means. */
export interface Cell {
  readonly text: string;
  readonly tone: Tone;
}

/** Titles of the columns of {@linkcode tableRows}. */
export const TABLE_HEAD = ["FROM", "TO", "PORT", "IPv4", "IPv6", "EMULATOR"] as const;

/**
 * One row per pair of pods and port: what happened over each family, and what the emulator had
 * foreseen.
 */
export function tableRows(results: readonly DemoResult[]): Cell[][] {
  const groups = Map.groupBy(
    results,
    ({ source, destination, protocol, port }) => `${source} ${destination} ${protocol} ${port}`,
  );
  return [...groups.values()].map(rowOf);
}

function rowOf(results: readonly DemoResult[]): Cell[] {
  const [first] = results;
  const port = first?.protocol === "ICMP" ? "ping" : `${first?.port}/${first?.protocol}`;
  return [
    plain(shortName(first?.source ?? "")),
    plain(shortName(first?.destination ?? "")),
    plain(port),
    outcomeCell(results.find(({ family }) => family === 4)),
    outcomeCell(results.find(({ family }) => family === 6)),
    predictionCell(results),
  ];
}

function plain(text: string): Cell {
  return { text, tone: "plain" };
}

function outcomeCell(result: DemoResult | undefined): Cell {
  if (!result) return plain("-");
  const { outcome } = result;
  if (outcome === "reached") return { text: outcome, tone: "good" };
  return { text: outcome, tone: outcome === "denied" ? "bad" : "alarm" };
}

/** Agreement in one sentence; otherwise every opinion that there is. */
function predictionCell(results: readonly DemoResult[]): Cell {
  const wrong = results.filter(({ match }) => !match);
  if (wrong.length > 0) return { text: wrong.map(mismatchText).join("; "), tone: "alarm" };
  const opinions = new Set(results.map(({ emulator }) => formatDecision(emulator)));
  return plain(`= ${[...opinions].join("; ")}`);
}

function mismatchText({ family, outcome, error, kernel, emulator }: DemoResult): string {
  const happened = error === undefined ? outcome : `${outcome} (${error})`;
  return `MISMATCH IPv${family}: ${happened}, kernel ${formatDecision(kernel)}, ` +
    `emulator ${formatDecision(emulator)}`;
}
