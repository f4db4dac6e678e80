import type { End, EndFinder } from "../explain/end_finder.ts";
import { PROTOCOL } from "../policy/map_state.ts";
import { MAX_QUERY } from "./query.ts";

/** A line of `--queries` that asks for nothing above the transport and expects nothing. */
export interface PlainQuery {
  readonly id: string | number;
  /** As written. */
  readonly from: string;
  readonly to: string;
  readonly source: End;
  readonly destination: End;
  /** IP protocol number. */
  readonly protocol: number;
  readonly port: number;
}

interface KnownEnd {
  readonly text: string;
  readonly end: End;
}

const LINE_FEED = 10;
const RETURN = 13;
const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const ZERO = 48;
const COLON = 58;
const BACKSLASH = 92;
const LETTER_F = 102;
const LETTER_I = 105;
const LETTER_T = 116;
const OPEN = 123;
const CLOSE = 125;
const DELETE = 127;
/** Digits of a number that a double holds exactly. */
const MAX_DIGITS = 15;
const MAX_PORT = 65535;
/** Ends that are known by their text; one takes the place of another with the same hash. */
const KNOWN_ENDS = 1 << 16;

const ID = 1;
const FROM = 2;
const TO = 4;
const PROTOCOL_FIELD = 8;
const PORT = 16;

/**
 * Reads the common form of a query without making an object of the line: there may be
 * millions, and most of their texts have been seen before. Every line that it does not
 * understand (escapes, requests, expectations, mistakes) is left to {@linkcode parseQuery}
 * and {@linkcode EndFinder.find}, whose answer it must share for all others.
 */
export class QueryScanner {
  readonly #finder: EndFinder;
  readonly #known: (KnownEnd | undefined)[] = new Array(KNOWN_ENDS).fill(undefined);
  #text = "";
  #at = 0;
  /** Hash of the text that {@linkcode QueryScanner.#skipText} went over. */
  #hash = 0;

  constructor(finder: EndFinder) {
    this.#finder = finder;
  }

  /** Position behind the line that was scanned last. */
  get end(): number {
    return this.#at;
  }

  /**
   * Scans the line that starts at a position; `undefined` if it is not of the common form.
   *
   * @param number Line number, which is the id where there is none.
   */
  scan(text: string, start: number, number: number): PlainQuery | undefined {
    this.#text = text;
    this.#at = start;
    if (!this.#take(OPEN)) return undefined;
    let id: string | number = number;
    let source: KnownEnd | undefined;
    let destination: KnownEnd | undefined;
    let protocol: number = PROTOCOL.TCP;
    let port = 0;
    let seen = 0;
    do {
      const field = this.#takeField();
      // Of a field that is there twice the last one counts: not here.
      if (field === 0 || (seen & field) !== 0) return undefined;
      seen |= field;
      if (field === ID) id = this.#takeId();
      else if (field === FROM) source = this.#takeEnd();
      else if (field === TO) destination = this.#takeEnd();
      else if (field === PORT) port = this.#takeNumber();
      else protocol = this.#takeProtocol();
      this.#skipSpace();
    } while (this.#take(COMMA));
    if (!this.#take(CLOSE) || !this.#takeLineEnd() || this.#at - start > MAX_QUERY) {
      return undefined;
    }
    if (source === undefined || destination === undefined || id === -1) return undefined;
    if (protocol === 0 || port < 1 || port > MAX_PORT) return undefined;
    return {
      id,
      from: source.text,
      to: destination.text,
      source: source.end,
      destination: destination.end,
      protocol,
      port,
    };
  }

  #take(code: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== code) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): void {
    while (this.#text.charCodeAt(this.#at) === SPACE) this.#at++;
  }

  #takeLineEnd(): boolean {
    this.#skipSpace();
    this.#take(RETURN);
    return this.#at === this.#text.length || this.#take(LINE_FEED);
  }

  /** Takes a field's name and colon; 0 for another one. */
  #takeField(): number {
    this.#skipSpace();
    const field = this.#fieldAt(this.#at);
    this.#at += NAME_LENGTHS[field] ?? 0;
    this.#skipSpace();
    if (!this.#take(COLON)) return 0;
    this.#skipSpace();
    return field;
  }

  #fieldAt(at: number): number {
    const text = this.#text;
    switch (text.charCodeAt(at + 1)) {
      case LETTER_F:
        return text.startsWith('"from"', at) ? FROM : 0;
      case LETTER_I:
        return text.startsWith('"id"', at) ? ID : 0;
      case LETTER_T:
        return text.startsWith('"to"', at) ? TO : 0;
      default:
        if (text.startsWith('"port"', at)) return PORT;
        return text.startsWith('"protocol"', at) ? PROTOCOL_FIELD : 0;
    }
  }

  /** Takes text or a number; -1 for anything else. */
  #takeId(): string | number {
    const start = this.#at + 1;
    if (this.#text.charCodeAt(this.#at) !== QUOTE) return this.#takeNumber();
    return this.#skipText() ? this.#text.slice(start, this.#at - 1) : -1;
  }

  /** Takes an integer as JSON writes it; -1 for anything else. */
  #takeNumber(): number {
    const start = this.#at;
    let value = 0;
    while (true) {
      const digit = this.#text.charCodeAt(this.#at) - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
      this.#at++;
    }
    const digits = this.#at - start;
    const leadingZero = digits > 1 && this.#text.charCodeAt(start) === ZERO;
    return digits === 0 || digits > MAX_DIGITS || leadingZero ? -1 : value;
  }

  #takeProtocol(): number {
    const text = this.#text;
    const at = this.#at;
    const protocol = text.startsWith('"TCP"', at)
      ? PROTOCOL.TCP
      : text.startsWith('"UDP"', at)
      ? PROTOCOL.UDP
      : 0;
    if (protocol !== 0) this.#at += 5;
    return protocol;
  }

  #takeEnd(): KnownEnd | undefined {
    const start = this.#at + 1;
    if (!this.#skipText()) return undefined;
    const slot = this.#hash & (KNOWN_ENDS - 1);
    const length = this.#at - 1 - start;
    const known = this.#known[slot];
    if (known?.text.length === length && this.#text.startsWith(known.text, start)) return known;
    // A slice would keep the whole block in memory.
    const text = copyOf(this.#text.slice(start, this.#at - 1));
    try {
      return this.#known[slot] = { text, end: this.#finder.find(text) };
    } catch {
      return undefined; // found again, and reported, by those who know what is wrong
    }
  }

  /** Goes over a text without escapes in printable ASCII; false for any other. */
  #skipText(): boolean {
    const text = this.#text;
    let at = this.#at;
    let hash = 0;
    if (text.charCodeAt(at) !== QUOTE) return false;
    while (true) {
      const code = text.charCodeAt(++at);
      if (code === QUOTE) break;
      if (!(code >= SPACE && code < DELETE) || code === BACKSLASH) return false;
      hash = Math.imul(hash ^ code, 0x01000193);
    }
    this.#at = at + 1;
    this.#hash = hash ^ hash >>> 16;
    return true;
  }
}

const NAME_LENGTHS: Readonly<Record<number, number>> = {
  [ID]: 4,
  [FROM]: 6,
  [TO]: 4,
  [PROTOCOL_FIELD]: 10,
  [PORT]: 6,
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function copyOf(text: string): string {
  return decoder.decode(encoder.encode(text));
}
