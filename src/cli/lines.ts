import { BadInputError } from "./exit_code.ts";

/** Lines that are handed over together at most. */
const BATCH = 1024;
/** Longest line that is waited for. */
const LONGEST = 1 << 24;
/** Bytes that are read at once. */
const CHUNK = 1 << 18;

/** Whole lines, one after the other. */
export interface LineBlock {
  /** Number of the first line, from 1. */
  readonly first: number;
  /** Every line ends with a line feed, but the last one of the file perhaps. */
  readonly text: string;
}

/**
 * Reads a file, or standard input (`-`), in blocks of whole lines: what has come in is handed
 * over before more is waited for.
 *
 * @throws {BadInputError} If the file cannot be read, is not UTF-8, or is not made of lines.
 */
export async function* readLineBlocks(path: string): AsyncGenerator<LineBlock> {
  let first = 1;
  let rest = "";
  for await (const text of textOf(path)) {
    const end = text.lastIndexOf("\n") + 1;
    if (end > 0) {
      const block = { first, text: rest + text.slice(0, end) };
      rest = text.slice(end);
      first += countLines(block.text);
      yield block;
    } else rest += text;
    if (rest.length > LONGEST) {
      throw new BadInputError(
        `Cannot read "${path}": line ${first} is longer than ${LONGEST} ` +
          `characters, expected lines of JSON`,
      );
    }
  }
  if (rest !== "") yield { first, text: rest };
}

/**
 * Reads the lines of a file, or of standard input (`-`), in batches, each with its
 * number from 1. Empty lines are left out.
 *
 * @throws {BadInputError} If the file cannot be read, is not UTF-8, or is not made of lines.
 */
export async function* readLines(
  path: string,
): AsyncGenerator<{ readonly number: number; readonly text: string }[]> {
  for await (const { first, text } of readLineBlocks(path)) {
    let batch: { number: number; text: string }[] = [];
    for (const [i, line] of text.split("\n").entries()) {
      if (line.trim() !== "") batch.push({ number: first + i, text: line });
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

async function* textOf(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const buffer = new Uint8Array(CHUNK);
  try {
    using file = path === "-" ? undefined : await Deno.open(path);
    const source = file ?? Deno.stdin;
    while (true) {
      const count = await source.read(buffer);
      if (count === null) break;
      yield decoder.decode(buffer.subarray(0, count), { stream: true });
    }
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
