/** Columns that are aligned at their left; the others are numbers. */
export type LeftColumns = readonly number[];

/** Rows as text for people, the columns' titles first; ends without a line feed. */
export function formatColumns(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  left: LeftColumns,
): string {
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0))
  );
  return [titles, ...rows]
    .map((row) =>
      row.map((cell, column) => {
        const width = widths[column] ?? 0;
        return left.includes(column) ? cell.padEnd(width) : cell.padStart(width);
      }).join("  ").trimEnd()
    )
    .join("\n");
}

/** The same as a table in Markdown. */
export function formatMarkdownColumns(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  left: LeftColumns,
): string {
  const rule = titles.map((_, column) => left.includes(column) ? "---" : "--:");
  return [titles, rule, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}
