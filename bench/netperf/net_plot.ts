import { escapeXml } from "../plot.ts";
import type { BenchResult } from "../result.ts";
import type { ContenderSpec } from "./contender.ts";
import { type NetCell, type NetRow, netRows, shortNumber } from "./report.ts";

const WIDTH = 900;
const LABEL = 130;
const BAR = WIDTH - LABEL - 90;
const ROW = 20;
const TITLE = 34;

const COLOURS: Readonly<Record<ContenderSpec["kind"], string>> = {
  none: "#8a8f98",
  twinpath: "#2b7a3f",
  nftables: "#b5542b",
};

/** The figures as bars, a panel for each, with a line from quartile to quartile: an SVG document. */
export function netSvg(results: readonly BenchResult[]): string {
  const panels: string[] = [];
  let y = 0;
  for (const row of netRows(results)) {
    panels.push(panel(row, y));
    y += TITLE + ROW * row.cells.length;
  }
  const height = y + ROW / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" ` +
    'font-family="sans-serif" font-size="13">',
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    ...panels,
    "</svg>",
    "",
  ].join("\n");
}

function panel({ figure, cells }: NetRow, y: number): string {
  const most = Math.max(...cells.map(({ value, quartiles }) => Math.max(value, quartiles[1])));
  const title = `${figure.label}, ${figure.unit.name} (${figure.unit.better} is better)`;
  const bars = cells.map((cell, i) => bar(cell, BAR / most, y + TITLE + ROW * i));
  return [
    `<text x="8" y="${y + TITLE - 10}" font-weight="bold">${escapeXml(title)}</text>`,
    ...bars,
  ].join("\n");
}

function bar({ contender, value, quartiles }: NetCell, scale: number, y: number): string {
  const [low, high] = quartiles.map((quartile) => (LABEL + quartile * scale).toFixed(1));
  const middle = y + ROW / 2;
  return `<text x="${LABEL - 8}" y="${middle + 4}" text-anchor="end">${
    escapeXml(contender.label)
  }</text>` +
    `<rect x="${LABEL}" y="${y + 3}" width="${(value * scale).toFixed(1)}" height="${ROW - 6}" ` +
    `fill="${COLOURS[contender.spec.kind]}"/>` +
    `<line x1="${low}" x2="${high}" y1="${middle}" y2="${middle}" stroke="#111" stroke-width="2"/>` +
    `<text x="${WIDTH - 80}" y="${middle + 4}">${shortNumber(value)}</text>`;
}
