import { stripVTControlCharacters } from "node:util";

/** Lays rows out in columns; the last column is as wide as it is. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = header.map((_, column) =>
    Math.max(...[header, ...rows].map((row) => visibleLength(row[column] ?? "")))
  );
  const line = (row: readonly string[]) =>
    row.map((cell, column) => padded(cell, widths[column] ?? 0)).join("  ").trimEnd();
  return [line(header), ...rows.map(line)].join("\n");
}

function padded(cell: string, width: number): string {
  return cell + " ".repeat(Math.max(0, width - visibleLength(cell)));
}

/** Colours take no room. */
function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length;
}
