import type { RuleOrigin } from "../cluster/rule.ts";
import { InternTable } from "./intern_table.ts";
import { NO_COOKIE } from "./map_state.ts";

/** Revisions for which a cookie that no entry has any more can still be resolved. */
export const COOKIE_REVISIONS = 8;

/**
 * Names sets of rules by numbers, for the policy entries and events that carry them.
 *
 * An event may be read some time after the entry behind it has changed: cookies stay
 * resolvable for {@linkcode COOKIE_REVISIONS} revisions, and numbers are not reused.
 */
export class CookieTable {
  readonly #sets = new InternTable<readonly RuleOrigin[]>({
    first: NO_COOKIE + 1,
    last: 0xffffffff,
    what: "set of rules",
    keep: COOKIE_REVISIONS,
  });

  /** A rule is behind many entries: its name is written once. */
  readonly #texts = new WeakMap<RuleOrigin, string>();

  /** Sets that can be resolved. */
  get size(): number {
    return this.#sets.size;
  }

  /**
   * Takes a reference on the number of a set of rules: the same for the same set, in
   * any order. {@linkcode NO_COOKIE} for the empty set.
   */
  intern(origins: readonly RuleOrigin[]): number {
    const [only] = origins;
    if (only === undefined) return NO_COOKIE;
    if (origins.length === 1) return this.#sets.intern(this.#textOf(only), () => [only]);
    const byText = new Map<string, RuleOrigin>();
    for (const origin of origins) byText.set(this.#textOf(origin), origin);
    const texts = [...byText.keys()].sort();
    return this.#sets.intern(texts.join("\n"), () => texts.flatMap((t) => byText.get(t) ?? []));
  }

  /** Gives a reference back. */
  release(cookie: number): void {
    if (cookie !== NO_COOKIE) this.#sets.release(cookie);
  }

  /**
   * Returns the rules that a cookie names: none for {@linkcode NO_COOKIE}, `undefined`
   * for a cookie that is unknown or too old.
   */
  resolve(cookie: number): readonly RuleOrigin[] | undefined {
    return cookie === NO_COOKIE ? [] : this.#sets.get(cookie);
  }

  /** Starts the next revision and forgets what has been out of use for too long. */
  advance(): void {
    this.#sets.advance();
  }

  #textOf(origin: RuleOrigin): string {
    const known = this.#texts.get(origin);
    if (known !== undefined) return known;
    const text = formatOrigin(origin);
    this.#texts.set(origin, text);
    return text;
  }
}

/** Returns `kind/namespace/name direction[index]`; equal for equal origins only. */
export function formatOrigin(origin: RuleOrigin): string {
  const { kind, namespace, name, direction, index, deny } = origin;
  return `${kind}/${namespace}/${name} ${direction}${deny ? "Deny" : ""}[${index}]`;
}
