import type { BenchResult } from "./result.ts";

const ROW = 22;
const LABEL = 260;
const WIDTH = 900;
const BAR = WIDTH - LABEL - 120;

/** Text as it stands between tags. */
export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/**
 * The ratios as horizontal bars on a logarithmic scale, as an SVG document. The line in the middle
 * of the scale is the baseline: bars to its right are faster.
 */
export function formatSvg(results: readonly BenchResult[]): string {
  const reach = Math.max(1, ...results.map(({ ratio }) => Math.abs(Math.log10(ratio))));
  const x = (ratio: number) => LABEL + BAR * (Math.log10(ratio) / reach + 1) / 2;
  const middle = x(1);
  const rows = results.map(({ name, value, unit, baseline, ratio }, i) => {
    const y = ROW * (i + 1);
    const end = x(ratio);
    const title = `${name}: ${value} ${unit}, ${baseline.name} ${baseline.value} ${unit}`;
    return `<g><title>${escapeXml(title)}</title>` +
      `<text x="${LABEL - 8}" y="${y + 14}" text-anchor="end">${escapeXml(name)}</text>` +
      `<rect x="${Math.min(middle, end).toFixed(1)}" y="${y + 3}" ` +
      `width="${Math.abs(end - middle).toFixed(1)}" height="${ROW - 8}" ` +
      `fill="${ratio >= 1 ? "#2b7a3f" : "#b5542b"}"/>` +
      `<text x="${WIDTH - 100}" y="${y + 14}">${ratio}×</text></g>`;
  });
  const height = ROW * (results.length + 2);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" ` +
    'font-family="sans-serif" font-size="13">',
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    ...rows,
    `<line x1="${middle}" x2="${middle}" y1="${ROW}" y2="${height - ROW}" stroke="#333"/>`,
    `<text x="${middle}" y="${height - 6}" text-anchor="middle">baseline</text>`,
    "</svg>",
    "",
  ].join("\n");
}
