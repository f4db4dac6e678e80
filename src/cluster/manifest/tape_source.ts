import type { Location } from "../location.ts";
import { LineTable } from "./line_table.ts";
import type { Slot, Source, ValueType } from "./source.ts";
import { StringCache } from "./string_cache.ts";
import type { Tape } from "./tape.ts";

/** A value: its place on the tape. */
export type TapeValue = number;

/** A text that is read in place: only the values that are asked for are made. */
export abstract class TapeSource implements Source<TapeValue> {
  readonly file: string;
  protected readonly text: string;
  protected readonly tape: Tape;
  protected readonly strings: StringCache;
  readonly #lines: LineTable;

  constructor(file: string, text: string, tape: Tape) {
    this.file = file;
    this.text = text;
    this.tape = tape;
    this.strings = new StringCache(text);
    this.#lines = new LineTable(file, text);
  }

  abstract typeOf(value: TapeValue): ValueType;
  abstract scalar(value: TapeValue): string | boolean;
  abstract numberText(value: TapeValue): string;
  /** What the key of a field says. */
  protected abstract nameOf(key: TapeValue): string;

  /** The first values of the text's documents. */
  get roots(): readonly TapeValue[] {
    return [...this.tape.roots()];
  }

  enter(value: TapeValue): TapeValue {
    return value;
  }

  fields(value: TapeValue): Slot<TapeValue>[] {
    const tape = this.tape;
    const end = tape.next(value);
    const slots: Slot<TapeValue>[] = [];
    for (let key = value + 1; key < end; key = tape.next(key + 1)) {
      slots.push({ name: this.nameOf(key), key, value: key + 1 });
    }
    return slots;
  }

  items(value: TapeValue): TapeValue[] {
    const tape = this.tape;
    const end = tape.next(value);
    const items: TapeValue[] = [];
    for (let item = value + 1; item < end; item = tape.next(item)) items.push(item);
    return items;
  }

  locate(value: TapeValue): Location {
    return this.#lines.locate(this.tape.offset(value));
  }
}
