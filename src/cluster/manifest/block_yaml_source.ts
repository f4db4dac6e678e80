import { parse } from "yaml";
import { FORM, readBlockYamlTape } from "./block_yaml_tape.ts";
import { NoReading, type ValueType } from "./source.ts";
import { TapeSource, type TapeValue } from "./tape_source.ts";

/** Plain scalars that are no strings, by YAML 1.2's core schema. */
const NULL = /^(?:~|[Nn]ull|NULL)$/;
const BOOLEAN = /^(?:[Tt]rue|TRUE|[Ff]alse|FALSE)$/;
const NUMBER =
  /^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

/** What the first character says: most plain scalars cannot be anything but strings. */
const MAY_BE_OTHER = /[-+.0-9~NnTtFf]/;

/** Simple YAML. */
export class BlockYamlSource extends TapeSource {
  /** Opens a text in simple YAML, with its documents. Returns `undefined` for any other text. */
  static open(file: string, text: string, maxDepth: number): BlockYamlSource | undefined {
    const tape = readBlockYamlTape(text, maxDepth);
    return tape === undefined ? undefined : new BlockYamlSource(file, text, tape);
  }

  typeOf(value: TapeValue): ValueType {
    const form = this.tape.form(value);
    if (form === FORM.OBJECT) return "object";
    if (form === FORM.LIST) return "list";
    if (form === FORM.NOTHING) return "null";
    const first = this.text[this.tape.offset(value)] ?? "";
    if (first === "{") return "object";
    if (first === "[") return "list";
    if (!MAY_BE_OTHER.test(first)) return "string";
    const plain = this.#plain(value);
    if (NULL.test(plain)) return "null";
    if (BOOLEAN.test(plain)) return "boolean";
    return NUMBER.test(plain) ? "number" : "string";
  }

  scalar(value: TapeValue): string | boolean {
    const start = this.tape.offset(value);
    const first = this.text[start] ?? "";
    if (first === '"' || first === "'") return this.#quoted(start, first);
    if (first === "|" || first === ">") return this.#block(value);
    const plain = this.#plain(value);
    return BOOLEAN.test(plain) ? plain.toLowerCase() === "true" : plain;
  }

  numberText(value: TapeValue): string {
    return this.#plain(value);
  }

  /** @throws {NoReading} If it is a merge key. */
  protected nameOf(key: TapeValue): string {
    const name = this.#keyName(key);
    if (name === "<<") throw new NoReading("has a merge key (<<)", "the fields written out");
    return name;
  }

  /** What stands on the rest of the line, without spaces at its end. */
  #plain(value: TapeValue): string {
    const text = this.text;
    const start = this.tape.offset(value);
    let end = text.indexOf("\n", start);
    if (end < 0) end = text.length;
    while (text.charCodeAt(end - 1) === 0x20) end--;
    return this.strings.cut(start, end);
  }

  #keyName(key: TapeValue): string {
    const text = this.text;
    const start = this.tape.offset(key);
    const first = text[start] ?? "";
    if (first === '"' || first === "'") return this.#quoted(start, first);
    let end = start;
    while (true) {
      const code = text.charCodeAt(end);
      const next = text.charCodeAt(end + 1);
      if (code === 0x3a && (next === 0x20 || next === 0x0a || end + 1 >= text.length)) break;
      end++;
    }
    return this.strings.cut(start, end);
  }

  #quoted(start: number, quote: string): string {
    const text = this.text;
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
    if (plain) return this.strings.cut(start + 1, end);
    if (quote === "'") return text.slice(start + 1, end).replaceAll("''", "'");
    return String(JSON.parse(text.slice(start, end + 1)));
  }

  /** Cuts out a block scalar and leaves it to a real parser: hardly ever is one asked for. */
  #block(value: TapeValue): string {
    const text = this.text;
    const start = this.tape.offset(value);
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
