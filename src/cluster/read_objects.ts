import {
  type Document,
  isAlias,
  isCollection,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
} from "yaml";
import { CILIUM_NETWORK_POLICY_SCHEMA, readCiliumNetworkPolicy } from "./cilium_network_policy.ts";
import { Cursor, type Source } from "./cursor.ts";
import { ManifestError } from "./manifest_error.ts";
import { present } from "./metadata.ts";
import { type ClusterObject, formatRef, type Location, type ObjectRef, refOf } from "./object.ts";
import { readNamespace, readPod } from "./pod.ts";
import { printable } from "./printable.ts";
import type { Schema } from "./schema.ts";

/** A manifest: YAML (any number of documents) or JSON. */
export interface ManifestText {
  /** What errors call it, usually a path. */
  readonly name: string;
  readonly text: string;
}

/** Options for {@linkcode readObjects}. */
export interface ReadObjectsOptions {
  /**
   * Namespace of objects that name none.
   *
   * @default "default"
   */
  defaultNamespace?: string;
}

/** An object that was read over because it has no part in policy. Its texts are printable. */
export interface SkippedObject extends ObjectRef {
  readonly location: Location;
}

/** What a set of manifests holds. Both the good and the bad are here: use what you can. */
export interface ReadResult {
  /** In the order of the input. */
  readonly objects: readonly ClusterObject[];
  readonly skipped: readonly SkippedObject[];
  /** One per object, or per document that is not YAML. */
  readonly errors: readonly ManifestError[];
}

/** Kinds that say what is allowed. To skip one would allow or deny silently. */
const POLICY_KINDS_NOT_YET = [
  "CiliumClusterwideNetworkPolicy",
  "NetworkPolicy",
  "ClusterNetworkPolicy",
  "AdminNetworkPolicy",
  "BaselineAdminNetworkPolicy",
];

const API_VERSIONS: ReadonlyMap<string, string> = new Map([
  ["Pod", "v1"],
  ["Namespace", "v1"],
  ["CiliumNetworkPolicy", "cilium.io/v2"],
]);

const MAX_ALIASES = 1000;
const MAX_DEPTH = 128;

/**
 * Reads manifests into cluster objects.
 *
 * An object that is wrong is refused whole and reported; the others are returned.
 * Kinds without a part in policy are listed as skipped.
 */
export function readObjects(
  inputs: readonly ManifestText[],
  options: ReadObjectsOptions = {},
): ReadResult {
  const reader = new ObjectReader(options.defaultNamespace ?? "default");
  for (const input of inputs) reader.read(input);
  return reader.result;
}

class ObjectReader {
  readonly #defaultNamespace: string;
  readonly #seen = new Map<string, Location>();
  readonly #objects: ClusterObject[] = [];
  readonly #skipped: SkippedObject[] = [];
  readonly #errors: ManifestError[] = [];

  constructor(defaultNamespace: string) {
    this.#defaultNamespace = defaultNamespace;
  }

  get result(): ReadResult {
    return { objects: this.#objects, skipped: this.#skipped, errors: this.#errors };
  }

  read({ name, text }: ManifestText): void {
    const lines = new LineCounter();
    this.#collect(() => {
      for (const { document, anchors } of parse(name, text, lines)) {
        const source = { file: name, anchors, lines, aliasesLeft: MAX_ALIASES };
        this.#collect(() => this.#document(document, source));
      }
    });
  }

  #document(document: Document, source: Source): void {
    const { file, lines } = source;
    const [error] = document.errors;
    if (error !== undefined) {
      const { line, col } = lines.linePos(error.pos[0]);
      throw new ManifestError(
        `Cannot parse ${JSON.stringify(file)}: ${error.message}, expected YAML`,
        {
          location: { file, line, column: col },
          cause: error,
        },
      );
    }
    const contents = document.contents as Node | null;
    if (contents === null) return;
    const cursor = cursorOf(source, contents, {});
    if (!cursor.isNull) this.#object(source, contents, cursor);
  }

  #object(source: Source, node: Node, cursor: Cursor): void {
    const fields = cursor.entries();
    const kindField = present(fields.get("kind")) ?? cursor.fail("has no kind", "kind");
    const kind = kindField.string();
    if (kind === "List" || (kind.endsWith("List") && fields.has("items"))) {
      return this.#list(source, fields.get("items"));
    }
    const apiVersion = (present(fields.get("apiVersion")) ??
      cursor.fail("has no apiVersion", "apiVersion")).string();
    const wanted = API_VERSIONS.get(kind);
    if (POLICY_KINDS_NOT_YET.includes(kind)) {
      cursor.rename(titleOf(kind, fields));
      kindField.fail(`${kind} is not supported yet`, "CiliumNetworkPolicy");
    }
    if (wanted === undefined) return void this.#skipped.push(skip(kind, fields, cursor));
    if (apiVersion !== wanted) {
      cursor.rename(titleOf(kind, fields));
      fields.get("apiVersion")?.fail(`is ${JSON.stringify(apiVersion)}`, wanted);
    }
    this.#add(this.#readKind(source, node, kind));
  }

  #list(source: Source, items: Cursor | undefined): void {
    const list = present(items);
    if (list === undefined) return;
    for (const item of list.items()) {
      this.#collect(() => {
        const node = item.unwrap() ?? item.fail("is empty", "an object");
        this.#object(source, node, cursorOf(source, node, {}));
      });
    }
  }

  #readKind(source: Source, node: Node, kind: string): ClusterObject {
    if (kind === "Pod") return readPod(cursorOf(source, node, {}, kind), this.#defaultNamespace);
    if (kind === "Namespace") return readNamespace(cursorOf(source, node, {}, kind));
    const cursor = cursorOf(source, node, CILIUM_NETWORK_POLICY_SCHEMA, kind);
    return readCiliumNetworkPolicy(cursor, this.#defaultNamespace);
  }

  #add(object: ClusterObject): void {
    const ref = formatRef(refOf(object));
    const first = this.#seen.get(ref);
    if (first !== undefined) {
      throw new ManifestError(
        `Cannot read ${JSON.stringify(ref)}: defined before at ${first.file}:${first.line}, ` +
          `expected one definition`,
        { location: object.location },
      );
    }
    this.#seen.set(ref, object.location);
    this.#objects.push(object);
  }

  #collect(read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error;
      this.#errors.push(error);
    }
  }
}

interface ParsedDocument {
  readonly document: Document;
  readonly anchors: Map<string, Node[]>;
}

function parse(name: string, text: string, lines: LineCounter): ParsedDocument[] {
  try {
    const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: true, merge: false };
    const documents = [...parseAllDocuments(text, options)] as Document[];
    return documents.map((document) => ({ document, anchors: anchorsOf(document) }));
  } catch (cause) {
    // The parser recurses: nesting of some thousand levels exhausts the stack.
    if (!(cause instanceof RangeError)) throw cause;
    throw new ManifestError(
      `Cannot parse ${
        JSON.stringify(name)
      }: nested too deeply, expected at most ${MAX_DEPTH} levels`,
      { location: { file: name, line: 1, column: 1 }, cause },
    );
  }
}

/**
 * Walks a document once: collects its anchors, and refuses what is nested so deeply
 * that readers which recurse would exhaust the stack.
 */
function anchorsOf(document: Document): Map<string, Node[]> {
  const anchors = new Map<string, Node[]>();
  visit(document, {
    Node(_key, node, path) {
      if (path.filter(isCollection).length > MAX_DEPTH) {
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

function cursorOf(source: Source, node: Node, schema: Schema, title = "object"): Cursor {
  return new Cursor(source, { title, schema }, node, null);
}

function skip(kind: string, fields: Map<string, Cursor>, object: Cursor): SkippedObject {
  const { namespace, name } = nameOf(fields);
  return {
    kind: printable(kind),
    namespace: printable(namespace),
    name: printable(name),
    location: object.location,
  };
}

function titleOf(kind: string, fields: Map<string, Cursor>): string {
  const { namespace, name } = nameOf(fields);
  return `${kind} ${JSON.stringify(namespace === "" ? name : `${namespace}/${name}`)}`;
}

function nameOf(fields: Map<string, Cursor>): { namespace: string; name: string } {
  const metadata = present(fields.get("metadata"))?.entries();
  return {
    namespace: present(metadata?.get("namespace"))?.string() ?? "",
    name: present(metadata?.get("name"))?.string() ?? "",
  };
}
