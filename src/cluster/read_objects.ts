import { BlockYamlSource } from "./manifest/block_yaml_source.ts";
import { Cursor, type Subject } from "./manifest/cursor.ts";
import { JsonSource } from "./manifest/json_source.ts";
import { apiVersionsOf, groupOf, type Kind, KINDS } from "./manifest/kinds.ts";
import { present } from "./manifest/presence.ts";
import { type Workload, WORKLOAD_KINDS } from "./manifest/read_workload.ts";
import type { Source } from "./manifest/source.ts";
import { parseYaml } from "./manifest/yaml_source.ts";
import { ManifestError } from "./manifest_error.ts";
import { type Feature, MISSING, NOT_YET } from "./not_yet.ts";
import { type ClusterObject, formatRef, type Location, type ObjectRef, refOf } from "./object.ts";
import { printable } from "./printable.ts";
import { standIns } from "./stand_in.ts";

/** A manifest: YAML (any number of documents) or JSON (any number of values). */
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
  /**
   * Unknown fields are warnings, not errors.
   *
   * @default false
   */
  lenient?: boolean;
  /**
   * Features that are refused although they can be read.
   *
   * @default NOT_YET
   */
  notYet?: ReadonlySet<Feature>;
}

/** An object that was read over because it has no part in policy. Its texts are printable. */
export interface SkippedObject extends ObjectRef {
  readonly location: Location;
}

/** What a set of manifests holds. Both the good and the bad are here: use what you can. */
export interface ReadResult {
  /** In the order of the input; behind them, pods that stand for workloads without any. */
  readonly objects: readonly ClusterObject[];
  readonly skipped: readonly SkippedObject[];
  /** One per object, or per document that is not YAML. */
  readonly errors: readonly ManifestError[];
  /** What is odd but no reason to refuse an object. */
  readonly warnings: readonly ManifestError[];
}

const MAX_DEPTH = 128;

/**
 * Reads manifests into cluster objects.
 *
 * An object that is wrong is refused whole and reported; the others are returned.
 * Kinds without a part in policy are listed as skipped.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const text = "{apiVersion: v1, kind: Pod, metadata: {name: tiefighter}}";
 * const { objects, errors } = readObjects([{ name: "pod.yaml", text }]);
 * assertEquals(objects.map(({ kind, name }) => [kind, name]), [["Pod", "tiefighter"]]);
 * assertEquals(errors, []);
 * ```
 */
export function readObjects(
  inputs: readonly ManifestText[],
  options: ReadObjectsOptions = {},
): ReadResult {
  const reader = new ObjectReader(options);
  for (const input of inputs) reader.read(input);
  return reader.result;
}

/** What an item of a List leaves out: `PodList` items have neither kind nor version. */
interface Inherited {
  readonly kind?: string;
  readonly apiVersion?: string;
}

class ObjectReader {
  readonly #defaultNamespace: string;
  readonly #lenient: boolean;
  readonly #notYet: ReadonlySet<Feature>;
  readonly #seen = new Map<string, Location>();
  readonly #objects: ClusterObject[] = [];
  readonly #shared = new Map<string, unknown>();
  readonly #workloads: Workload[] = [];
  readonly #skipped: SkippedObject[] = [];
  readonly #errors: ManifestError[] = [];
  readonly #warnings: ManifestError[] = [];

  constructor(options: ReadObjectsOptions) {
    this.#defaultNamespace = options.defaultNamespace ?? "default";
    this.#lenient = options.lenient ?? false;
    this.#notYet = options.notYet ?? NOT_YET;
  }

  get result(): ReadResult {
    const pods = this.#objects.filter((object) => object.kind === "Pod");
    return {
      objects: [...this.#objects, ...standIns(this.#workloads, pods)],
      skipped: this.#skipped,
      errors: this.#errors,
      warnings: this.#warnings,
    };
  }

  read({ name, text }: ManifestText): void {
    // A real parser reads these two as well, at ten to a hundred times the cost.
    const simple = JsonSource.open(name, text, MAX_DEPTH) ??
      BlockYamlSource.open(name, text, MAX_DEPTH);
    if (simple !== undefined) {
      for (const root of simple.roots) this.#root(simple, root);
      return;
    }
    this.#collect(() => {
      for (const document of parseYaml(name, text, MAX_DEPTH)) {
        if (document instanceof ManifestError) this.#errors.push(document);
        else this.#root(document.source, document.root);
      }
    });
  }

  #root(source: Source<unknown>, value: unknown): void {
    this.#collect(() => {
      const cursor = Cursor.at(source, value, this.#subject());
      if (!cursor.isNull) this.#object(cursor, {});
    });
  }

  #object(cursor: Cursor, inherited: Inherited): void {
    const fields = cursor.peek();
    const kindField = present(fields.get("kind"));
    const kind = kindField?.string() ?? inherited.kind ?? cursor.fail("has no kind", "kind");
    const versionField = present(fields.get("apiVersion"));
    const apiVersion = versionField?.string() ?? inherited.apiVersion;
    if (kind === "List" || (kind.endsWith("List") && fields.has("items"))) {
      cursor.rename(printable(kind));
      return this.#list(fields, kind, apiVersion);
    }
    const known = KINDS.get(kind);
    const versions = known === undefined ? [] : apiVersionsOf(known);
    const expected = versions.join(" or ");
    const title = () => titleOf(kind, fields);
    if (apiVersion === undefined) {
      cursor.rename(title());
      cursor.fail("has no apiVersion", expected === "" ? "apiVersion" : `apiVersion ${expected}`);
    }
    const foreign = known !== undefined && groupOf(apiVersion) !== known.group;
    if (known === undefined || (foreign && known.isPolicy !== true)) {
      this.#skipped.push(skip(kind, fields, cursor));
      return;
    }
    if (!versions.includes(apiVersion)) {
      cursor.rename(title());
      (versionField ?? cursor).fail(`is ${JSON.stringify(apiVersion)}`, expected);
    }
    this.#known(title, known, cursor);
  }

  #known(title: () => string, known: Kind, cursor: Cursor): void {
    const subject = this.#subject(title, known);
    const object = cursor.restart(subject);
    const read = known.read(object, this.#defaultNamespace);
    for (const [feature, field] of subject.uses) {
      if (this.#notYet.has(feature)) {
        const why = MISSING[feature];
        const reason = why === undefined ? feature : `${feature}: ${why}`;
        field.fail(`is not supported yet (${reason})`, "a policy without it");
      }
    }
    if (known.feature !== undefined && this.#notYet.has(known.feature)) {
      object.fail("is not supported yet", "a policy of another kind");
    }
    for (const item of read) this.#add(item);
  }

  #list(fields: Map<string, Cursor>, kind: string, apiVersion: string | undefined): void {
    const inherited: Inherited = {
      ...kind === "List" ? {} : { kind: kind.slice(0, -"List".length) },
      ...kind === "List" || apiVersion === undefined ? {} : { apiVersion },
    };
    for (const item of present(fields.get("items"))?.items() ?? []) {
      this.#collect(() => {
        if (item.isNull) item.fail("is empty", "an object");
        this.#object(item.restart(this.#subject()), inherited);
      });
    }
  }

  #add(object: ClusterObject | Workload): void {
    const ref = isWorkload(object) ? object : refOf(object);
    const key = formatRef(ref);
    const first = this.#seen.get(key);
    if (first !== undefined) {
      throw new ManifestError(
        `Cannot read ${JSON.stringify(key)}: defined before at ${first.file}:${first.line}, ` +
          `expected one definition`,
        { location: object.location },
      );
    }
    this.#seen.set(key, object.location);
    if (isWorkload(object)) this.#workloads.push(object);
    else this.#objects.push(object);
  }

  #subject(
    title = () => "object",
    { schema }: { schema: Kind["schema"] } = { schema: {} },
  ): Subject {
    return {
      title,
      schema,
      lenient: this.#lenient,
      warn: (warning) => this.#warnings.push(warning),
      shared: this.#shared,
      uses: new Map(),
    };
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

function isWorkload(object: ClusterObject | Workload): object is Workload {
  return WORKLOAD_KINDS.some((kind) => kind === object.kind);
}

function skip(kind: string, fields: ReadonlyMap<string, Cursor>, object: Cursor): SkippedObject {
  const { namespace, name } = nameOf(fields);
  return {
    kind: printable(kind),
    namespace: printable(namespace),
    name: printable(name),
    location: object.location,
  };
}

function titleOf(kind: string, fields: ReadonlyMap<string, Cursor>): string {
  const { namespace, name } = nameOf(fields);
  if (name === "") return printable(kind);
  return `${kind} ${JSON.stringify(namespace === "" ? name : `${namespace}/${name}`)}`;
}

/** What the object calls itself, if it does so in a way that can be read. */
function nameOf(fields: ReadonlyMap<string, Cursor>): { namespace: string; name: string } {
  const metadata = fields.get("metadata");
  const parts = metadata?.isObject === true ? metadata.peek() : undefined;
  const text = (field: Cursor | undefined) => field?.isString === true ? field.string() : "";
  return { namespace: text(parts?.get("namespace")), name: text(parts?.get("name")) };
}
