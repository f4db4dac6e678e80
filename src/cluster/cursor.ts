import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  type Pair,
  type ParsedNode,
} from "yaml";
import { ManifestError } from "./manifest_error.ts";
import type { Location } from "./object.ts";
import { fieldOf, join, nearest, type Schema, suggestField } from "./schema.ts";

/** One YAML document and what is needed to name a place in it. */
export interface Source {
  readonly file: string;
  /** Nodes by anchor, in the order of the document. */
  readonly anchors: ReadonlyMap<string, readonly Node[]>;
  readonly lines: LineCounter;
  /**
   * Aliases that may still be followed. Reading costs what the text costs, times the
   * aliases followed, so a bound on them bounds the "billion laughs" manifest.
   */
  aliasesLeft: number;
}

/** The object being read: errors name it. */
export interface Subject {
  /** For example `CiliumNetworkPolicy "default/rule1"`. */
  title: string;
  readonly schema: Schema;
}

/** A node of a manifest, read with its position and its path, so that each error has both. */
export class Cursor {
  readonly #source: Source;
  readonly #subject: Subject;
  readonly #node: Node | null;
  /** The nearest node with a position; an absent value borrows the one of its key. */
  readonly #near: Node | null;
  /** The key that the node is the value of. */
  readonly #key: Node | null;
  /** Path inside the object, empty for the object itself. */
  readonly path: string;

  constructor(source: Source, subject: Subject, node: Node | null, key: Node | null, path = "") {
    this.#source = source;
    this.#subject = subject;
    this.path = path;
    this.#key = key;
    this.#near = node ?? key;
    this.#node = isAlias(node) ? this.#follow(node) : node;
  }

  /** Where the node starts. */
  get location(): Location {
    const { line, col } = this.#source.lines.linePos(this.#near?.range?.[0] ?? 0);
    return { file: this.#source.file, line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  /** No value at all, or an explicit `null`: Kubernetes treats both as absent. */
  get isNull(): boolean {
    return this.#node === null || (isScalar(this.#node) && this.#node.value === null);
  }

  /** Throws the error of this node: `Cannot read <subject>: <path> <state>, expected <expected>`. */
  fail(state: string, expected: string, suggestion?: string): never {
    const what = this.path === "" ? state : `${this.path} ${state}`;
    throw new ManifestError(`Cannot read ${this.#subject.title}: ${what}, expected ${expected}`, {
      location: this.location,
      field: this.path,
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  }

  /** Returns the node itself, aliases followed. */
  unwrap(): Node | null {
    return this.#node;
  }

  /** Says which object the following errors are about. */
  rename(title: string): void {
    this.#subject.title = title;
  }

  /** Reads an object whose every field is known and supported; the absent ones are left out. */
  fields(schema: Schema): Map<string, Cursor> {
    const all = this.entries();
    for (const [name, field] of all) {
      const known = fieldOf(schema, name);
      if (known === undefined) this.#failUnknown(field, name, schema, [...all.keys()]);
      if (known.unsupported !== undefined && !field.isNull) {
        field.fail(`is not supported yet (${known.unsupported})`, "a policy without it");
      }
      if (field.isNull) all.delete(name);
    }
    return all;
  }

  /** Reads an object of any fields. */
  entries(): Map<string, Cursor> {
    const node = this.#node;
    if (!isMap(node)) this.fail(`is ${this.#describe()}`, "an object");
    const result = new Map<string, Cursor>();
    for (const pair of node.items as Pair<ParsedNode, ParsedNode | null>[]) {
      const key = new Cursor(this.#source, this.#subject, pair.key, node, this.path);
      const name = key.#name();
      if (name === "<<") key.fail("has a merge key (<<)", "the fields written out");
      const path = join(this.path, name);
      result.set(name, new Cursor(this.#source, this.#subject, pair.value, pair.key, path));
    }
    return result;
  }

  /** Reads a list. */
  items(): Cursor[] {
    const node = this.#node;
    if (!isSeq(node)) this.fail(`is ${this.#describe()}`, "a list");
    return (node.items as (ParsedNode | null)[]).map((item, i) =>
      new Cursor(this.#source, this.#subject, item, node, `${this.path}[${i}]`)
    );
  }

  /** Reads a string; numbers and booleans must be quoted, as the API server demands. */
  string(): string {
    const value = isScalar(this.#node) ? this.#node.value : undefined;
    if (typeof value !== "string") this.fail(`is ${this.#describe()}`, "a string (quote it)");
    return value;
  }

  /** Reads a boolean. */
  boolean(): boolean {
    const value = isScalar(this.#node) ? this.#node.value : undefined;
    if (typeof value !== "boolean") this.fail(`is ${this.#describe()}`, "true or false");
    return value;
  }

  /** Reads a string or a number, as the text that was written. */
  stringOrNumber(): string {
    const node = this.#node;
    if (isScalar(node) && typeof node.value === "string") return node.value;
    if (isScalar(node) && typeof node.value === "number") return node.source ?? String(node.value);
    this.fail(`is ${this.#describe()}`, "a number or a string");
  }

  /** Reads one of the given words. */
  oneOf<T extends string>(words: readonly T[]): T {
    const text = this.string();
    const word = words.find((w) => w === text);
    if (word !== undefined) return word;
    this.fail(`is ${JSON.stringify(text)}`, `one of ${words.join(", ")}`, nearest(text, words));
  }

  #name(): string {
    const node = this.#node;
    if (isScalar(node) && typeof node.value === "string") return node.value;
    // `80: x` is a valid YAML key; as JSON it would be the string "80".
    if (isScalar(node) && node.value !== null) return node.source ?? String(node.value);
    this.fail(`has ${this.#describe()} as a key`, "a field name");
  }

  #describe(): string {
    if (isMap(this.#node)) return "an object";
    if (isSeq(this.#node)) return "a list";
    if (!isScalar(this.#node) || this.#node.value === null) return "empty";
    return JSON.stringify(this.#node.value) ?? typeof this.#node.value;
  }

  #failUnknown(field: Cursor, name: string, schema: Schema, present: readonly string[]): never {
    const siblings = Object.keys(schema);
    const guess = suggestField(this.#subject.schema, this.path, name, siblings, present);
    const supported = siblings.filter((s) => fieldOf(schema, s)?.unsupported === undefined);
    // The key is the wrong part, not its value.
    const at: Cursor = new Cursor(this.#source, this.#subject, null, field.#key, field.path);
    at.fail("is an unknown field", `one of ${supported.join(", ")}`, guess);
  }

  #follow(alias: Node): Node | null {
    if (!isAlias(alias)) return alias;
    const at = alias.range?.[0] ?? 0;
    // An anchor may be defined anew; the one that stands last before the alias counts.
    const target = this.#source.anchors.get(alias.source)
      ?.findLast((node) => (node.range?.[0] ?? 0) < at);
    if (target === undefined) {
      this.fail(`refers to an unknown anchor *${alias.source}`, "an anchor");
    }
    if (this.#source.aliasesLeft-- <= 0) this.fail("follows too many aliases", "plain values");
    return target;
  }
}
