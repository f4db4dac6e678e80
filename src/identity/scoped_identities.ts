import type { IpPrefix } from "../cluster/ip_prefix.ts";
import { type Identity, SCOPE_SIZE } from "./identity.ts";
import { canonicalKey, type Labels } from "./label.ts";

interface Allocation {
  readonly identity: Identity;
  references: number;
}

/**
 * Identities that hold on this node only, given out at once: no other node has to agree.
 * Numbers are `scope | n` with n from 1 up, and come round again as late as possible.
 */
export class ScopedIdentities {
  readonly #scope: number;
  readonly #byKey = new Map<string, Allocation>();
  readonly #used = new Set<number>();
  readonly #added = new Map<number, Identity>();
  readonly #deleted = new Set<number>();
  #next = 1;

  /** @param scope First number of the scope, for example `CIDR_SCOPE`. */
  constructor(scope: number) {
    this.#scope = scope;
  }

  /**
   * Takes a reference on the identity of these labels and blocks, creating it if need be.
   *
   * @throws {RangeError} when every number of the scope is in use.
   */
  acquire(labels: Labels, prefixes: readonly IpPrefix[]): Identity {
    const key = keyOf({ labels, prefixes });
    const known = this.#byKey.get(key);
    if (known !== undefined) {
      known.references++;
      return known.identity;
    }
    const identity: Identity = {
      id: this.#takeNumber(),
      labels,
      ...(prefixes.length === 0 ? {} : { prefixes }),
    };
    this.#byKey.set(key, { identity, references: 1 });
    this.#deleted.delete(identity.id);
    this.#added.set(identity.id, identity);
    return identity;
  }

  /** Gives a reference back. */
  release(identity: Identity): void {
    const key = keyOf(identity);
    const known = this.#byKey.get(key);
    if (known === undefined || --known.references > 0) return;
    this.#byKey.delete(key);
    this.#used.delete(identity.id);
    if (!this.#added.delete(identity.id)) this.#deleted.add(identity.id);
  }

  /** Returns what has come and gone, and starts over. */
  takeNews(): { added: readonly Identity[]; deleted: readonly number[] } {
    const news = { added: [...this.#added.values()], deleted: [...this.#deleted] };
    this.#added.clear();
    this.#deleted.clear();
    return news;
  }

  #takeNumber(): number {
    const count = SCOPE_SIZE - 1;
    if (this.#used.size >= count) {
      throw new RangeError(
        `Cannot allocate an identity: all ${count} numbers in use, expected fewer label sets`,
      );
    }
    while (this.#used.has(this.#scope + this.#next)) this.#advance();
    const id = this.#scope + this.#next;
    this.#used.add(id);
    this.#advance();
    return id;
  }

  #advance(): void {
    this.#next = this.#next >= SCOPE_SIZE - 1 ? 1 : this.#next + 1;
  }
}

function keyOf({ labels, prefixes = [] }: Omit<Identity, "id">): string {
  return `${canonicalKey(labels)} ${prefixes.map(({ text }) => text).join(" ")}`;
}
