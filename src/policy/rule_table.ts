import { formatRef, type PolicyObject, refOf } from "../cluster/object.ts";
import type { Labels } from "../identity/label.ts";
import { compilePolicy, factsUsedBy } from "./compile_policy.ts";
import type { CompiledRule } from "./compiled_rule.ts";
import type { FactKind, FactTable } from "./peer_facts.ts";
import { selects } from "./selector.ts";
import { SelectorIndex } from "./selector_index.ts";

interface Policy {
  readonly name: string;
  readonly object: PolicyObject;
  readonly rules: readonly CompiledRule[];
}

interface Entry {
  readonly policy: Policy;
  readonly rule: CompiledRule;
  /** Position in its policy. */
  readonly at: number;
}

/**
 * The rules in force, found by the subjects that they select. Rules that select nothing
 * local cost their place in an index and nothing else: what their peers are is not
 * looked at.
 */
export class RuleTable {
  readonly #cluster: string;
  readonly #facts: FactTable;
  readonly #policies = new Map<string, Policy>();
  readonly #index = new SelectorIndex<Entry>();
  readonly #entries = new Map<Policy, readonly Entry[]>();
  /** Names of policies whose rules refer to objects of a kind. */
  readonly #users = new Map<FactKind, Set<string>>();
  #changed: CompiledRule[] = [];

  constructor(cluster: string, facts: FactTable) {
    this.#cluster = cluster;
    this.#facts = facts;
  }

  /** Number of policies. */
  get size(): number {
    return this.#policies.size;
  }

  /** Returns every rule that selects a subject, in an order that does not depend on the past. */
  rulesFor(labels: Labels): readonly CompiledRule[] {
    return [...this.#index.candidates(labels)]
      .filter(({ rule }) => selects(rule.subject, labels))
      .sort((a, b) => compareNames(a.policy.name, b.policy.name) || a.at - b.at)
      .map(({ rule }) => rule);
  }

  /** Iterates over every rule in force. */
  *rules(): Generator<CompiledRule> {
    for (const { rules } of this.#policies.values()) yield* rules;
  }

  /** Returns the rules that came or went, and starts over. */
  takeChanged(): readonly CompiledRule[] {
    const changed = this.#changed;
    this.#changed = [];
    return changed;
  }

  /** Puts a policy's rules in force, in place of its earlier ones. */
  upsert(object: PolicyObject): void {
    this.delete(object);
    const name = formatRef(refOf(object));
    const rules = compilePolicy(object, this.#cluster, this.#facts.facts);
    const policy: Policy = { name, object, rules };
    const entries = rules.map((rule, at): Entry => ({ policy, rule, at }));
    this.#policies.set(name, policy);
    this.#entries.set(policy, entries);
    for (const entry of entries) this.#index.add(entry.rule.subject, entry);
    for (const kind of factsUsedBy(object)) {
      const users = this.#users.get(kind) ?? new Set();
      this.#users.set(kind, users.add(name));
    }
    this.#changed.push(...rules);
  }

  /** Takes a policy's rules out of force; does nothing when it has none. */
  delete(object: PolicyObject): void {
    const name = formatRef(refOf(object));
    const policy = this.#policies.get(name);
    if (policy === undefined) return;
    for (const entry of this.#entries.get(policy) ?? []) {
      this.#index.remove(entry.rule.subject, entry);
    }
    this.#entries.delete(policy);
    this.#policies.delete(name);
    for (const users of this.#users.values()) users.delete(name);
    this.#changed.push(...policy.rules);
  }

  /** Compiles the policies again whose rules refer to objects of a kind. */
  factsChanged(kind: FactKind): void {
    for (const name of [...this.#users.get(kind) ?? []]) {
      const policy = this.#policies.get(name);
      if (policy !== undefined) this.upsert(policy.object);
    }
  }
}

function compareNames(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
