/**
 * The figures of real traffic side by side, in units that people read.
 *
 * @module
 */
import type { BenchResult, Quartiles } from "../result.ts";
import type { TextTable } from "../text_table.ts";
import { type ContenderName, CONTENDERS, type NamedContender, PAIRS } from "./contenders.ts";
import { NET_FIGURES, type NetFigure } from "./figures.ts";
import { netName } from "./suite.ts";

/** A figure of a contender, in the figure's unit. */
export interface NetCell {
  readonly contender: NamedContender;
  readonly value: number;
  /** The lower one first. */
  readonly quartiles: Quartiles;
}

/** A figure of all contenders that were measured. */
export interface NetRow {
  readonly figure: NetFigure;
  readonly cells: readonly NetCell[];
}

/** What results say of each figure; figures and contenders without a result are left out. */
export function netRows(results: readonly BenchResult[]): NetRow[] {
  const byName = new Map(results.map((result) => [result.name, result]));
  return NET_FIGURES.flatMap((figure) => {
    const measured = new Map<ContenderName, Pick<BenchResult, "value" | "quartiles">>();
    for (const { subject, baseline } of PAIRS) {
      const result = byName.get(netName(figure.name, baseline));
      if (!result) continue;
      measured.set(subject, result).set(baseline, result.baseline);
    }
    const cells = CONTENDERS.flatMap((contender) => {
      const found = measured.get(contender.name);
      return found ? [cellOf(figure, contender, found)] : [];
    });
    return cells.length > 0 ? [{ figure, cells }] : [];
  });
}

function cellOf(
  { unit }: NetFigure,
  contender: NamedContender,
  { value, quartiles = [value, value] }: Pick<BenchResult, "value" | "quartiles">,
): NetCell {
  const [one, other] = [unit.of(quartiles[0]), unit.of(quartiles[1])];
  return {
    contender,
    value: unit.of(value),
    quartiles: [Math.min(one, other), Math.max(one, other)],
  };
}

/** Three significant digits. */
export function shortNumber(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** The rows as a table: medians, with the quartiles of the rounds behind them. */
export function netTable(results: readonly BenchResult[]): TextTable {
  const rows = netRows(results).map(({ figure, cells }) => [
    figure.label,
    figure.unit.name,
    ...CONTENDERS.map(({ name }) => {
      const cell = cells.find(({ contender }) => contender.name === name);
      if (!cell) return "";
      const [low, high] = cell.quartiles.map(shortNumber);
      return `${shortNumber(cell.value)} (${low}–${high})`;
    }),
  ]);
  const titles = ["median (quartiles)", "", ...CONTENDERS.map(({ label }) => label)];
  return { titles, rows, left: [0, 1] };
}
