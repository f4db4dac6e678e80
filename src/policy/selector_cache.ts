import type { Identity } from "../identity/identity.ts";
import { NAMESPACE_KEY, valueOf } from "../identity/label.ts";
import { type Selector, selects } from "./selector.ts";

/** Who wants to know what a selector selects. */
export interface SelectorUser {
  /** What the selector selects has changed; both lists are sorted, not both are empty. */
  selectionChanged(
    selector: CachedSelector,
    added: readonly number[],
    deleted: readonly number[],
  ): void;
}

/** A unique selector, shared by all that use it. */
export interface CachedSelector {
  readonly selector: Selector;
  /** Position in the versions of the cache. */
  readonly index: number;
}

/**
 * What every selector selects, at one point in time. Immutable: a reader keeps the
 * version it holds while writers publish newer ones.
 */
export class SelectorVersion {
  readonly #selections: readonly (readonly number[])[];
  /** Counts published versions. */
  readonly revision: number;

  constructor(revision: number, selections: readonly (readonly number[])[]) {
    this.revision = revision;
    this.#selections = selections;
  }

  /** Returns the identities that the selector selects, ascending. */
  selectionOf(selector: CachedSelector): readonly number[] {
    return this.#selections[selector.index] ?? [];
  }

  /** Tells whether the selector selects an identity. */
  has(selector: CachedSelector, identity: number): boolean {
    const selection = this.selectionOf(selector);
    return selection[lowerBound(selection, identity)] === identity;
  }
}

/** A change of the identities that exist. */
export interface IdentityUpdate {
  /** New, or known under other labels until now. */
  readonly added: readonly Identity[];
  readonly deleted: readonly number[];
}

interface Cached extends CachedSelector {
  /** How often each user asked for the selector. */
  readonly users: Map<SelectorUser, number>;
}

/** Selectors and identities that are not bound to a namespace are found under this name. */
const UNBOUND = "";

/**
 * Unique selectors and the identities that each of them selects.
 *
 * Both sides are indexed by namespace, so that a new identity meets only the selectors
 * that could select it. A write builds the next version and publishes it with one
 * store; then the users of the changed selectors are told.
 */
export class SelectorCache {
  readonly #byKey = new Map<string, Cached>();
  readonly #selectorsIn = new Map<string, Set<Cached>>();
  readonly #identities = new Map<number, Identity>();
  readonly #identitiesIn = new Map<string, Map<number, Identity>>();
  readonly #freeIndexes: number[] = [];
  readonly #selections: (readonly number[])[] = [];
  #current = new SelectorVersion(0, []);
  #changed = false;

  /**
   * The latest version. It is made when it is first asked for, so that a burst of
   * writes costs one copy.
   */
  get current(): SelectorVersion {
    if (this.#changed) {
      this.#changed = false;
      this.#current = new SelectorVersion(this.#current.revision + 1, this.#selections.slice());
    }
    return this.#current;
  }

  /** Number of unique selectors. */
  get size(): number {
    return this.#byKey.size;
  }

  /** Identities that are known, by number. */
  get identities(): ReadonlyMap<number, Identity> {
    return this.#identities;
  }

  /**
   * Adds selectors for a user. Each call must be matched by a
   * {@linkcode remove} of the same selectors. The user is not told what they select
   * now; the version that is current on return says so.
   */
  add(selectors: readonly Selector[], user: SelectorUser): CachedSelector[] {
    return selectors.map((selector) => {
      const entry = this.#byKey.get(selector.key) ?? this.#create(selector);
      entry.users.set(user, (entry.users.get(user) ?? 0) + 1);
      return entry;
    });
  }

  /** Gives selectors back; those without users are forgotten. */
  remove(selectors: readonly CachedSelector[], user: SelectorUser): void {
    for (const { selector } of selectors) {
      const entry = this.#byKey.get(selector.key);
      const uses = entry?.users.get(user);
      if (entry === undefined || uses === undefined) {
        throw new TypeError(
          `Cannot remove selector "${selector.key}": not in use by this user, expected an earlier add`,
        );
      }
      if (uses > 1) entry.users.set(user, uses - 1);
      else entry.users.delete(user);
      if (entry.users.size === 0) this.#forget(entry);
    }
  }

  /**
   * Brings the cache up to date with the identities that exist: one version, then one
   * notice per changed selector and user. Repeated news changes nothing.
   */
  update({ added, deleted }: IdentityUpdate): SelectorVersion {
    const changes = new Map<Cached, { added: number[]; deleted: number[] }>();
    for (const id of deleted) this.#leave(id, changes);
    for (const identity of added) this.#enter(identity, changes);
    const notices: (() => void)[] = [];
    for (const [entry, change] of changes) {
      const old = this.#selections[entry.index] ?? [];
      const next = merge(old, change);
      const news = difference(next, old);
      const gone = difference(old, next);
      if (news.length === 0 && gone.length === 0) continue;
      this.#selections[entry.index] = next;
      this.#changed = true;
      for (const user of entry.users.keys()) {
        notices.push(() => user.selectionChanged(entry, news, gone));
      }
    }
    for (const notice of notices) notice();
    return this.current;
  }

  #create(selector: Selector): Cached {
    const index = this.#freeIndexes.pop() ?? this.#selections.length;
    const entry: Cached = { selector, index, users: new Map() };
    this.#byKey.set(selector.key, entry);
    const selection: number[] = [];
    for (const namespace of selector.namespaces ?? [UNBOUND]) {
      bucket(this.#selectorsIn, namespace, () => new Set<Cached>()).add(entry);
      const candidates = selector.namespaces === undefined
        ? this.#identities
        : this.#identitiesIn.get(namespace);
      for (const [id, { labels }] of candidates ?? []) {
        if (selects(selector, labels)) selection.push(id);
      }
    }
    this.#selections[index] = selection.sort((a, b) => a - b);
    this.#changed = true;
    return entry;
  }

  #forget(entry: Cached): void {
    const { selector, index } = entry;
    this.#byKey.delete(selector.key);
    for (const namespace of selector.namespaces ?? [UNBOUND]) {
      this.#selectorsIn.get(namespace)?.delete(entry);
      if (this.#selectorsIn.get(namespace)?.size === 0) this.#selectorsIn.delete(namespace);
    }
    this.#selections[index] = [];
    this.#changed = true;
    this.#freeIndexes.push(index);
  }

  #enter(identity: Identity, changes: Map<Cached, { added: number[]; deleted: number[] }>): void {
    // Labels can change under the same number: forget what the old ones selected first.
    this.#leave(identity.id, changes);
    const namespace = namespaceOf(identity);
    this.#identities.set(identity.id, identity);
    bucket(this.#identitiesIn, namespace, () => new Map<number, Identity>())
      .set(identity.id, identity);
    for (const entry of this.#candidates(namespace)) {
      if (!selects(entry.selector, identity.labels)) continue;
      bucket(changes, entry, newChange).added.push(identity.id);
    }
  }

  #leave(id: number, changes: Map<Cached, { added: number[]; deleted: number[] }>): void {
    const identity = this.#identities.get(id);
    if (identity === undefined) return;
    const namespace = namespaceOf(identity);
    this.#identities.delete(id);
    this.#identitiesIn.get(namespace)?.delete(id);
    if (this.#identitiesIn.get(namespace)?.size === 0) this.#identitiesIn.delete(namespace);
    for (const entry of this.#candidates(namespace)) {
      if (!selects(entry.selector, identity.labels)) continue;
      const change = bucket(changes, entry, newChange);
      change.deleted.push(id);
      change.added = change.added.filter((other) => other !== id);
    }
  }

  *#candidates(namespace: string): Generator<Cached> {
    if (namespace !== UNBOUND) yield* this.#selectorsIn.get(namespace) ?? [];
    yield* this.#selectorsIn.get(UNBOUND) ?? [];
  }
}

function namespaceOf(identity: Identity): string {
  return valueOf(identity.labels, NAMESPACE_KEY) ?? UNBOUND;
}

function newChange(): { added: number[]; deleted: number[] } {
  return { added: [], deleted: [] };
}

function bucket<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, value = make());
  return value;
}

function merge(
  old: readonly number[],
  { added, deleted }: { added: readonly number[]; deleted: readonly number[] },
): readonly number[] {
  const gone = new Set(deleted);
  const kept = gone.size === 0 ? old : old.filter((id) => !gone.has(id));
  return [...new Set([...kept, ...added])].sort((a, b) => a - b);
}

/** The elements of one sorted list that are not in another. */
function difference(list: readonly number[], other: readonly number[]): number[] {
  return list.filter((id) => other[lowerBound(other, id)] !== id);
}

function lowerBound(list: readonly number[], value: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
