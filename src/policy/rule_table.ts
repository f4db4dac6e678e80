import type { CiliumNetworkPolicy } from "../cluster/object.ts";
import { compilePolicy } from "./compiled_rule.ts";
import type { ActiveRule } from "./resolve.ts";
import type { CachedSelector, SelectorCache, SelectorUser } from "./selector_cache.ts";

/**
 * The rules in force, by namespace, with their selectors in the cache. Finds out which
 * subjects a change concerns: those are collected until {@linkcode takeDirty}.
 */
export class RuleTable implements SelectorUser {
  readonly #cache: SelectorCache;
  readonly #cluster: string;
  /** Rules by namespace, then by policy name. */
  readonly #rules = new Map<string, Map<string, readonly ActiveRule[]>>();
  readonly #rulesBySelector = new Map<CachedSelector, Set<ActiveRule>>();
  #dirty = new Set<number>();

  constructor(cache: SelectorCache, cluster: string) {
    this.#cache = cache;
    this.#cluster = cluster;
  }

  /** The rules that could select a subject of the namespace. */
  *rulesIn(namespace: string): Generator<ActiveRule> {
    for (const rules of this.#rules.get(namespace)?.values() ?? []) yield* rules;
  }

  /** Returns the identities whose policy may have changed, and starts over. */
  takeDirty(): ReadonlySet<number> {
    const dirty = this.#dirty;
    this.#dirty = new Set();
    return dirty;
  }

  /** Puts a policy's rules in force, in place of its earlier ones. */
  upsert(policy: CiliumNetworkPolicy): void {
    // The new selectors first: those that stay are then never without a user.
    const next = compilePolicy(policy, this.#cluster).map((rule): ActiveRule => {
      const [subject, ...peers] = this.#cache.add(
        [rule.subject, ...(rule.peers === "all" ? [] : rule.peers)],
        this,
      );
      if (subject === undefined) throw new TypeError("Cannot add a rule: no subject, expected one");
      return { rule, subject, peers: rule.peers === "all" ? "all" : peers };
    });
    this.delete(policy);
    let named = this.#rules.get(policy.namespace);
    if (named === undefined) this.#rules.set(policy.namespace, named = new Map());
    named.set(policy.name, next);
    for (const active of next) {
      this.#touch(active);
      for (const selector of selectorsOf(active)) {
        const users = this.#rulesBySelector.get(selector) ?? new Set();
        this.#rulesBySelector.set(selector, users.add(active));
      }
    }
  }

  /** Takes a policy's rules out of force; does nothing when it has none. */
  delete({ namespace, name }: CiliumNetworkPolicy): void {
    const named = this.#rules.get(namespace);
    for (const active of named?.get(name) ?? []) {
      this.#touch(active);
      for (const selector of selectorsOf(active)) {
        const users = this.#rulesBySelector.get(selector);
        users?.delete(active);
        if (users?.size === 0) this.#rulesBySelector.delete(selector);
      }
      this.#cache.remove(selectorsOf(active), this);
    }
    named?.delete(name);
    if (named?.size === 0) this.#rules.delete(namespace);
  }

  selectionChanged(
    selector: CachedSelector,
    added: readonly number[],
    deleted: readonly number[],
  ): void {
    for (const active of this.#rulesBySelector.get(selector) ?? []) {
      if (active.subject === selector) {
        for (const id of added) this.#dirty.add(id);
        for (const id of deleted) this.#dirty.add(id);
      }
      if (active.peers !== "all" && active.peers.includes(selector)) this.#touch(active);
    }
  }

  #touch({ subject }: ActiveRule): void {
    for (const id of this.#cache.current.selectionOf(subject)) this.#dirty.add(id);
  }
}

function selectorsOf({ subject, peers }: ActiveRule): readonly CachedSelector[] {
  return peers === "all" ? [subject] : [subject, ...peers];
}
