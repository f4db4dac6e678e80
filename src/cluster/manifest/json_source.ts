import type { Location } from "../location.ts";
import { type JsonTape, readTape } from "./json_tape.ts";
import type { Slot, Source, ValueType } from "./source.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/** Slots of the cache of strings; a power of two. */
const CACHE_SIZE = 4096;

/** A value: its place on the tape. */
export type JsonValue = number;

/** JSON (RFC 8259), read in place: only the values that are asked for are made. */
export class JsonSource implements Source<JsonValue> {
  readonly file: string;
  readonly #text: string;
  readonly #tape: JsonTape;
  /** Strings that were read lately: keys, and values that every pod has. */
  readonly #cache = new Array<string | undefined>(CACHE_SIZE).fill(undefined);
  /** Offsets at which lines start; made when the first location is asked for. */
  #lines: readonly number[] | undefined;
  /** The line that was asked for last: readers ask in order. */
  #lastLine = 0;

  private constructor(file: string, text: string, tape: JsonTape) {
    this.file = file;
    this.#text = text;
    this.#tape = tape;
  }

  /**
   * Opens a text that is one JSON object or more, one after the other. Returns `undefined`
   * for any other text.
   *
   * @param maxDepth Nesting that is still JSON.
   */
  static open(
    file: string,
    text: string,
    maxDepth: number,
  ): { source: JsonSource; roots: readonly JsonValue[] } | undefined {
    const tape = readTape(text, maxDepth);
    if (tape === undefined) return undefined;
    const source = new JsonSource(file, text, tape);
    const roots: JsonValue[] = [];
    for (let at = 0; at < tape.length; at = tape.next(at)) roots.push(at);
    return { source, roots };
  }

  enter(value: JsonValue): JsonValue {
    return value;
  }

  typeOf(value: JsonValue): ValueType {
    switch (this.#text.charCodeAt(this.#tape.offset(value))) {
      case 0x7b: // {
        return "object";
      case 0x5b: // [
        return "list";
      case QUOTE:
        return "string";
      case 0x74: // t
      case 0x66: // f
        return "boolean";
      case 0x6e: // n
        return "null";
      default:
        return "number";
    }
  }

  fields(value: JsonValue): Slot<JsonValue>[] {
    const tape = this.#tape;
    const end = tape.next(value);
    const slots: Slot<JsonValue>[] = [];
    for (let key = value + 1; key < end; key = tape.next(key + 1)) {
      slots.push({ name: this.#string(key), key, value: key + 1 });
    }
    return slots;
  }

  items(value: JsonValue): JsonValue[] {
    const tape = this.#tape;
    const end = tape.next(value);
    const items: JsonValue[] = [];
    for (let item = value + 1; item < end; item = tape.next(item)) items.push(item);
    return items;
  }

  scalar(value: JsonValue): string | boolean {
    const code = this.#text.charCodeAt(this.#tape.offset(value));
    return code === QUOTE ? this.#string(value) : code === 0x74;
  }

  numberText(value: JsonValue): string {
    NUMBER.lastIndex = this.#tape.offset(value);
    return NUMBER.exec(this.#text)?.[0] ?? "";
  }

  locate(value: JsonValue): Location {
    const offset = this.#tape.offset(value);
    const lines = this.#lines ??= lineStarts(this.#text);
    let low = (lines[this.#lastLine] ?? 0) <= offset ? this.#lastLine : 0;
    let high = lines.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((lines[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    this.#lastLine = low;
    return { file: this.file, line: low + 1, column: offset - (lines[low] ?? 0) + 1 };
  }

  #string(value: JsonValue): string {
    const text = this.#text;
    const start = this.#tape.offset(value) + 1;
    let end = start;
    let escaped = false;
    for (let code = text.charCodeAt(end); code !== QUOTE; code = text.charCodeAt(++end)) {
      if (code !== BACKSLASH) continue;
      escaped = true;
      end++;
    }
    if (escaped) return String(JSON.parse(text.slice(start - 1, end + 1)));
    const length = end - start;
    const hash = (length * 31 + text.charCodeAt(start) * 7 + text.charCodeAt(end - 1) * 131) &
      (CACHE_SIZE - 1);
    const cached = this.#cache[hash];
    if (cached?.length === length && text.startsWith(cached, start)) return cached;
    return this.#cache[hash] = copyOf(text.slice(start, end));
  }
}

/** A property name is a string of its own: V8 copies it out of the text it is a slice of. */
const NAMES: Record<string, undefined> = Object.create(null);

/** Returns the string by itself. A slice would keep the whole text alive with it. */
function copyOf(slice: string): string {
  // Shorter ones are copied anyway.
  if (slice.length >= 13) void NAMES[slice];
  return slice;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}
