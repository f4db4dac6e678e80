import type { CompiledRule } from "../../policy/compiled_rule.ts";
import type { Finding, LintContext } from "./finding.ts";

/**
 * Rules with DNS names for pods whose DNS traffic no rule sends through the proxy: nothing
 * learns the addresses behind the names, and the rules never match.
 * https://docs.cilium.io/en/stable/security/policy/layer3/#dns-based
 */
export function* noDns(context: LintContext): Generator<Finding> {
  const watched = new Map<number, boolean>();
  for (const rule of context.rules) {
    if (rule.peers === "all" || !rule.peers.some(({ kind }) => kind === "fqdn")) continue;
    const blind = context.selected(rule.subject).find((identity) => {
      if (context.podsOf(identity).length === 0) return false;
      let isWatched = watched.get(identity.id);
      if (isWatched === undefined) {
        isWatched = context.cluster.engine.rules.rulesFor(identity.labels).some(watchesDns);
        watched.set(identity.id, isWatched);
      }
      return !isWatched;
    });
    if (blind === undefined) continue;
    const [pod] = context.podsOf(blind);
    yield context.finding(
      "no-dns",
      rule.origin,
      `names peers by DNS, but no rule for ${pod} has rules.dns: their addresses are never learned`,
    );
  }
}

function watchesDns({ direction, ports, namedPorts = [] }: CompiledRule): boolean {
  return direction === "egress" &&
    [...ports, ...namedPorts].some(({ l7 }) => l7?.rules?.kind === "dns");
}
