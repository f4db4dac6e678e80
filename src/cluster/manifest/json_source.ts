import type { Location } from "../location.ts";
import { readJsonTape } from "./json_tape.ts";
import { LineTable } from "./line_table.ts";
import type { Slot, Source, ValueType } from "./source.ts";
import { StringCache } from "./string_cache.ts";
import type { Tape } from "./tape.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/** A value: its place on the tape. */
export type JsonValue = number;

/** JSON (RFC 8259), read in place: only the values that are asked for are made. */
export class JsonSource implements Source<JsonValue> {
  readonly file: string;
  readonly #text: string;
  readonly #tape: Tape;
  readonly #strings: StringCache;
  readonly #lines: LineTable;

  private constructor(file: string, text: string, tape: Tape) {
    this.file = file;
    this.#text = text;
    this.#tape = tape;
    this.#strings = new StringCache(text);
    this.#lines = new LineTable(file, text);
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
    const tape = readJsonTape(text, maxDepth);
    if (tape === undefined) return undefined;
    return { source: new JsonSource(file, text, tape), roots: [...tape.roots()] };
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
    return this.#lines.locate(this.#tape.offset(value));
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
    return this.#strings.cut(start, end);
  }
}
