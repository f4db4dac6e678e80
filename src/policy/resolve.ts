import type { RuleOrigin } from "../cluster/rule.ts";
import { RESERVED } from "../identity/reserved.ts";
import type { CompiledRule, PortKey } from "./compiled_rule.ts";
import type { CookieTable } from "./cookie.ts";
import { type Direction, type MapState, PROTOCOL } from "./map_state.ts";
import { MapStateBuilder } from "./map_state_builder.ts";
import type { CachedSelector, SelectorVersion } from "./selector_cache.ts";
import type { PolicySettings } from "./settings.ts";

/** A compiled rule with its selectors in the cache. */
export interface ActiveRule {
  readonly rule: CompiledRule;
  readonly subject: CachedSelector;
  readonly peers: "all" | readonly CachedSelector[];
}

/** What applies to one subject identity. */
export interface ResolvedPolicy {
  /** Per direction: what no entry allows is dropped. */
  readonly enforced: { readonly ingress: boolean; readonly egress: boolean };
  readonly mapState: MapState;
}

/** Why the host is allowed where no rule allows it. */
export const ALLOW_LOCALHOST: RuleOrigin = {
  kind: "builtin",
  namespace: "",
  name: "allow-localhost",
  direction: "ingress",
  index: 0,
};

const EVERYTHING: PortKey = { protocol: PROTOCOL.ANY, port: 0, portPrefix: 0 };

/**
 * Computes what the rules mean for one subject.
 *
 * Per direction: without a rule everything is allowed; with at least one default-deny
 * rule only what rules allow; with rules that all disable default deny, they apply and
 * everything else is allowed.
 *
 * @param rules Every rule that could select the subject.
 * @param version The selections to use, all of one point in time.
 */
export function resolvePolicy(
  subject: number,
  rules: Iterable<ActiveRule>,
  version: SelectorVersion,
  settings: PolicySettings,
  cookies: CookieTable,
): ResolvedPolicy {
  const builder = new MapStateBuilder();
  const enforced = { ingress: false, egress: false };
  for (const active of rules) {
    if (!version.has(active.subject, subject)) continue;
    if (active.rule.defaultDeny) enforced[active.rule.direction] = true;
    addRule(builder, active, version, settings);
  }
  for (const direction of ["ingress", "egress"] as const) {
    if (!enforced[direction]) {
      builder.add(
        { identity: broadOf(settings, direction), direction, ...EVERYTHING },
        "allow",
        [],
      );
    }
  }
  if (enforced.ingress && settings.allowLocalhost) {
    const key = { identity: RESERVED.HOST, direction: "ingress" as const, ...EVERYTHING };
    builder.add(key, "allow", [ALLOW_LOCALHOST]);
  }
  return { enforced, mapState: builder.build(cookies) };
}

function addRule(
  builder: MapStateBuilder,
  { rule, peers }: ActiveRule,
  version: SelectorVersion,
  settings: PolicySettings,
): void {
  const { direction, origin, ports } = rule;
  const identities = peers === "all"
    ? [broadOf(settings, direction)]
    : new Set(peers.flatMap((selector) => version.selectionOf(selector)));
  // A set: one rule is one origin of an entry, even if two of its selectors select a peer.
  for (const identity of identities) {
    for (const port of ports) builder.add({ identity, direction, ...port }, "allow", [origin]);
  }
}

function broadOf({ profile }: PolicySettings, direction: Direction): number {
  return profile.broadOf(RESERVED.UNKNOWN, direction);
}
