import { RESERVED } from "../../identity/reserved.ts";
import type { CompiledRule } from "../../policy/compiled_rule.ts";
import type { Selector } from "../../policy/selector.ts";
import { selectorText } from "../selector_text.ts";
import type { Finding, LintContext } from "./finding.ts";

/**
 * Selectors of subjects and peers that select no pod of the cluster: misspelt labels, the
 * wrong namespace. DNS names and port names cannot be judged by manifests.
 */
export function* selectsNothing(context: LintContext): Generator<Finding> {
  const told = new Set<string>();
  for (const rule of context.rules) {
    const { origin } = rule;
    if (!selectsSubject(rule, context)) {
      // All rules of one spec have the same subject.
      const key = `${origin.kind}/${origin.namespace}/${origin.name} ${rule.subject.key}`;
      if (told.has(key)) continue;
      told.add(key);
      const what = rule.host ? "node" : "pod";
      yield context.finding(
        "selects-nothing",
        origin,
        `is for no ${what}: none has ${selectorText(rule.subject)}`,
      );
      continue;
    }
    if (rule.peers === "all") continue;
    for (const selector of rule.peers) {
      if (!canSelect(selector, context)) {
        const text = `names no peer: none has ${selectorText(selector)}`;
        yield context.finding("selects-nothing", origin, text);
      }
    }
  }
}

function selectsSubject({ subject, host }: CompiledRule, context: LintContext): boolean {
  if (!host) return context.selected(subject).some((i) => context.podsOf(i).length > 0);
  const { rules } = context.cluster.engine;
  const nodes = [...context.cluster.snapshot.hosts];
  return nodes.some(({ policy }) => {
    const labels = context.cluster.snapshot.policy(policy)?.subject.labels ?? [];
    return rules.rulesFor(labels).some((rule) => rule.subject.key === subject.key);
  });
}

function canSelect(selector: Selector, context: LintContext): boolean {
  if (selector.kind !== "labels") return true;
  // What the world is, or whether there are health endpoints, manifests do not say.
  if (selector.requirements.some(({ source }) => source === "reserved")) return true;
  return context.selected(selector).some((identity) =>
    identity.id <= LAST_RESERVED || context.podsOf(identity).length > 0 || identity.id > 0xffffff
  );
}

const LAST_RESERVED = RESERVED.WORLD_IPV6;
