import { readJsonTape } from "./json_tape.ts";
import type { ValueType } from "./source.ts";
import { TapeSource, type TapeValue } from "./tape_source.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/** JSON (RFC 8259). */
export class JsonSource extends TapeSource {
  /**
   * Opens a text that is one JSON object or more, one after the other. Returns `undefined`
   * for any other text.
   *
   * @param maxDepth Nesting that is still JSON.
   */
  static open(file: string, text: string, maxDepth: number): JsonSource | undefined {
    const tape = readJsonTape(text, maxDepth);
    return tape === undefined ? undefined : new JsonSource(file, text, tape);
  }

  typeOf(value: TapeValue): ValueType {
    switch (this.text.charCodeAt(this.tape.offset(value))) {
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

  scalar(value: TapeValue): string | boolean {
    const code = this.text.charCodeAt(this.tape.offset(value));
    return code === QUOTE ? this.#string(value) : code === 0x74;
  }

  numberText(value: TapeValue): string {
    NUMBER.lastIndex = this.tape.offset(value);
    return NUMBER.exec(this.text)?.[0] ?? "";
  }

  protected nameOf(key: TapeValue): string {
    return this.#string(key);
  }

  #string(value: TapeValue): string {
    const text = this.text;
    const start = this.tape.offset(value) + 1;
    let end = start;
    let escaped = false;
    for (let code = text.charCodeAt(end); code !== QUOTE; code = text.charCodeAt(++end)) {
      if (code !== BACKSLASH) continue;
      escaped = true;
      end++;
    }
    if (escaped) return String(JSON.parse(text.slice(start - 1, end + 1)));
    return this.strings.cut(start, end);
  }
}
