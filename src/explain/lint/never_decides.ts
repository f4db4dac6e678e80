import type { RuleOrigin } from "../../cluster/rule.ts";
import type { CompiledRule } from "../../policy/compiled_rule.ts";
import type { Finding, LintContext } from "./finding.ts";

/**
 * Rules that match flows and decide none of them: a stronger rule says something else about
 * each. Most often an allowance that a denial covers.
 */
export function* neverDecides(context: LintContext): Generator<Finding> {
  const deciding = new Set<string>();
  const { snapshot } = context.cluster;
  const cookies = new Set<number>();
  for (const { mapState } of snapshot.policies) {
    for (const { cookie } of mapState.entries) cookies.add(cookie);
  }
  for (const cookie of cookies) {
    for (const rule of context.cluster.rulesOf(cookie)) deciding.add(keyOf(rule));
  }
  for (const rule of context.rules) {
    if (rule.verdict === "pass" || deciding.has(keyOf(rule.origin))) continue;
    if (!matchesSomething(rule, context)) continue;
    const [first, second, ...more] = strongerThan(rule, context).map(nameOf);
    const by = first === undefined ? "stronger rules" : [
      first,
      ...(second === undefined ? [] : [second]),
      ...(more.length === 0 ? [] : [`${more.length} more`]),
    ].join(" and ");
    const what = rule.verdict === "deny" ? "denies" : "allows";
    yield context.finding(
      "never-decides",
      rule.origin,
      `decides nothing: whatever it ${what} is decided by ${by}`,
    );
  }
}

function matchesSomething({ subject, peers, ports, host }: CompiledRule, context: LintContext) {
  if (host || ports.length === 0) return false;
  if (!context.selected(subject).some((identity) => context.podsOf(identity).length > 0)) {
    return false;
  }
  return peers === "all" || peers.some((selector) => context.selected(selector).length > 0);
}

/** Rules that select one of the subjects in the same direction, and say something else. */
function strongerThan(rule: CompiledRule, context: LintContext): RuleOrigin[] {
  const [subject] = context.selected(rule.subject);
  if (subject === undefined) return [];
  const others = context.cluster.engine.rules.rulesFor(subject.labels).filter((other) =>
    other.direction === rule.direction && other.verdict !== rule.verdict &&
    other.verdict !== "pass" && sharesPeer(rule, other, context)
  );
  return others.map(({ origin }) => origin);
}

function sharesPeer(a: CompiledRule, b: CompiledRule, context: LintContext): boolean {
  if (a.peers === "all" || b.peers === "all") return true;
  const ids = new Set(b.peers.flatMap((selector) => context.selected(selector).map((i) => i.id)));
  return a.peers.some((selector) => context.selected(selector).some(({ id }) => ids.has(id)));
}

function nameOf({ namespace, name, direction, index, deny }: RuleOrigin): string {
  const policy = namespace === "" ? name : `${namespace}/${name}`;
  return `${policy} ${direction}${deny ? "Deny" : ""}[${index}]`;
}

function keyOf(rule: RuleOrigin): string {
  return `${rule.kind} ${nameOf(rule)}`;
}
