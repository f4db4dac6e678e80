import type { RuleOrigin } from "../cluster/rule.ts";
import type { Identity } from "../identity/identity.ts";
import type { CachedSelector } from "../policy/selector_cache.ts";
import type { Selector } from "../policy/selector.ts";
import { selectsIdentity } from "../policy/selector.ts";
import type { CompiledCluster } from "./compiled_cluster.ts";

/** A unique selector, who uses it, and what it selects. */
export interface SelectorUse {
  readonly selector: Selector;
  /** Rules whose subjects it selects. */
  readonly subjectOf: readonly RuleOrigin[];
  /** Rules whose peers it selects. */
  readonly peerOf: readonly RuleOrigin[];
  /** Ascending. */
  readonly identities: readonly number[];
}

/** Returns the unique selectors of every rule, by their canonical key. */
export function selectorUses({ engine }: CompiledCluster): SelectorUse[] {
  const { selectors, rules } = engine;
  const cached = new Map([...selectors.selectors].map((entry) => [entry.selector.key, entry]));
  const uses = new Map<
    string,
    { selector: Selector; subjectOf: RuleOrigin[]; peerOf: RuleOrigin[] }
  >();
  const useOf = (selector: Selector) => {
    let use = uses.get(selector.key);
    if (use === undefined) uses.set(selector.key, use = { selector, subjectOf: [], peerOf: [] });
    return use;
  };
  for (const { origin, subject, peers } of rules.rules()) {
    useOf(subject).subjectOf.push(origin);
    if (peers === "all") continue;
    for (const selector of peers) useOf(selector).peerOf.push(origin);
  }
  const select = (selector: Selector, known: CachedSelector | undefined) =>
    known === undefined
      ? selectedBy(selector, selectors.identities)
      : selectors.current.selectionOf(known);
  return [...uses].sort(([a], [b]) => a < b ? -1 : 1).map(([key, use]) => ({
    ...use,
    identities: select(use.selector, cached.get(key)),
  }));
}

/** The engine keeps what local rules name; of other selectors everybody is asked. */
function selectedBy(selector: Selector, identities: ReadonlyMap<number, Identity>): number[] {
  return [...identities.values()]
    .filter((identity) => selectsIdentity(selector, identity, undefined))
    .map(({ id }) => id).sort((a, b) => a - b);
}
