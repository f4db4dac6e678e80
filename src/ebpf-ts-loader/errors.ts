/**
 * Bytes from outside (an ELF object, BTF) are not what they claim to be. The message names the
 * file and the place, on one line.
 *
 * @example Usage
 * ```ts
 * import { ObjectFormatError, parseObject } from "ebpf-ts-loader";
 * import { assertThrows } from "@std/assert";
 * assertThrows(
 *   () => parseObject(new Uint8Array(3), "x.o"),
 *   ObjectFormatError,
 *   'Cannot read "x.o": 3 bytes, expected an ELF header of 64',
 * );
 * ```
 */
export class ObjectFormatError extends Error {
  override name = "ObjectFormatError";
  /** The file, and where inside it. */
  readonly subject: string;

  constructor(subject: string, state: string, expected: string, options?: ErrorOptions) {
    const place = printable(subject);
    super(
      `Cannot read "${place}": ${printable(state)}, expected ${printable(expected)}`,
      options,
    );
    this.subject = place;
  }
}

/** Names inside hostile files may hold anything; an error is one line of visible characters. */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, "?").slice(0, 400);
}

/**
 * The kernel (or this version of the package) lacks a feature.
 *
 * @example Usage
 * ```ts
 * import { NotSupportedError } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * const error = new NotSupportedError("attach", "from_container", "TCX", "6.6");
 * assertEquals(
 *   error.message,
 *   'Cannot attach "from_container": TCX not supported, expected Linux 6.6 or newer',
 * );
 * ```
 */
export class NotSupportedError extends Error {
  override name = "NotSupportedError";
  /** The missing feature. */
  readonly feature: string;
  /** First kernel release that has it; undefined if no kernel would help. */
  readonly minimumKernel: string | undefined;

  constructor(
    action: string,
    subject: string,
    feature: string,
    minimumKernel?: string,
    options?: ErrorOptions,
  ) {
    const expected = minimumKernel ? `Linux ${minimumKernel} or newer` : "another construction";
    super(
      `Cannot ${action} "${printable(subject)}": ${printable(feature)} not supported, ` +
        `expected ${expected}`,
      options,
    );
    this.feature = feature;
    this.minimumKernel = minimumKernel;
  }
}

/**
 * The verifier refused a program. The message carries the last meaningful line; the whole log is
 * in {@linkcode VerifierError.log}.
 *
 * @example Usage
 * ```ts
 * import { VerifierError } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * const log = "0: (95) exit\nR0 !read_ok\nprocessed 1 insns (limit 1000000) …\n";
 * assertEquals(
 *   new VerifierError("p", "EACCES", log).message,
 *   'Cannot load program "p": EACCES (R0 !read_ok), expected the verifier to accept it',
 * );
 * ```
 */
export class VerifierError extends Error {
  override name = "VerifierError";
  /** Program name. */
  readonly program: string;
  /** Symbolic errno of BPF_PROG_LOAD. */
  readonly code: string;
  /** The verifier's whole log. */
  readonly log: readonly string[];

  constructor(program: string, code: string, log: string, options?: ErrorOptions) {
    const lines = log.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "");
    const last = lastMeaningful(lines);
    const detail = last === undefined ? "" : ` (${printable(last)})`;
    super(
      `Cannot load program "${printable(program)}": ${code}${detail}, ` +
        "expected the verifier to accept it",
      options,
    );
    this.program = program;
    this.code = code;
    this.log = lines;
  }
}

// Statistics the verifier appends after the line that says what is wrong.
const TRAILER = /^(processed \d+ insns|verification time|stack depth|max_states|mark_precise:)/;

function lastMeaningful(lines: readonly string[]): string | undefined {
  return lines.findLast((line) => !TRAILER.test(line));
}

/**
 * An existing object (a pinned map, a replacement) differs from its specification. The message
 * lists every difference at once.
 *
 * @example Usage
 * ```ts
 * import { MismatchError } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * const error = new MismatchError("map", "m", [{ field: "maxEntries", actual: 64, expected: 128 }]);
 * assertEquals(
 *   error.message,
 *   'Cannot reuse map "m": maxEntries is 64, expected maxEntries 128',
 * );
 * ```
 */
export class MismatchError extends Error {
  override name = "MismatchError";
  /** Each field that differs. */
  readonly differences: readonly Difference[];

  constructor(kind: string, subject: string, differences: readonly Difference[]) {
    const actual = differences.map(({ field, actual }) => `${field} is ${actual}`).join(", ");
    const expected = differences.map(({ field, expected }) => `${field} ${expected}`).join(", ");
    super(`Cannot reuse ${kind} "${printable(subject)}": ${actual}, expected ${expected}`);
    this.differences = differences;
  }
}

/** One field that is not as specified. */
export interface Difference {
  field: string;
  actual: number | bigint | string;
  expected: number | bigint | string;
}
