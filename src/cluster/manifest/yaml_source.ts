import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type ParsedNode,
  visit,
} from "yaml";
import type { Location } from "../location.ts";
import { ManifestError } from "../manifest_error.ts";
import { NoReading, type Slot, type Source, type ValueType } from "./source.ts";

const MAX_ALIASES = 1000;

/** A node; an absent one (`key:` without a value) borrows the place of another. */
export interface YamlValue {
  readonly node: Node | null;
  readonly near: Node | null;
}

/** One document of a YAML text. */
export interface YamlDocument {
  readonly source: YamlSource;
  readonly root: YamlValue;
}

/**
 * Parses a text into its documents. Empty documents are left out; one with an error
 * yields the error in its place.
 *
 * @throws {ManifestError} for nesting deeper than `maxDepth`.
 */
export function parseYaml(
  file: string,
  text: string,
  maxDepth: number,
): (YamlDocument | ManifestError)[] {
  const lines = new LineCounter();
  try {
    return parseDocuments(text, lines)
      .filter(({ contents, errors }) => contents !== null || errors.length > 0)
      .map((document) => openDocument(file, document, lines, maxDepth));
  } catch (cause) {
    // The parser recurses: nesting of some thousand levels exhausts the stack.
    if (!(cause instanceof RangeError)) throw cause;
    throw new ManifestError(
      `Cannot parse ${
        JSON.stringify(file)
      }: nested too deeply, expected at most ${maxDepth} levels`,
      { location: { file, line: 1, column: 1 }, cause },
    );
  }
}

function parseDocuments(text: string, lineCounter: LineCounter): Document[] {
  // Whoever reads an object looks for keys that are there twice, and can then name it.
  const options = { lineCounter, prettyErrors: false, uniqueKeys: false, merge: false };
  return [...parseAllDocuments(text, options)] as Document[];
}

function openDocument(
  file: string,
  document: Document,
  lines: LineCounter,
  maxDepth: number,
): YamlDocument | ManifestError {
  const anchors = anchorsOf(document, maxDepth);
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    return new ManifestError(
      `Cannot parse ${JSON.stringify(file)}: ${error.message}, expected YAML`,
      { location: { file, line, column: col }, cause: error },
    );
  }
  const root = document.contents as Node | null;
  const source = new YamlSource(file, lines, anchors);
  return { source, root: { node: root, near: root } };
}

/**
 * Walks a document once: collects its anchors, and refuses what is nested so deeply
 * that readers which recurse would exhaust the stack.
 */
function anchorsOf(document: Document, maxDepth: number): Map<string, Node[]> {
  const anchors = new Map<string, Node[]>();
  visit(document, {
    Node(_key, node, path) {
      if (path.filter(isCollection).length > maxDepth) {
        throw new RangeError("Cannot read manifest: nested too deeply");
      }
      if (isAlias(node) || node.anchor === undefined) return;
      const known = anchors.get(node.anchor);
      if (known === undefined) anchors.set(node.anchor, [node]);
      else known.push(node);
    },
  });
  return anchors;
}

/** A YAML document, read in place. */
export class YamlSource implements Source<YamlValue> {
  readonly file: string;
  readonly #lines: LineCounter;
  /** Nodes by anchor, in the order of the document. */
  readonly #anchors: ReadonlyMap<string, readonly Node[]>;
  /**
   * Aliases that may still be followed. Reading costs what the text costs, times the
   * aliases followed, so a bound on them bounds the "billion laughs" manifest.
   */
  #aliasesLeft = MAX_ALIASES;

  constructor(
    file: string,
    lines: LineCounter,
    anchors: ReadonlyMap<string, readonly Node[]>,
  ) {
    this.file = file;
    this.#lines = lines;
    this.#anchors = anchors;
  }

  enter(value: YamlValue): YamlValue {
    return isAlias(value.node) ? { node: this.#follow(value.node), near: value.near } : value;
  }

  typeOf({ node }: YamlValue): ValueType {
    if (isMap(node)) return "object";
    if (isSeq(node)) return "list";
    if (!isScalar(node) || node.value === null || node.value === undefined) return "null";
    const type = typeof node.value;
    return type === "boolean" || type === "number" ? type : "string";
  }

  fields({ node }: YamlValue): Slot<YamlValue>[] {
    if (!isMap(node)) return [];
    return (node.items as Pair<ParsedNode, ParsedNode | null>[]).map((pair) => {
      const name = this.#nameOf(pair.key);
      if (name === "<<") throw new NoReading("has a merge key (<<)", "the fields written out");
      return { name, key: valueOf(pair.key, node), value: valueOf(pair.value, pair.key) };
    });
  }

  items({ node }: YamlValue): YamlValue[] {
    if (!isSeq(node)) return [];
    return (node.items as (ParsedNode | null)[]).map((item) => valueOf(item, node));
  }

  scalar({ node }: YamlValue): string | boolean {
    const scalar = isScalar(node) ? node.value : undefined;
    return typeof scalar === "boolean" ? scalar : String(scalar);
  }

  numberText({ node }: YamlValue): string {
    return isScalar(node) ? node.source ?? String(node.value) : "";
  }

  locate(value: YamlValue): Location {
    const { line, col } = this.#lines.linePos(value.near?.range?.[0] ?? 0);
    return { file: this.file, line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  #nameOf(key: Node): string {
    const node = this.#follow(key);
    if (isScalar(node) && typeof node.value === "string") return node.value;
    // `80: x` is a valid YAML key; as JSON it would be the string "80".
    if (isScalar(node) && node.value !== null) return node.source ?? String(node.value);
    const what = isMap(node) ? "an object" : isSeq(node) ? "a list" : "nothing";
    throw new NoReading(`has ${what} as a key`, "a field name");
  }

  #follow(alias: Node | null): Node | null {
    if (!isAlias(alias)) return alias;
    const at = alias.range?.[0] ?? 0;
    // An anchor may be defined anew; the one that stands last before the alias counts.
    const target = this.#anchors.get(alias.source)
      ?.findLast((node) => (node.range?.[0] ?? 0) < at);
    if (target === undefined) {
      throw new NoReading(`refers to an unknown anchor *${alias.source}`, "an anchor");
    }
    if (this.#aliasesLeft-- <= 0) {
      throw new NoReading("follows too many aliases", "plain values");
    }
    return target;
  }
}

function valueOf(node: Node | null, near: Node): YamlValue {
  return { node, near: node ?? near };
}
