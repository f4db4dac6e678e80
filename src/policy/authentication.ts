import type { CompiledRule, L7Demand, PortKey } from "./compiled_rule.ts";
import { PROTOCOL } from "./map_state.ts";

/** A rule that allows a flow, as far as authentication is concerned. */
export interface AllowingRule {
  readonly rule: Pick<CompiledRule, "authType">;
  readonly key: PortKey;
  readonly l7: L7Demand | undefined;
  /** The rule names the peer, instead of being for every peer. */
  readonly specific: boolean;
}

/** What the entry of one lookup says. */
interface Side {
  /** The entry redirects to a proxy, which makes it the stronger one. */
  readonly redirects: boolean;
  /** Bits of protocol and port that the entry fixes. */
  readonly length: number;
  /** What rules at the entry's own key ask for; `undefined` when they do not say. */
  readonly explicit: number | undefined;
  /** What the longest key asks for that says anything. */
  readonly derived: number;
}

/**
 * Returns the authentication that a flow needs, as Cilium 1.19 inherits it
 * (`authPreferredInsert` in pkg/policy/mapstate.go, `__policy_check` in
 * bpf/lib/policy.h).
 *
 * The rules that name the peer and those for every peer make an entry each, of which one
 * decides: that with a proxy, else the one with the longer key, else that of the peer.
 * What rules say at its very key holds. Else the longest key around it speaks for it,
 * and the other entry too, if it is as strong: then the greater demand holds.
 */
export function authTypeOf(rules: readonly AllowingRule[]): number {
  if (!rules.some(({ rule }) => (rule.authType ?? 0) > 0)) return 0;
  const specific = sideOf(rules.filter((item) => item.specific));
  const broad = sideOf(rules.filter((item) => !item.specific));
  const broadDecides = specific.redirects === broad.redirects
    ? broad.length > specific.length
    : broad.redirects;
  const [deciding, other] = broadDecides ? [broad, specific] : [specific, broad];
  if (deciding.explicit !== undefined) return deciding.explicit;
  const asStrong = deciding.redirects === other.redirects;
  return asStrong ? Math.max(deciding.derived, other.derived) : deciding.derived;
}

function sideOf(rules: readonly AllowingRule[]): Side {
  const redirects = rules.some(({ l7 }) => l7 !== undefined);
  // Inside a redirect, a rule without one has no entry of its own unless it asks for
  // authentication.
  const own = rules.filter(({ rule, l7 }) =>
    !redirects || l7 !== undefined || rule.authType !== undefined
  );
  const length = Math.max(-1, ...own.map(({ key }) => lengthOf(key)));
  const asking = own.filter(({ rule }) => rule.authType !== undefined);
  const longest = Math.max(-1, ...asking.map(({ key }) => lengthOf(key)));
  const derived = Math.max(
    0,
    ...asking.filter(({ key }) => lengthOf(key) === longest)
      .map(({ rule }) => rule.authType ?? 0),
  );
  return {
    redirects,
    length,
    explicit: longest === length && length >= 0 ? derived : undefined,
    derived,
  };
}

function lengthOf({ protocol, portPrefix }: PortKey): number {
  return protocol === PROTOCOL.ANY ? 0 : 8 + portPrefix;
}
