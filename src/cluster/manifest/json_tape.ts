import { Tape } from "./tape.ts";

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
 * Reads the tape of a text that is one JSON object (RFC 8259) or more, one after the other.
 * Returns `undefined` for any other text, and for deeper nesting. One pass checks the
 * grammar and writes the tape.
 */
export function readJsonTape(text: string, maxDepth: number): Tape | undefined {
  const reader = new JsonReader(text, maxDepth);
  return reader.read() ? reader.tape : undefined;
}

class JsonReader {
  readonly #text: string;
  readonly #maxDepth: number;
  readonly tape: Tape;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    // A manifest has a value for every twelve characters or so.
    this.tape = new Tape(Math.ceil(text.length / 12));
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
    return this.tape.length > 0;
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
      const place = this.tape.push(at);
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
        this.tape.close(open.pop() ?? 0);
        const outer = open.at(-1);
        // Brackets of either kind are two apart.
        if (outer !== undefined) closer = text.charCodeAt(this.tape.offset(outer)) + 2;
        at++;
      }
      at = this.#space(at + 1);
      if (closer === CLOSE && (at = this.#key(at)) < 0) return -1;
    }
  }

  /** Returns the start of the value behind a key, -1 if there is no key. */
  #key(at: number): number {
    const text = this.#text;
    if (text.charCodeAt(at) !== QUOTE) return -1;
    this.tape.push(at);
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
