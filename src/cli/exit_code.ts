/** Exit codes of every command. */
export const EXIT_CODE = {
  /** All is well. */
  OK: 0,
  /** The command has run, and the answer is no: a mismatch, an unmet expectation. */
  NO: 1,
  /** The command could not run: bad use or bad input. */
  BAD_INPUT: 2,
} as const;

/** A command's exit code. */
export type ExitCode = typeof EXIT_CODE[keyof typeof EXIT_CODE];

/** Input that a command cannot work with. The message is all that its user needs. */
export class BadInputError extends Error {
  override readonly name = "BadInputError";
}
