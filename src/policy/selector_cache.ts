import type { Identity } from "../identity/identity.ts";
import { PrefixTrie } from "../identity/prefix_trie.ts";
import { IdentityIndex } from "./identity_index.ts";
import { PersistentMap, PersistentMapEditor } from "./persistent_map.ts";
import { type Selector, selectsIdentity } from "./selector.ts";
import { SelectorIndex } from "./selector_index.ts";

/** Who wants to know what a selector selects. */
export interface SelectorUser {
  /** What the selector selects has changed; both lists are sorted, not both are empty. */
  selectionChanged(
    selector: CachedSelector,
    added: readonly number[],
    deleted: readonly number[],
  ): void;
}

/** Who has to know which selectors there are; neither call may change the cache. */
export interface SelectorWatcher {
  /** The selector has its first user. */
  used?(selector: Selector): void;
  /** The selector has lost its last user. */
  dropped?(selector: Selector): void;
}

/** A unique selector, shared by all that use it. */
export interface CachedSelector {
  readonly selector: Selector;
  /** Position in the versions of the cache. */
  readonly index: number;
}

type Selection = PersistentMap<true>;

const NOTHING: Selection = PersistentMap.empty();
const NOBODY: readonly number[] = [];

/**
 * What every selector selects, at one point in time. Immutable: a reader keeps the
 * version it holds while writers publish newer ones.
 */
export class SelectorVersion {
  /** Counts published versions. */
  readonly revision: number;
  /** By the selector's index; none for one that selects nothing. */
  readonly selections: PersistentMap<Selection>;

  constructor(revision: number, selections: PersistentMap<Selection>) {
    this.revision = revision;
    this.selections = selections;
  }

  /** Iterates over the identities that the selector selects, ascending. */
  idsOf(selector: CachedSelector): Iterable<number> {
    return (this.selections.get(selector.index) ?? NOTHING).keys();
  }

  /** Returns the identities that the selector selects, ascending. */
  selectionOf(selector: CachedSelector): readonly number[] {
    return [...this.idsOf(selector)];
  }

  /** Tells whether the selector selects an identity. */
  has(selector: CachedSelector, identity: number): boolean {
    return this.selections.get(selector.index)?.has(identity) ?? false;
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

interface Pending {
  joined: Set<number> | undefined;
  left: Set<number> | undefined;
}

/**
 * Unique selectors and the identities that each of them selects.
 *
 * Both sides are indexed (by namespace and label, address block, DNS name and port name),
 * so that a new identity meets only the selectors that could select it. A write builds
 * the next version, of which all but what changed is shared with the last, and publishes
 * it with one store; then the users of the changed selectors are told.
 */
export class SelectorCache {
  readonly #byKey = new Map<string, Cached>();
  readonly #byLabels = new SelectorIndex<Cached>();
  readonly #byCidr = new PrefixTrie<Set<Cached>>();
  readonly #identities = new IdentityIndex();
  readonly #portNames = new Map<number, ReadonlySet<string>>();
  readonly #freeIndexes: number[] = [];
  #nextIndex = 0;
  #current = new SelectorVersion(0, PersistentMap.empty());
  readonly #watcher: SelectorWatcher;
  /** Selectors that select nothing have none. */
  readonly #selections = new PersistentMapEditor<Selection>();

  /** @param watcher Told of every selector that comes into use or goes out of it. */
  constructor(watcher: SelectorWatcher = {}) {
    this.#watcher = watcher;
  }

  /** The latest version. */
  get current(): SelectorVersion {
    const selections = this.#selections.publish();
    if (selections !== this.#current.selections) {
      this.#current = new SelectorVersion(this.#current.revision + 1, selections);
    }
    return this.#current;
  }

  /** Number of unique selectors. */
  get size(): number {
    return this.#byKey.size;
  }

  /** The unique selectors. */
  get selectors(): Iterable<CachedSelector> {
    return this.#byKey.values();
  }

  /** Identities that are known, by number. */
  get identities(): ReadonlyMap<number, Identity> {
    return this.#identities.identities;
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
    const changes = new Map<Cached, Pending>();
    for (const id of deleted) this.#leave(id, changes);
    for (const identity of added) {
      // Labels can change under the same number: forget what the old ones selected first.
      this.#leave(identity.id, changes);
      this.#identities.add(identity);
      this.#enter(identity, changes);
    }
    return this.#publish(changes);
  }

  /** Notes the names of ports that pods of an identity have. */
  updatePortNames(id: number, names: ReadonlySet<string>): SelectorVersion {
    const changes = new Map<Cached, Pending>();
    const before = this.#portNames.get(id) ?? new Set();
    if (names.size === 0) this.#portNames.delete(id);
    else this.#portNames.set(id, names);
    for (const name of new Set([...before, ...names])) {
      const entry = this.#byKey.get(`port ${name}`);
      if (entry === undefined || !this.#identities.identities.has(id)) continue;
      note(changes, entry, id, names.has(name) ? "joined" : "left");
    }
    return this.#publish(changes);
  }

  #publish(changes: ReadonlyMap<Cached, Pending>): SelectorVersion {
    const notices: { entry: Cached; news: readonly number[]; gone: readonly number[] }[] = [];
    for (const [entry, { joined, left }] of changes) {
      const old = this.#selections.get(entry.index) ?? NOTHING;
      const news = sorted(joined, (id) => !old.has(id));
      const gone = sorted(left, (id) => old.has(id));
      if (news.length === 0 && gone.length === 0) continue;
      this.#select(entry.index, changed(old, news, gone));
      notices.push({ entry, news, gone });
    }
    for (const { entry, news, gone } of notices) {
      for (const user of entry.users.keys()) user.selectionChanged(entry, news, gone);
    }
    return this.current;
  }

  #select(index: number, selection: Selection): void {
    if (selection.size > 0) this.#selections.set(index, selection);
    else this.#selections.delete(index);
  }

  #create(selector: Selector): Cached {
    const entry: Cached = {
      selector,
      index: this.#freeIndexes.pop() ?? this.#nextIndex++,
      users: new Map(),
    };
    this.#byKey.set(selector.key, entry);
    if (selector.kind === "labels") this.#byLabels.add(selector, entry);
    if (selector.kind === "cidr") {
      const inBlock = this.#byCidr.get(selector.cidr) ?? new Set();
      this.#byCidr.set(selector.cidr, inBlock.add(entry));
    }
    const ids = new Set<number>();
    for (const identity of this.#identities.candidates(selector)) {
      if (this.#selects(selector, identity)) ids.add(identity.id);
    }
    this.#select(entry.index, selectionOf([...ids].sort(ascending)));
    this.#watcher.used?.(selector);
    return entry;
  }

  #forget(entry: Cached): void {
    const { selector, index } = entry;
    this.#byKey.delete(selector.key);
    if (selector.kind === "labels") this.#byLabels.remove(selector, entry);
    if (selector.kind === "cidr") {
      const inBlock = this.#byCidr.get(selector.cidr);
      inBlock?.delete(entry);
      if (inBlock?.size === 0) this.#byCidr.delete(selector.cidr);
    }
    this.#selections.delete(index);
    this.#freeIndexes.push(index);
    this.#watcher.dropped?.(selector);
  }

  #enter(identity: Identity, changes: Map<Cached, Pending>): void {
    for (const entry of this.#candidates(identity)) {
      if (this.#selects(entry.selector, identity)) note(changes, entry, identity.id, "joined");
    }
  }

  #leave(id: number, changes: Map<Cached, Pending>): void {
    const identity = this.#identities.remove(id);
    if (identity === undefined) return;
    for (const entry of this.#candidates(identity)) {
      if (this.#selects(entry.selector, identity)) note(changes, entry, id, "left");
    }
  }

  #selects(selector: Selector, identity: Identity): boolean {
    return selectsIdentity(selector, identity, this.#portNames.get(identity.id));
  }

  #candidates({ id, labels, prefixes = [] }: Identity): Iterable<Cached> {
    const found = this.#byLabels.candidates(labels);
    for (const prefix of prefixes) {
      for (const [, inBlock] of this.#byCidr.covering(prefix)) {
        for (const entry of inBlock) found.add(entry);
      }
    }
    for (const { source, key } of labels) {
      const entry = source === "fqdn" ? this.#byKey.get(`fqdn ${key}`) : undefined;
      if (entry !== undefined) found.add(entry);
    }
    for (const name of this.#portNames.get(id) ?? []) {
      const entry = this.#byKey.get(`port ${name}`);
      if (entry !== undefined) found.add(entry);
    }
    return found;
  }
}

function note(
  changes: Map<Cached, Pending>,
  entry: Cached,
  id: number,
  what: "joined" | "left",
): void {
  let pending = changes.get(entry);
  if (pending === undefined) changes.set(entry, pending = { joined: undefined, left: undefined });
  (pending[what] ??= new Set()).add(id);
  // What left and came back (or the other way round) within one update has not moved.
  pending[what === "joined" ? "left" : "joined"]?.delete(id);
}

function ascending(a: number, b: number): number {
  return a - b;
}

function sorted(
  ids: ReadonlySet<number> | undefined,
  wanted: (id: number) => boolean,
): readonly number[] {
  return ids === undefined ? NOBODY : [...ids].filter(wanted).sort(ascending);
}

function selectionOf(ids: readonly number[]): Selection {
  return PersistentMap.fromSorted(ids.map((id) => [id, true as const]));
}

function changed(old: Selection, news: readonly number[], gone: readonly number[]): Selection {
  if (old.size === 0) return selectionOf(news);
  const editor = new PersistentMapEditor(old);
  for (const id of gone) editor.delete(id);
  for (const id of news) editor.set(id, true);
  return editor.publish();
}
