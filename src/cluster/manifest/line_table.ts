import type { Location } from "../location.ts";

/** The lines of a text. Made when the first place is asked for. */
export class LineTable {
  readonly #file: string;
  readonly #text: string;
  #starts: readonly number[] | undefined;
  /** The line that was asked for last: readers ask in order. */
  #last = 0;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
  }

  /** @param offset Counted in UTF-16 units, from 0. */
  locate(offset: number): Location {
    const starts = this.#starts ??= startsOf(this.#text);
    let low = (starts[this.#last] ?? 0) <= offset ? this.#last : 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    this.#last = low;
    return { file: this.#file, line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  }
}

function startsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}
