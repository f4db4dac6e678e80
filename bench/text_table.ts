/** Rows of text under titles. */
export interface TextTable {
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns that are aligned at their left; the others are numbers. */
  readonly left: readonly number[];
}

/** The table for people; ends without a line feed. */
export function formatText({ titles, rows, left }: TextTable): string {
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

/** The table in Markdown; ends without a line feed. */
export function formatMarkdown({ titles, rows, left }: TextTable): string {
  const rule = titles.map((_, column) => left.includes(column) ? "---" : "--:");
  return [titles, rule, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}
