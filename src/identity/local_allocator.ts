import type { IdentityAllocator, IdentityEvent } from "./allocator.ts";
import { FIRST_CLUSTER_IDENTITY, type Identity, LAST_CLUSTER_IDENTITY } from "./identity.ts";
import { canonicalKey, type Labels } from "./label.ts";

/** Options for {@linkcode LocalAllocator}. */
export interface LocalAllocatorOptions {
  /**
   * Last number to give out.
   *
   * @default 65535
   */
  last?: number;
}

interface Allocation {
  readonly identity: Identity;
  references: number;
}

/**
 * Allocates identities within this process, from 256 up.
 *
 * Numbers are reused as late as possible: packets, connections and logs may still
 * speak of an identity that was just released.
 */
export class LocalAllocator implements IdentityAllocator {
  readonly #last: number;
  readonly #byKey = new Map<string, Allocation>();
  readonly #used = new Set<number>();
  readonly #listeners = new Set<(events: readonly IdentityEvent[]) => void>();
  #next = FIRST_CLUSTER_IDENTITY;

  constructor(options: LocalAllocatorOptions = {}) {
    this.#last = options.last ?? LAST_CLUSTER_IDENTITY;
  }

  allocate(labels: Labels, signal?: AbortSignal): Promise<Identity> {
    // A promise from the start: a shared store answers over the network.
    return Promise.try(() => {
      signal?.throwIfAborted();
      const key = canonicalKey(labels);
      const known = this.#byKey.get(key);
      if (known !== undefined) {
        known.references++;
        return known.identity;
      }
      const identity: Identity = { id: this.#takeNumber(), labels };
      this.#byKey.set(key, { identity, references: 1 });
      this.#tell({ type: "added", identity });
      return identity;
    });
  }

  release(identity: Identity, signal?: AbortSignal): Promise<void> {
    return Promise.try(() => {
      signal?.throwIfAborted();
      const key = canonicalKey(identity.labels);
      const known = this.#byKey.get(key);
      if (known === undefined || known.identity.id !== identity.id) {
        throw new TypeError(
          `Cannot release identity "${identity.id}": not allocated, expected a reference to it`,
        );
      }
      if (--known.references > 0) return;
      this.#byKey.delete(key);
      this.#used.delete(identity.id);
      this.#tell({ type: "deleted", identity });
    });
  }

  watch(listener: (events: readonly IdentityEvent[]) => void): () => void {
    this.#listeners.add(listener);
    const known = [...this.#byKey.values()].map(({ identity }) => ({
      type: "added" as const,
      identity,
    }));
    if (known.length > 0) listener(known);
    return () => this.#listeners.delete(listener);
  }

  #tell(event: IdentityEvent): void {
    for (const listener of [...this.#listeners]) listener([event]);
  }

  #takeNumber(): number {
    const size = this.#last - FIRST_CLUSTER_IDENTITY + 1;
    if (this.#used.size >= size) {
      throw new RangeError(
        `Cannot allocate an identity: all ${size} numbers in use, expected fewer label sets`,
      );
    }
    while (this.#used.has(this.#next)) this.#advance();
    const id = this.#next;
    this.#used.add(id);
    this.#advance();
    return id;
  }

  #advance(): void {
    this.#next = this.#next >= this.#last ? FIRST_CLUSTER_IDENTITY : this.#next + 1;
  }
}
