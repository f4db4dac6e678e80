import type { Location } from "../location.ts";
import { ManifestError } from "../manifest_error.ts";
import type { Feature } from "../not_yet.ts";
import { fieldOf, join, nearest, type Schema, suggestField, suggestFree } from "./schema.ts";
import { NoReading, type Source, type ValueType } from "./source.ts";

/**
 * Most that an error quotes of a manifest, in UTF-16 units: what was expected has to fit
 * on the line too. A title may have the longest names that there are.
 */
const MAX_QUOTED = { title: 360, path: 200, state: 120 };

/** The object being read: errors name it. */
export interface Subject {
  /** For example `CiliumNetworkPolicy "default/rule1"`; asked for when there is an error. */
  title: () => string;
  readonly schema: Schema;
  /** Takes what is wrong but no reason to refuse the object. Unknown fields, if lenient. */
  readonly warn: (warning: ManifestError) => void;
  /** Unknown fields are warnings. */
  readonly lenient: boolean;
  /** Values that objects share: most pods have the labels of another. */
  readonly shared: Map<string, unknown>;
  /** The features that the object uses, each at its first place. */
  readonly uses: Map<Feature, Cursor>;
}

/** A value of a manifest, read with its position and its path, so that each error has both. */
export class Cursor {
  readonly #source: Source<unknown>;
  readonly #subject: Subject;
  readonly #parent: Cursor | undefined;
  /** Name of the field, or position in the list. */
  readonly #step: string | number;
  /** The key that the value belongs to. */
  readonly #key: unknown;
  readonly #value: unknown;
  #entered: unknown;

  private constructor(
    source: Source<unknown>,
    subject: Subject,
    value: unknown,
    parent?: Cursor,
    step: string | number = "",
    key: unknown = undefined,
  ) {
    this.#source = source;
    this.#subject = subject;
    this.#value = value;
    this.#parent = parent;
    this.#step = step;
    this.#key = key;
  }

  /** Starts to read an object. */
  static at(source: Source<unknown>, value: unknown, subject: Subject): Cursor {
    return new Cursor(source, subject, value);
  }

  /** Starts to read another object where this one stands: an item of a List. */
  restart(subject: Subject): Cursor {
    return new Cursor(this.#source, subject, this.#value);
  }

  /** Path inside the object, empty for the object itself. */
  get path(): string {
    if (this.#parent === undefined) return "";
    if (typeof this.#step === "number") return `${this.#parent.path}[${this.#step}]`;
    return join(this.#parent.path, this.#step);
  }

  /** Where the value starts. */
  get location(): Location {
    return this.#source.locate(this.#value);
  }

  /** No value at all, or an explicit `null`: Kubernetes treats both as absent. */
  get isNull(): boolean {
    return this.#type() === "null";
  }

  /** Throws the error of this value: `Cannot read <subject>: <path> <state>, expected <expected>`. */
  fail(state: string, expected: string, suggestion?: string): never {
    throw this.#error(this.#value, state, expected, suggestion);
  }

  /** Reports what is wrong with this value, and goes on. */
  warn(state: string, expected: string, suggestion?: string): void {
    this.#subject.warn(this.#warning(this.#value, state, expected, suggestion));
  }

  /** Notes that this value asks for a feature. */
  uses(feature: Feature): void {
    const { uses } = this.#subject;
    if (!uses.has(feature)) uses.set(feature, this);
  }

  /** Returns the value that was made under this key before, or this one. */
  share<T>(key: string, value: T): T {
    const { shared } = this.#subject;
    const known = shared.get(key);
    if (known !== undefined) return known as T;
    shared.set(key, value);
    return value;
  }

  /** Says which object the following errors are about. */
  rename(title: string): void {
    this.#subject.title = () => title;
  }

  /** Reads an object whose every field is known; the absent ones are left out. */
  fields(schema: Schema): Map<string, Cursor> {
    return this.known(this.entries(), schema);
  }

  /** Checks that every one of the object's entries is known; leaves the absent ones out. */
  known(entries: Map<string, Cursor>, schema: Schema): Map<string, Cursor> {
    for (const [name, field] of entries) {
      const known = fieldOf(schema, name);
      if (known === undefined) {
        this.#unknown(field, name, schema, [...entries.keys()]);
        entries.delete(name);
      } else if (field.isNull) {
        entries.delete(name);
      } else {
        if (known.refused !== undefined) field.fail(known.refused.state, known.refused.expected);
        if (known.feature !== undefined) field.uses(known.feature);
      }
    }
    return entries;
  }

  /** Reads an object of any fields, each of them once. */
  entries(): Map<string, Cursor> {
    const result = new Map<string, Cursor>();
    for (const field of this.#fields()) {
      const name = String(field.#step);
      // Readers disagree about which of the two counts.
      if (result.has(name)) field.#failAtKey("is there twice", "each field once");
      result.set(name, field);
    }
    return result;
  }

  /** Looks at an object's fields without refusing any, to learn what it is. */
  peek(): Map<string, Cursor> {
    return new Map(this.#fields().map((field) => [String(field.#step), field]));
  }

  /** Reads a list. */
  items(): Cursor[] {
    if (this.#type() !== "list") this.fail(`is ${this.#describe()}`, "a list");
    const items = this.#attempt(() => this.#source.items(this.#enter()));
    return items.map((item, i) => new Cursor(this.#source, this.#subject, item, this, i));
  }

  /** Reads a string; numbers and booleans must be quoted, as the API server demands. */
  string(): string {
    const value = this.#type() === "string" ? this.#source.scalar(this.#enter()) : undefined;
    if (typeof value !== "string") this.fail(`is ${this.#describe()}`, "a string (quote it)");
    return value;
  }

  /** Reads a boolean. */
  boolean(): boolean {
    const value = this.#type() === "boolean" ? this.#source.scalar(this.#enter()) : undefined;
    if (typeof value !== "boolean") this.fail(`is ${this.#describe()}`, "true or false");
    return value;
  }

  /** Reads a whole number from the range, both ends included. */
  integer(min: number, max: number): number {
    const text = this.#type() === "number" ? this.#source.numberText(this.#enter()) : "";
    const value = /^-?(0|[1-9][0-9]*)$/.test(text) ? Number(text) : undefined;
    if (value !== undefined && value >= min && value <= max) return value;
    this.fail(`is ${text === "" ? this.#describe() : text}`, `a number from ${min} to ${max}`);
  }

  /** Reads a string or a number, as the text that was written. */
  stringOrNumber(): string {
    const type = this.#type();
    if (type === "number") return this.#source.numberText(this.#enter());
    if (type === "string") return this.string();
    this.fail(`is ${this.#describe()}`, "a number or a string");
  }

  /** The value is an object. */
  get isObject(): boolean {
    return this.#type() === "object";
  }

  /** The value is a string. */
  get isString(): boolean {
    return this.#type() === "string";
  }

  /** The value is a number, not a string that looks like one. */
  get isNumber(): boolean {
    return this.#type() === "number";
  }

  /** Reads one of the given words. */
  oneOf<T extends string>(words: readonly T[]): T {
    const text = this.string();
    const word = words.find((w) => w === text);
    if (word !== undefined) return word;
    this.fail(`is ${JSON.stringify(text)}`, `one of ${words.join(", ")}`, nearest(text, words));
  }

  #fields(): Cursor[] {
    if (this.#type() !== "object") this.fail(`is ${this.#describe()}`, "an object");
    return this.#attempt(() => this.#source.fields(this.#enter())).map(({ name, key, value }) =>
      new Cursor(this.#source, this.#subject, value, this, name, key)
    );
  }

  #failAtKey(state: string, expected: string): never {
    throw this.#error(this.#key, state, expected);
  }

  #type(): ValueType {
    return this.#source.typeOf(this.#enter());
  }

  #enter(): unknown {
    return this.#entered ??= this.#attempt(() => this.#source.enter(this.#value));
  }

  #attempt<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof NoReading)) throw error;
      this.fail(error.state, error.expected);
    }
  }

  #describe(): string {
    switch (this.#type()) {
      case "object":
        return "an object";
      case "list":
        return "a list";
      case "null":
        return "empty";
      case "number":
        return this.#source.numberText(this.#enter());
      default:
        return JSON.stringify(this.#source.scalar(this.#enter()));
    }
  }

  get #title(): string {
    return shortened(this.#subject.title(), MAX_QUOTED.title);
  }

  #error(at: unknown, state: string, expected: string, suggestion?: string): ManifestError {
    return this.#report(`Cannot read ${this.#title}: `, at, state, expected, suggestion);
  }

  #warning(at: unknown, state: string, expected: string, suggestion?: string): ManifestError {
    return this.#report(`Read ${this.#title} although `, at, state, expected, suggestion);
  }

  #report(
    start: string,
    at: unknown,
    state: string,
    expected: string,
    suggestion: string | undefined,
  ): ManifestError {
    const path = shortened(this.path, MAX_QUOTED.path);
    const short = shortened(state, MAX_QUOTED.state);
    const what = path === "" ? short : `${path} ${short}`;
    return new ManifestError(`${start}${what}, expected ${expected}`, {
      location: this.#source.locate(at),
      field: this.path,
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  }

  #unknown(field: Cursor, name: string, schema: Schema, present: readonly string[]): void {
    const siblings = Object.keys(schema);
    const guess = suggestField(this.#subject.schema, this.path, name, siblings, present) ??
      suggestFree(schema, this.path, name);
    const supported = siblings.filter((s) => fieldOf(schema, s)?.refused === undefined);
    const expected = `one of ${supported.join(", ")}`;
    // The key is the wrong part, not its value.
    const what = [field.#key, "is an unknown field", expected, guess] as const;
    if (!this.#subject.lenient) throw field.#error(...what);
    this.#subject.warn(field.#warning(...what));
  }
}

function shortened(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)}…`;
}
