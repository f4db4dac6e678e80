import { BadInputError } from "./exit_code.ts";

/** Lines that are handed over together at most. */
const BATCH = 1024;
/** Longest line that is waited for. */
const LONGEST = 1 << 24;

/**
 * Reads the lines of a file, or of standard input (`-`), in batches, each with its
 * number from 1. Empty lines are left out.
 *
 * @throws {BadInputError} If the file cannot be read, is not UTF-8, or is not made of lines.
 */
export async function* readLines(
  path: string,
): AsyncGenerator<{ readonly number: number; readonly text: string }[]> {
  let batch: { number: number; text: string }[] = [];
  let number = 0;
  let rest = "";
  for await (const text of textOf(path)) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LONGEST) {
      throw new BadInputError(
        `Cannot read "${path}": line ${number + lines.length + 1} is longer than ${LONGEST} ` +
          `characters, expected lines of JSON`,
      );
    }
    for (const line of lines) {
      number++;
      if (line.trim() !== "") batch.push({ number, text: line });
      if (batch.length === BATCH) {
        yield batch;
        batch = [];
      }
    }
  }
  if (rest.trim() !== "") batch.push({ number: number + 1, text: rest });
  if (batch.length > 0) yield batch;
}

async function* textOf(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    const stream = path === "-" ? Deno.stdin.readable : (await Deno.open(path)).readable;
    for await (const bytes of stream) yield decoder.decode(bytes, { stream: true });
    yield decoder.decode();
  } catch (cause) {
    const state = cause instanceof TypeError
      ? "not UTF-8"
      : cause instanceof Error
      ? cause.message
      : String(cause);
    throw new BadInputError(`Cannot read "${path}": ${state}, expected lines of JSON`, { cause });
  }
}
