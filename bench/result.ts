import { formatGoal } from "./goal.ts";
import type { TextTable } from "./text_table.ts";

/** What a figure counts; less is better for each. */
export type Unit = "ns" | "B" | "events";

/** One figure of the benchmark: a subject and its baseline, measured side by side in one run. */
export interface BenchResult {
  /** What was measured: `kernel.policy.1k`. */
  readonly name: string;
  /** Of the subject, in `unit`; less is faster. */
  readonly value: number;
  /** `ns`: nanoseconds for one operation. `B`: bytes. `events`: how many. */
  readonly unit: Unit;
  readonly baseline: {
    readonly name: string;
    /** In the same unit. */
    readonly value: number;
    /** As below. */
    readonly quartiles?: Quartiles;
  };
  /** How many times faster than the baseline; below 1 means slower. */
  readonly ratio: number;
  /** How much the rounds differ, where that is kept. */
  readonly quartiles?: Quartiles;
}

/** A quarter of the rounds lie below the first, a quarter above the second. */
export type Quartiles = readonly [number, number];

/**
 * Makes a result of two figures of one unit.
 *
 * @throws {RangeError} If a figure is not above 0: the loop around it cost more than the
 * lookup, which only a disturbed measurement shows.
 */
export function benchResult(
  name: string,
  value: number,
  baseline: { readonly name: string; readonly value: number },
  unit: Unit = "ns",
): BenchResult {
  for (const figure of [value, baseline.value]) {
    if (!(figure > 0)) {
      throw new RangeError(
        `Cannot measure "${name}": ${figure} ${unit}, expected a figure above 0`,
      );
    }
  }
  return {
    name,
    value: round(value),
    unit,
    baseline: { name: baseline.name, value: round(baseline.value) },
    ratio: round(baseline.value / value),
  };
}

/** The result with the quartiles of its rounds, the subject's and the baseline's. */
export function withQuartiles(
  result: BenchResult,
  subject: Quartiles,
  baseline: Quartiles,
): BenchResult {
  const rounded = ([low, high]: Quartiles): Quartiles => [round(low), round(high)];
  return {
    ...result,
    baseline: { ...result.baseline, quartiles: rounded(baseline) },
    quartiles: rounded(subject),
  };
}

/** Four significant digits: more would be noise. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}

const COLUMNS = ["name", "value", "baseline", "", "ratio"];
const LEFT = [0, 3];

function rowOf({ name, value, unit, baseline, ratio }: BenchResult): string[] {
  return [name, `${value} ${unit}`, `${baseline.value} ${unit}`, baseline.name, `${ratio}×`];
}

/** The results as a table. */
export function resultTable(results: readonly BenchResult[]): TextTable {
  return { titles: COLUMNS, rows: results.map(rowOf), left: LEFT };
}

/** The results, and what is asked of them, as a table. */
export function resultTableWithGoals(results: readonly BenchResult[]): TextTable {
  const rows = results.map((result) => [...rowOf(result), formatGoal(result)]);
  return { titles: [...COLUMNS, "asked"], rows, left: LEFT };
}

/** The results as one JSON array. */
export function formatJson(results: readonly BenchResult[]): string {
  return JSON.stringify(results, undefined, 2);
}
