import { Tape } from "./tape.ts";

/** What a place on the tape holds. */
export const FORM = {
  /** A scalar, or a collection that is empty: what it is stands at its offset. */
  SCALAR: 0,
  OBJECT: 1,
  LIST: 2,
  /** A key or dash without a value. Its offset is the end of that. */
  NOTHING: 3,
} as const;

const SPACE = 0x20;
const HASH = 0x23;
const DASH = 0x2d;
const COLON = 0x3a;
const NEWLINE = 0x0a;

/** With these a plain scalar does not start. */
const INDICATORS = ",[]{}#&*!|>%@`\"'";

/** Plain keys that are no names. */
const NULL_KEYS = ["~", "null", "Null", "NULL"];

/** YAML allows no longer key on one line. */
const MAX_KEY = 1024;

/** The text has something that is YAML, perhaps, but not simple. */
const NOT_SIMPLE = new Error("not simple YAML");

/**
 * Reads the tape of a text in simple YAML: block mappings and sequences, scalars of one
 * line, literal blocks, empty flow collections, comments on lines of their own, documents.
 * That is all that `kubectl -o yaml` writes. Returns `undefined` for any other text, which
 * then needs a real parser; a tenth of its time is what this one costs.
 *
 * Values have the places that a real parser gives them: a collection starts at its first
 * key or dash.
 */
export function readBlockYamlTape(text: string, maxDepth: number): Tape | undefined {
  // Tabs and carriage returns have rules of their own.
  if (/[\t\r\u0085\u2028\u2029\ufeff]/.test(text)) return undefined;
  const reader = new BlockReader(text, maxDepth);
  try {
    reader.read();
  } catch (error) {
    if (error === NOT_SIMPLE) return undefined;
    throw error;
  }
  return reader.tape;
}

class BlockReader {
  readonly #text: string;
  readonly #maxDepth: number;
  readonly tape: Tape;
  /** Start of the current line. */
  #line = 0;
  /** Where on it the next thing to read stands; the end of the text when all is read. */
  #at = 0;
  #depth = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    this.tape = new Tape(Math.ceil(text.length / 12));
  }

  read(): void {
    this.#toContent();
    while (this.#at < this.#text.length) {
      if (this.#isSeparator()) {
        this.#nextLine();
        continue;
      }
      if (this.#column !== 0) throw NOT_SIMPLE;
      this.#block(0);
      if (this.#at < this.#text.length && !this.#isSeparator()) throw NOT_SIMPLE;
    }
  }

  get #column(): number {
    return this.#at - this.#line;
  }

  /** There is something to read in this document, at this column. */
  #isAt(column: number): boolean {
    return this.#at < this.#text.length && this.#column === column && !this.#isSeparator();
  }

  #isSeparator(): boolean {
    if (this.#column !== 0) return false;
    if (this.#text.startsWith("...", this.#at)) throw NOT_SIMPLE;
    if (!this.#text.startsWith("---", this.#at)) return false;
    const after = this.#text.charCodeAt(this.#at + 3);
    if (this.#at + 3 < this.#text.length && after !== NEWLINE) throw NOT_SIMPLE;
    return true;
  }

  #isDash(): boolean {
    if (this.#text.charCodeAt(this.#at) !== DASH) return false;
    const after = this.#text.charCodeAt(this.#at + 1);
    return after === SPACE || after === NEWLINE || this.#at + 1 === this.#text.length;
  }

  #block(column: number): void {
    if (++this.#depth > this.#maxDepth) throw NOT_SIMPLE;
    if (this.#isDash()) this.#sequence(column);
    else this.#mapping(column);
    this.#depth--;
  }

  #mapping(column: number): void {
    const place = this.tape.push(this.#at, FORM.OBJECT);
    do {
      if (this.#isDash()) throw NOT_SIMPLE;
      this.tape.push(this.#at);
      const end = this.#spaces(this.#key() + 1);
      this.#at = end;
      if (!this.#isLineEnd(this.#at)) {
        this.#inline(column);
        continue;
      }
      this.#nextLine();
      // A sequence may stand at the column of its key.
      if (this.#isAt(column) && this.#isDash()) this.#block(column);
      else this.#deeper(column, end);
    } while (this.#isAt(column));
    this.#mustEnd(column);
    this.tape.close(place);
  }

  #sequence(column: number): void {
    const place = this.tape.push(this.#at, FORM.LIST);
    do {
      if (!this.#isDash()) break;
      const end = this.#spaces(this.#at + 1);
      this.#at = end;
      if (this.#isLineEnd(this.#at)) {
        this.#nextLine();
        this.#deeper(column, end);
      } else if (this.#isDash()) {
        throw NOT_SIMPLE;
      } else if (this.#isKey()) {
        this.#block(this.#column);
      } else {
        this.#inline(column);
      }
    } while (this.#isAt(column));
    this.#mustEnd(column);
    this.tape.close(place);
  }

  /** Reads the value on the lines below a key or dash, if it is deeper than that. */
  #deeper(column: number, end: number): void {
    const more = this.#at < this.#text.length && this.#column > column;
    if (more) this.#block(this.#column);
    else this.tape.push(end, FORM.NOTHING);
  }

  /** What follows a block is no deeper than it: that would continue a scalar. */
  #mustEnd(column: number): void {
    if (this.#at < this.#text.length && this.#column > column) throw NOT_SIMPLE;
  }

  /** Reads a scalar on this line, or a block scalar that starts on it. */
  #inline(column: number): void {
    const text = this.#text;
    const end = this.#lineEnd(this.#at);
    this.tape.push(this.#at);
    const first = text[this.#at] ?? "";
    if (first === "|" || first === ">") return this.#blockScalar(column, end);
    if (first === '"' || first === "'") {
      if (!this.#isLineEnd(this.#spaces(this.#quoted(first)))) throw NOT_SIMPLE;
    } else if (!(first === "{" || first === "[") || !this.#isEmptyFlow(end)) {
      this.#plain(this.#at, end);
    }
    this.#nextLine();
  }

  #isEmptyFlow(end: number): boolean {
    const written = this.#text.slice(this.#at, end).trimEnd();
    return written === "{}" || written === "[]";
  }

  /** Checks that a plain scalar is just what stands between the two. */
  #plain(start: number, end: number): void {
    const text = this.#text;
    const first = text.charCodeAt(start);
    const next = text.charCodeAt(start + 1);
    if (INDICATORS.includes(text[start] ?? "")) throw NOT_SIMPLE;
    if (
      (first === DASH || first === COLON || first === 0x3f) && (next === SPACE || start + 1 >= end)
    ) {
      throw NOT_SIMPLE;
    }
    for (let i = start; i < end; i++) {
      const code = text.charCodeAt(i);
      if (code < SPACE) throw NOT_SIMPLE;
      if (code === COLON && (i + 1 === end || text.charCodeAt(i + 1) === SPACE)) throw NOT_SIMPLE;
      if (code === HASH && text.charCodeAt(i - 1) === SPACE) throw NOT_SIMPLE;
    }
  }

  /** Returns the end of a quoted scalar, which is on this line. */
  #quoted(quote: string): number {
    const text = this.#text;
    const end = this.#lineEnd(this.#at);
    for (let i = this.#at + 1; i < end; i++) {
      const char = text[i];
      if (char === "\\" && quote === '"') i = this.#escape(i + 1);
      else if (char === quote && quote === "'" && text[i + 1] === quote) i++;
      else if (char === quote) return i + 1;
    }
    throw NOT_SIMPLE;
  }

  /** Returns the end of an escape, one of those that JSON has too. */
  #escape(at: number): number {
    if (/^u[0-9a-fA-F]{4}$/.test(this.#text.slice(at, at + 5))) return at + 4;
    if (!'"\\/bfnrt'.includes(this.#text[at] ?? " ")) throw NOT_SIMPLE;
    return at;
  }

  #blockScalar(column: number, end: number): void {
    // A number there would say how deep the lines are.
    if (!/^[|>][-+]?$/.test(this.#text.slice(this.#at, end).trimEnd())) throw NOT_SIMPLE;
    let line = end + 1;
    let depth: number | undefined;
    for (; line < this.#text.length; line = this.#lineEnd(line) + 1) {
      const content = this.#spaces(line);
      if (this.#isLineEnd(content)) {
        if (depth === undefined && content > line) throw NOT_SIMPLE;
        continue;
      }
      if (content - line <= column) break;
      depth ??= content - line;
      if (content - line < depth) throw NOT_SIMPLE;
    }
    if (depth === undefined) throw NOT_SIMPLE;
    this.#line = line;
    this.#toContent();
  }

  /** Returns the colon behind the key that starts here. */
  #key(): number {
    const colon = this.#colon();
    if (colon === undefined || colon - this.#at > MAX_KEY) throw NOT_SIMPLE;
    return colon;
  }

  #isKey(): boolean {
    return this.#colon() !== undefined;
  }

  #colon(): number | undefined {
    const text = this.#text;
    const first = text[this.#at] ?? "";
    if (first === '"' || first === "'") {
      const colon = this.#quoted(first);
      return text.charCodeAt(colon) === COLON && this.#isKeyEnd(colon) ? colon : undefined;
    }
    const end = this.#lineEnd(this.#at);
    for (let i = this.#at; i < end; i++) {
      if (text.charCodeAt(i) !== COLON || !this.#isKeyEnd(i)) continue;
      this.#plain(this.#at, i);
      // A space before the colon is no part of the key, and a nameless key is none.
      if (i === this.#at || text.charCodeAt(i - 1) === SPACE) throw NOT_SIMPLE;
      if (NULL_KEYS.includes(text.slice(this.#at, Math.min(i, this.#at + 5)))) throw NOT_SIMPLE;
      return i;
    }
    return undefined;
  }

  #isKeyEnd(colon: number): boolean {
    return this.#text.charCodeAt(colon + 1) === SPACE || this.#isLineEnd(colon + 1);
  }

  #isLineEnd(at: number): boolean {
    return at >= this.#text.length || this.#text.charCodeAt(at) === NEWLINE;
  }

  #lineEnd(at: number): number {
    const end = this.#text.indexOf("\n", at);
    return end < 0 ? this.#text.length : end;
  }

  #spaces(at: number): number {
    let i = at;
    while (this.#text.charCodeAt(i) === SPACE) i++;
    return i;
  }

  #nextLine(): void {
    this.#line = this.#lineEnd(this.#at) + 1;
    this.#toContent();
  }

  /** Goes on to the next line with content, from the start of a line. */
  #toContent(): void {
    while (this.#line < this.#text.length) {
      this.#at = this.#spaces(this.#line);
      if (!this.#isLineEnd(this.#at) && this.#text.charCodeAt(this.#at) !== HASH) return;
      this.#line = this.#lineEnd(this.#at) + 1;
    }
    this.#at = this.#text.length;
    this.#line = this.#at;
  }
}
