/**
 * The structure of a JSON text: where each value stands, and where the next one does.
 *
 * One pass over the text checks its grammar (RFC 8259) and writes the tape; from then on
 * any part of the text can be stepped over in one move. The idea is that of simdjson
 * (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019).
 *
 * ```
 * {"a": [1, 2]}      place  0    1    2    3    4
 *                    value  {    "a"  [    1    2
 *                    next   5    2    5    4    5
 * ```
 *
 * @module
 */

/** A read-only tape. Keys are values too, each before the value it names. */
export interface JsonTape {
  /** How many values there are, those inside others counted. */
  readonly length: number;
  /** Where in the text a value starts, in UTF-16 units. */
  offset(place: number): number;
  /** The place behind a value and everything inside it. */
  next(place: number): number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const HEX = /[0-9a-fA-F]{4}/y;

/**
 * Reads the tape of a text that is one JSON object or more, one after the other. Returns
 * `undefined` for any other text, and for deeper nesting.
 */
export function readTape(text: string, maxDepth: number): JsonTape | undefined {
  const writer = new TapeWriter(text, maxDepth);
  return writer.read() ? writer : undefined;
}

class TapeWriter implements JsonTape {
  readonly #text: string;
  readonly #maxDepth: number;
  /** Offset and next, in turns. */
  #cells: Int32Array;
  #length = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    // A manifest has a value for every twelve characters or so.
    this.#cells = new Int32Array(2 * Math.ceil(text.length / 12) + 16);
  }

  get length(): number {
    return this.#length;
  }

  offset(place: number): number {
    return this.#cells[2 * place] ?? 0;
  }

  next(place: number): number {
    return this.#cells[2 * place + 1] ?? 0;
  }

  read(): boolean {
    const text = this.#text;
    let at = this.#space(0);
    while (at < text.length) {
      if (text.charCodeAt(at) !== OPEN) return false;
      at = this.#root(at);
      if (at < 0) return false;
      at = this.#space(at);
    }
    return this.#length > 0;
  }

  /** Reads a value and all inside it. Returns its end, -1 if it is not JSON. */
  #root(start: number): number {
    const text = this.#text;
    const open: number[] = [];
    let closer = 0;
    let at = start;
    while (true) {
      // `at` is where a value has to start.
      const code = text.charCodeAt(at);
      const place = this.#push(at);
      if (code === OPEN || code === OPEN_LIST) {
        if (open.length === this.#maxDepth) return -1;
        const inner = code === OPEN ? CLOSE : CLOSE_LIST;
        at = this.#space(at + 1);
        if (text.charCodeAt(at) !== inner) {
          open.push(place);
          closer = inner;
          if (inner === CLOSE && (at = this.#key(at)) < 0) return -1;
          continue;
        }
        at++;
      } else {
        at = code === QUOTE ? this.#string(at) : this.#word(at);
        if (at < 0) return -1;
      }
      // `at` is behind a value: close what ends here, or go on to the next one.
      while (true) {
        if (open.length === 0) return at;
        at = this.#space(at);
        const next = text.charCodeAt(at);
        if (next === COMMA) break;
        if (next !== closer) return -1;
        this.#cells[2 * (open.pop() ?? 0) + 1] = this.#length;
        const outer = open.at(-1);
        if (outer !== undefined) closer = text.charCodeAt(this.offset(outer)) + 2;
        at++;
      }
      at = this.#space(at + 1);
      if (closer === CLOSE && (at = this.#key(at)) < 0) return -1;
    }
  }

  #push(offset: number): number {
    if (2 * this.#length === this.#cells.length) {
      const grown = new Int32Array(2 * this.#cells.length);
      grown.set(this.#cells);
      this.#cells = grown;
    }
    const place = this.#length++;
    this.#cells[2 * place] = offset;
    this.#cells[2 * place + 1] = place + 1;
    return place;
  }

  /** Returns the start of the value behind a key, -1 if there is no key. */
  #key(at: number): number {
    const text = this.#text;
    if (text.charCodeAt(at) !== QUOTE) return -1;
    this.#push(at);
    const end = this.#string(at);
    if (end < 0) return -1;
    const colon = this.#space(end);
    return text.charCodeAt(colon) === COLON ? this.#space(colon + 1) : -1;
  }

  #string(at: number): number {
    const text = this.#text;
    for (let i = at + 1; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === QUOTE) return i + 1;
      if (code < 0x20) return -1;
      if (code !== BACKSLASH) continue;
      i++;
      if (text[i] === "u") {
        HEX.lastIndex = i + 1;
        if (!HEX.test(text)) return -1;
        i += 4;
      } else if (!'"\\/bfnrt'.includes(text[i] ?? " ")) return -1;
    }
    return -1;
  }

  #word(at: number): number {
    for (const word of ["true", "false", "null"]) {
      if (this.#text.startsWith(word, at)) return at + word.length;
    }
    NUMBER.lastIndex = at;
    return NUMBER.test(this.#text) ? NUMBER.lastIndex : -1;
  }

  #space(at: number): number {
    const text = this.#text;
    let i = at;
    while (true) {
      const code = text.charCodeAt(i);
      if (code > 0x20 || (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09)) {
        return i;
      }
      i++;
    }
  }
}
