/** Slots of the cache; a power of two. */
const SIZE = 4096;

/** A property name is a string of its own: V8 copies it out of the text it is a slice of. */
const NAMES: Record<string, undefined> = Object.create(null);

/**
 * Cuts strings out of a text. Those that were cut lately (keys, and values that every pod
 * has) are found again without making them, and none keeps the whole text alive.
 */
export class StringCache {
  readonly #text: string;
  readonly #cache = new Array<string | undefined>(SIZE).fill(undefined);

  constructor(text: string) {
    this.#text = text;
  }

  /** Returns what stands from `start` up to `end`. */
  cut(start: number, end: number): string {
    const text = this.#text;
    const length = end - start;
    const hash = (length * 31 + text.charCodeAt(start) * 7 + text.charCodeAt(end - 1) * 131) &
      (SIZE - 1);
    const cached = this.#cache[hash];
    if (cached?.length === length && text.startsWith(cached, start)) return cached;
    const slice = text.slice(start, end);
    // V8 copies shorter ones anyway.
    if (length >= 13) void NAMES[slice];
    return this.#cache[hash] = slice;
  }
}
