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
  /** For messages and `switch`. */
  override name = "ObjectFormatError";
  /** The file, and where inside it. */
  readonly subject: string;

  /** Describes what was found and what should have been there. */
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
  /** For messages and `switch`. */
  override name = "NotSupportedError";
  /** The missing feature. */
  readonly feature: string;
  /** First kernel release that has it; undefined if no kernel would help. */
  readonly minimumKernel: string | undefined;

  /** `minimumKernel` is a release such as `6.6`. */
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

/** Options of {@linkcode VerifierError}. */
export interface VerifierErrorOptions extends ErrorOptions {
  /** Why it was refused, where that is known better than from the log. @default the log's line */
  reason?: string;
}

/**
 * The verifier refused a program. The message carries the last meaningful line; the whole log is
 * in {@linkcode VerifierError.log}.
 *
 * @example Usage
 * ```ts
 * import { VerifierError } from "ebpf-ts-loader";
 * import { assert, assertEquals } from "@std/assert";
 * const log = "0: (95) exit\nR0 !read_ok\nprocessed 1 insns (limit 1000000) …\n";
 * assertEquals(
 *   new VerifierError("p", "EACCES", log).message,
 *   'Cannot load program "p": EACCES (R0 !read_ok), expected the verifier to accept it',
 * );
 * const limit = "BPF program is too large. Processed 1000001 insn\n";
 * assert(new VerifierError("p", "E2BIG", limit).tooComplex);
 * ```
 */
export class VerifierError extends Error {
  /** For messages and `switch`. */
  override name = "VerifierError";
  /** Program name. */
  readonly program: string;
  /** Symbolic errno of BPF_PROG_LOAD. */
  readonly code: string;
  /** The verifier's whole log. */
  readonly log: readonly string[];
  /**
   * The program is not known to be wrong: the verifier gave up after a million instructions (or
   * 8,192 branches not yet followed). Fewer branches, `bpf_loop()` or global functions help.
   */
  readonly tooComplex: boolean;

  /** Takes the log as the kernel wrote it, lines separated by line feeds. */
  constructor(program: string, code: string, log: string, options?: VerifierErrorOptions) {
    const lines = log.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "");
    const last = options?.reason ?? lastMeaningful(lines);
    const detail = last === undefined ? "" : ` (${printable(last)})`;
    const tooComplex = lines.some((line) => COMPLEXITY.test(line));
    const expected = tooComplex ? "fewer instructions to verify" : "the verifier to accept it";
    super(
      `Cannot load program "${printable(program)}": ${code}${detail}, expected ${expected}`,
      options,
    );
    this.program = program;
    this.code = code;
    this.log = lines;
    this.tooComplex = tooComplex;
  }
}

// Statistics the verifier appends after the line that says what is wrong.
const TRAILER =
  /^(processed \d+ insns|verification time|stack depth|max_states|mark_precise:|(cur|old) state:)/;

// kernel/bpf/verifier.c: do_check(), push_stack(), bpf_check(); the last before Linux 5.2.
const COMPLEXITY =
  /^(BPF program is too large\. Processed|The sequence of \d+ jumps is too complex|too many (states|instructions)|BPF program is too complex)/i;

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
  /** For messages and `switch`. */
  override name = "MismatchError";
  /** Each field that differs. */
  readonly differences: readonly Difference[];

  /** Names the object and lists all its differences. */
  constructor(kind: string, subject: string, differences: readonly Difference[]) {
    const actual = differences.map(({ field, actual }) => `${field} is ${actual}`).join(", ");
    const expected = differences.map(({ field, expected }) => `${field} ${expected}`).join(", ");
    super(`Cannot reuse ${kind} "${printable(subject)}": ${actual}, expected ${expected}`);
    this.differences = differences;
  }
}

/** One field that is not as specified. */
export interface Difference {
  /** Name of the field in the specification. */
  field: string;
  /** What the existing object has. */
  actual: number | bigint | string;
  /** What the specification says. */
  expected: number | bigint | string;
}
