/**
 * The reference lookup in a map state, word for word after the semantics:
 *
 * *specific* is the longest match for the peer's identity, *broad* the longest match
 * for the identity that stands for every peer. Broad wins if there is no specific, or
 * its precedence is higher, or the precedence is equal and its prefix is strictly
 * longer; a tie goes to specific. Neither means drop.
 *
 * Slow and plain. Datapaths are compared with it; this is the point where Cilium's
 * own two implementations once disagreed (cilium/cilium issues 48918, 48945).
 *
 * @module
 */
import {
  coversPorts,
  type Direction,
  type MapState,
  type MapStateEntry,
  type MapStateKey,
  type MatchType,
  matchTypeOf,
  PORT_BITS,
  prefixLengthOf,
} from "./map_state.ts";
import { CILIUM_1_19, type VersionProfile } from "./version_profile.ts";

/** Drop reasons of policy, numbered as Cilium's. */
export const DROP_REASON = { POLICY: 133, POLICY_DENY: 181 } as const;

/** A drop reason that policy gives. */
export type PolicyDropReason = typeof DROP_REASON[keyof typeof DROP_REASON];

/** Answer of {@linkcode lookup}. */
export type LookupResult =
  | {
    readonly verdict: "allow" | "redirect";
    readonly entry: MapStateEntry;
    readonly matchType: MatchType;
  }
  | {
    readonly verdict: "deny";
    readonly reason: typeof DROP_REASON.POLICY_DENY;
    readonly entry: MapStateEntry;
    readonly matchType: MatchType;
  }
  | { readonly verdict: "deny"; readonly reason: typeof DROP_REASON.POLICY };

/**
 * Looks a flow up.
 *
 * @param identity Identity of the peer.
 * @param protocol IP protocol number.
 * @param port Destination port, host order; ICMP type for ICMP.
 */
export function lookup(
  mapState: MapState,
  identity: number,
  direction: Direction,
  protocol: number,
  port: number,
  profile: VersionProfile = CILIUM_1_19,
): LookupResult {
  const broadIdentity = profile.broadOf(identity, direction);
  const specific = longestMatch(mapState, identity, direction, protocol, port);
  const broad = longestMatch(mapState, broadIdentity, direction, protocol, port);
  const entry = broadWins(specific, broad) ? broad : specific;
  if (entry === undefined) return { verdict: "deny", reason: DROP_REASON.POLICY };
  const matchType = matchTypeOf(entry, broadIdentity);
  const { verdict } = entry;
  if (verdict !== "deny") return { verdict, entry, matchType };
  return { verdict, reason: DROP_REASON.POLICY_DENY, entry, matchType };
}

/**
 * Returns every entry that has a say in the outcome of a flow: those that match with
 * the winning precedence. Their cookies together name all the rules behind the verdict,
 * where {@linkcode lookup} names the rules of the one entry that matched.
 */
export function explain(
  mapState: MapState,
  identity: number,
  direction: Direction,
  protocol: number,
  port: number,
  profile: VersionProfile = CILIUM_1_19,
): MapStateEntry[] {
  const result = lookup(mapState, identity, direction, protocol, port, profile);
  if (!("entry" in result)) return [];
  const broad = profile.broadOf(identity, direction);
  return mapState.entries.filter((entry) =>
    (entry.identity === identity || entry.identity === broad) &&
    entry.direction === direction && entry.precedence === result.entry.precedence &&
    coversPorts(entry, pointOf(identity, direction, protocol, port))
  );
}

function longestMatch(
  { entries }: MapState,
  identity: number,
  direction: Direction,
  protocol: number,
  port: number,
): MapStateEntry | undefined {
  const point = pointOf(identity, direction, protocol, port);
  let best: MapStateEntry | undefined;
  for (const entry of entries) {
    if (entry.identity !== identity || entry.direction !== direction) continue;
    if (!coversPorts(entry, point)) continue;
    if (best === undefined || prefixLengthOf(entry) > prefixLengthOf(best)) best = entry;
  }
  return best;
}

function broadWins(
  specific: MapStateEntry | undefined,
  broad: MapStateEntry | undefined,
): boolean {
  if (broad === undefined) return false;
  if (specific === undefined) return true;
  if (broad.precedence !== specific.precedence) return broad.precedence > specific.precedence;
  return prefixLengthOf(broad) > prefixLengthOf(specific);
}

function pointOf(
  identity: number,
  direction: Direction,
  protocol: number,
  port: number,
): MapStateKey {
  return { identity, direction, protocol, port, portPrefix: PORT_BITS };
}
