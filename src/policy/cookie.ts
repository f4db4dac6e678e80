import type { RuleOrigin } from "../cluster/rule.ts";
import { NO_COOKIE } from "./map_state.ts";

/** Revisions for which a cookie that no entry has any more can still be resolved. */
export const COOKIE_REVISIONS = 8;

interface CookieSet {
  readonly origins: readonly RuleOrigin[];
  lastUsed: number;
}

/**
 * Names sets of rules by numbers, for the policy entries and events that carry them.
 *
 * An event may be read some time after the entry behind it has changed: cookies stay
 * resolvable for {@linkcode COOKIE_REVISIONS} revisions, and numbers are not reused.
 */
export class CookieTable {
  readonly #byKey = new Map<string, number>();
  readonly #sets = new Map<number, CookieSet>();
  #next = NO_COOKIE + 1;
  #revision = 0;

  /** Sets that can be resolved. */
  get size(): number {
    return this.#sets.size;
  }

  /** Returns the number of a set of rules; the same for the same set, in any order. */
  intern(origins: Iterable<RuleOrigin>): number {
    const byText = new Map<string, RuleOrigin>();
    for (const origin of origins) byText.set(formatOrigin(origin), origin);
    if (byText.size === 0) return NO_COOKIE;
    const texts = [...byText.keys()].sort();
    const key = texts.join("\n");
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const cookie = this.#next;
    if (cookie > 0xffffffff) {
      throw new RangeError(
        "Cannot name a set of rules: all 2^32 cookies given out, expected fewer",
      );
    }
    this.#next++;
    this.#byKey.set(key, cookie);
    const sorted = texts.flatMap((text) => byText.get(text) ?? []);
    this.#sets.set(cookie, { origins: sorted, lastUsed: this.#revision });
    return cookie;
  }

  /**
   * Returns the rules that a cookie names: none for {@linkcode NO_COOKIE}, `undefined`
   * for a cookie that is unknown or too old.
   */
  resolve(cookie: number): readonly RuleOrigin[] | undefined {
    return cookie === NO_COOKIE ? [] : this.#sets.get(cookie)?.origins;
  }

  /** Starts the next revision and forgets what has been out of use for too long. */
  advance(inUse: Iterable<number>): void {
    this.#revision++;
    for (const cookie of inUse) {
      const set = this.#sets.get(cookie);
      if (set !== undefined) set.lastUsed = this.#revision;
    }
    for (const [cookie, { origins, lastUsed }] of this.#sets) {
      if (this.#revision - lastUsed <= COOKIE_REVISIONS) continue;
      this.#sets.delete(cookie);
      this.#byKey.delete(origins.map(formatOrigin).join("\n"));
    }
  }
}

/** Returns `kind/namespace/name direction[index]`; equal for equal origins only. */
export function formatOrigin(origin: RuleOrigin): string {
  const { kind, namespace, name, direction, index } = origin;
  return `${kind}/${namespace}/${name} ${direction}[${index}]`;
}
