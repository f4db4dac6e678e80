import type { Location } from "./object.ts";
import { printable } from "./printable.ts";

/**
 * A manifest that cannot be used, with the place where it went wrong.
 *
 * `message` has at most three lines: what is wrong with which object, where it
 * stands, and where possible what was probably meant.
 */
export class ManifestError extends Error {
  override readonly name = "ManifestError";
  /** File, line and column of the offending node; line 0 when the file could not be read. */
  readonly location: Location;
  /** Path of the field inside its object, for example `spec.ingress[0].toPorts`; may be empty. */
  readonly field: string;
  /** The first line alone: object and reason. */
  readonly summary: string;
  /** What was probably meant, when there is a good guess. */
  readonly suggestion: string | undefined;

  constructor(
    summary: string,
    options: { location: Location; field?: string; suggestion?: string; cause?: unknown },
  ) {
    const { file, line, column } = options.location;
    const place = line === 0 ? file : `${file}:${line}:${column}`;
    const lines = [printable(summary), `  at ${printable(place)}`];
    if (options.suggestion !== undefined) {
      lines.push(`  did you mean ${printable(options.suggestion)}?`);
    }
    super(lines.join("\n"), options.cause === undefined ? {} : { cause: options.cause });
    this.summary = printable(summary);
    this.location = options.location;
    this.field = options.field ?? "";
    this.suggestion = options.suggestion;
  }
}
