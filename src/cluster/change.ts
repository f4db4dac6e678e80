/**
 * Cluster state as a stream of ordered changes, the one form in which every source
 * (files now, the API server and etcd later) speaks.
 *
 * @module
 */
import { type ClusterObject, formatRef, type ObjectRef, refOf } from "./object.ts";

/**
 * One change:
 * - `upsert`: the object exists and is now this;
 * - `delete`: the object no longer exists;
 * - `replaceBegin` … `replaceEnd`: the upserts between the two are everything there
 *   is (a relist), and what is not among them no longer exists;
 * - `synced`: the source has told everything that it knew at its start.
 */
export type Change =
  | { readonly type: "upsert"; readonly object: ClusterObject }
  | { readonly type: "delete"; readonly ref: ObjectRef }
  | { readonly type: "replaceBegin" }
  | { readonly type: "replaceEnd" }
  | { readonly type: "synced" };

/** What a change does in the end, relists resolved. */
export type Effect =
  | { readonly type: "upsert"; readonly object: ClusterObject }
  | { readonly type: "delete"; readonly object: ClusterObject };

/** Yields the changes by which a source tells its full state. */
export function* replaceWith(objects: Iterable<ClusterObject>): Generator<Change> {
  yield { type: "replaceBegin" };
  for (const object of objects) yield { type: "upsert", object };
  yield { type: "replaceEnd" };
  yield { type: "synced" };
}

/** The objects of one source. Resolves relists, so that others see upserts and deletes only. */
export class ObjectStore {
  readonly #objects = new Map<string, ClusterObject>();
  #replacing: Set<string> | undefined;
  #synced = false;

  /** The source has told its state once. Before that, absence means nothing. */
  get synced(): boolean {
    return this.#synced;
  }

  /** The objects, in the order in which they were first seen. */
  get objects(): Iterable<ClusterObject> {
    return this.#objects.values();
  }

  /**
   * Applies a change and returns its effects in order: none, one, or the deletes at
   * the end of a relist. Deleting what is not there has no effect.
   *
   * @throws {TypeError} for a `replaceEnd` without `replaceBegin`.
   */
  apply(change: Change): Effect[] {
    switch (change.type) {
      case "upsert":
        return this.#upsert(change.object);
      case "delete":
        this.#replacing?.delete(formatRef(change.ref));
        return this.#delete(formatRef(change.ref));
      case "replaceBegin":
        // A relist that broke off is restarted: what it told so far does not count.
        this.#replacing = new Set();
        return [];
      case "replaceEnd":
        return this.#replaceEnd();
      case "synced":
        this.#synced = true;
        return [];
    }
  }

  #upsert(object: ClusterObject): Effect[] {
    const key = formatRef(refOf(object));
    this.#objects.set(key, object);
    this.#replacing?.add(key);
    return [{ type: "upsert", object }];
  }

  #delete(key: string): Effect[] {
    const object = this.#objects.get(key);
    if (object === undefined) return [];
    this.#objects.delete(key);
    return [{ type: "delete", object }];
  }

  #replaceEnd(): Effect[] {
    const kept = this.#replacing;
    if (kept === undefined) {
      throw new TypeError(
        "Cannot end a relist: none begun, expected replaceBegin before replaceEnd",
      );
    }
    this.#replacing = undefined;
    const gone = [...this.#objects.keys()].filter((key) => !kept.has(key));
    return gone.flatMap((key) => this.#delete(key));
  }
}
