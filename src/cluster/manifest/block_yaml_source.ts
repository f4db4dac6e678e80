import { parse } from "yaml";
import type { Location } from "../location.ts";
import { FORM, readBlockYamlTape } from "./block_yaml_tape.ts";
import { LineTable } from "./line_table.ts";
import { NoReading, type Slot, type Source, type ValueType } from "./source.ts";
import { StringCache } from "./string_cache.ts";
import type { Tape } from "./tape.ts";

/** Plain scalars that are no strings, by YAML 1.2's core schema. */
const NULL = /^(?:~|[Nn]ull|NULL)$/;
const BOOLEAN = /^(?:[Tt]rue|TRUE|[Ff]alse|FALSE)$/;
const NUMBER =
  /^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

/** What the first character says: most plain scalars cannot be anything but strings. */
const MAY_BE_OTHER = /[-+.0-9~NnTtFf]/;

/** A value: its place on the tape. */
export type BlockValue = number;

/** Simple YAML, read in place: only the values that are asked for are made. */
export class BlockYamlSource implements Source<BlockValue> {
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

  /** Opens a text in simple YAML, with its documents. Returns `undefined` for any other text. */
  static open(
    file: string,
    text: string,
    maxDepth: number,
  ): { source: BlockYamlSource; roots: readonly BlockValue[] } | undefined {
    const tape = readBlockYamlTape(text, maxDepth);
    if (tape === undefined) return undefined;
    return { source: new BlockYamlSource(file, text, tape), roots: [...tape.roots()] };
  }

  enter(value: BlockValue): BlockValue {
    return value;
  }

  typeOf(value: BlockValue): ValueType {
    const form = this.#tape.form(value);
    if (form === FORM.OBJECT) return "object";
    if (form === FORM.LIST) return "list";
    if (form === FORM.NOTHING) return "null";
    const first = this.#text[this.#tape.offset(value)] ?? "";
    if (first === "{") return "object";
    if (first === "[") return "list";
    if (!MAY_BE_OTHER.test(first)) return "string";
    const plain = this.#plain(value);
    if (NULL.test(plain)) return "null";
    if (BOOLEAN.test(plain)) return "boolean";
    return NUMBER.test(plain) ? "number" : "string";
  }

  fields(value: BlockValue): Slot<BlockValue>[] {
    const tape = this.#tape;
    const end = tape.next(value);
    const slots: Slot<BlockValue>[] = [];
    for (let key = value + 1; key < end; key = tape.next(key + 1)) {
      const name = this.#keyName(key);
      if (name === "<<") throw new NoReading("has a merge key (<<)", "the fields written out");
      slots.push({ name, key, value: key + 1 });
    }
    return slots;
  }

  items(value: BlockValue): BlockValue[] {
    const tape = this.#tape;
    const end = tape.next(value);
    const items: BlockValue[] = [];
    for (let item = value + 1; item < end; item = tape.next(item)) items.push(item);
    return items;
  }

  scalar(value: BlockValue): string | boolean {
    const start = this.#tape.offset(value);
    const first = this.#text[start] ?? "";
    if (first === '"' || first === "'") return this.#quoted(start, first);
    if (first === "|" || first === ">") return this.#block(value);
    const plain = this.#plain(value);
    return BOOLEAN.test(plain) ? plain.toLowerCase() === "true" : plain;
  }

  numberText(value: BlockValue): string {
    return this.#plain(value);
  }

  locate(value: BlockValue): Location {
    return this.#lines.locate(this.#tape.offset(value));
  }

  /** What stands on the rest of the line, without spaces at its end. */
  #plain(value: BlockValue): string {
    const text = this.#text;
    const start = this.#tape.offset(value);
    let end = text.indexOf("\n", start);
    if (end < 0) end = text.length;
    while (text.charCodeAt(end - 1) === 0x20) end--;
    return this.#strings.cut(start, end);
  }

  #keyName(key: BlockValue): string {
    const text = this.#text;
    const start = this.#tape.offset(key);
    const first = text[start] ?? "";
    if (first === '"' || first === "'") return this.#quoted(start, first);
    let end = start;
    while (true) {
      const code = text.charCodeAt(end);
      const next = text.charCodeAt(end + 1);
      if (code === 0x3a && (next === 0x20 || next === 0x0a || end + 1 >= text.length)) break;
      end++;
    }
    return this.#strings.cut(start, end);
  }

  #quoted(start: number, quote: string): string {
    const text = this.#text;
    let end = start + 1;
    let plain = true;
    for (;; end++) {
      if (text[end] === "\\" && quote === '"') {
        plain = false;
        end++;
      } else if (text[end] === quote) {
        if (quote === '"' || text[end + 1] !== quote) break;
        plain = false;
        end++;
      }
    }
    if (plain) return this.#strings.cut(start + 1, end);
    if (quote === "'") return text.slice(start + 1, end).replaceAll("''", "'");
    return String(JSON.parse(text.slice(start, end + 1)));
  }

  /** Cuts out a block scalar and leaves it to a real parser: hardly ever is one asked for. */
  #block(value: BlockValue): string {
    const text = this.#text;
    const start = this.#tape.offset(value);
    const first = text.indexOf("\n", start) + 1;
    const depth = /^(?: *\n)*( *)/.exec(text.slice(first, first + 10_000))?.[1]?.length ?? 0;
    let end = first;
    while (end < text.length) {
      let next = text.indexOf("\n", end) + 1;
      if (next === 0) next = text.length;
      const line = text.slice(end, next);
      if (line.trim() !== "" && !line.startsWith(" ".repeat(depth))) break;
      end = next;
    }
    return String(parse(text.slice(start, end)));
  }
}
