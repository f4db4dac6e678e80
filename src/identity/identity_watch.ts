import type { IdentityAllocator, IdentityEvent } from "./allocator.ts";
import { type Identity, sameIdentity } from "./identity.ts";

/** What changed, duplicates and contradictions removed. */
export interface IdentityNews {
  readonly added: readonly Identity[];
  readonly deleted: readonly number[];
}

/**
 * The identities that an allocator's watch has told of.
 *
 * The watch may come late and repeat itself; this table passes on what is really new,
 * and lets a caller wait for an identity that it has allocated.
 */
export class IdentityWatch implements Disposable {
  readonly #known = new Map<number, Identity>();
  readonly #waiters = new Map<number, Set<() => void>>();
  readonly #onNews: (news: IdentityNews) => void;
  readonly #end: () => void;

  /** @param onNews Called synchronously, before waiters resume. */
  constructor(allocator: IdentityAllocator, onNews: (news: IdentityNews) => void) {
    this.#onNews = onNews;
    this.#end = allocator.watch((events) => this.#receive(events));
  }

  /** The identities that exist, by number. */
  get known(): ReadonlyMap<number, Identity> {
    return this.#known;
  }

  /**
   * Waits until the watch has told of an identity.
   *
   * @throws the signal's reason, when it is aborted before.
   */
  async seen({ id }: Identity, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#known.has(id)) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => reject(signal?.reason);
    const waiters = this.#waiters.get(id) ?? new Set();
    this.#waiters.set(id, waiters.add(resolve));
    signal?.addEventListener("abort", abort, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener("abort", abort);
      waiters.delete(resolve);
    }
  }

  [Symbol.dispose](): void {
    this.#end();
  }

  #receive(events: readonly IdentityEvent[]): void {
    const added = new Map<number, Identity>();
    const deleted = new Set<number>();
    for (const { type, identity } of events) {
      if (type === "added") this.#add(identity, added);
      else this.#delete(identity, added, deleted);
    }
    if (added.size === 0 && deleted.size === 0) return;
    this.#onNews({ added: [...added.values()], deleted: [...deleted] });
    for (const id of added.keys()) {
      for (const resume of this.#waiters.get(id) ?? []) resume();
      this.#waiters.delete(id);
    }
  }

  #add(identity: Identity, added: Map<number, Identity>): void {
    const known = this.#known.get(identity.id);
    if (known !== undefined && sameIdentity(known, identity)) return;
    this.#known.set(identity.id, identity);
    added.set(identity.id, identity);
  }

  #delete(identity: Identity, added: Map<number, Identity>, deleted: Set<number>): void {
    const known = this.#known.get(identity.id);
    // A late deletion of the number's former labels says nothing about its present ones.
    if (known === undefined || !sameIdentity(known, identity)) return;
    this.#known.delete(identity.id);
    added.delete(identity.id);
    deleted.add(identity.id);
  }
}
