/**
 * Canonical map state: what a policy says, one entry per (identity, direction,
 * protocol, port prefix), in the key/entry form of Cilium's policy map.
 *
 * It is the only thing the datapath knows about policy: profiles and images are
 * pure functions of it, and explanation, accounting and comparison with other
 * datapaths start from it.
 *
 * Canonical means:
 * - entries are sorted by {@linkcode compareEntries} and no two share a key;
 * - host bits of `port` below `portPrefix` are zero;
 * - within one identity and direction, no entry has a lower precedence than an
 *   entry whose (protocol, port) key covers it. So the *longest* matching entry
 *   of an identity is always the *strongest* of that identity, and a longest
 *   prefix match finds it.
 *
 * @module
 */

/** The side of the subject endpoint on which an entry is enforced. */
export type Direction = "ingress" | "egress";

/** What an entry does with a flow; `redirect` hands it to a proxy, which decides. */
export type Verdict = "allow" | "deny" | "redirect";

/** IP protocol numbers of the protocols that policy can name. */
export const PROTOCOL = { ANY: 0, ICMP: 1, TCP: 6, UDP: 17, ICMPV6: 58, SCTP: 132 } as const;

/** Bits of a port number, and the longest `portPrefix`. */
export const PORT_BITS = 16;

/** The cookie of an entry that no rule asked for. */
export const NO_COOKIE = 0;

/** What an entry matches. All numbers are in host order. */
export interface MapStateKey {
  /** Numeric identity of the peer. The version profile's broad identity (0) matches every peer. */
  readonly identity: number;
  /** Side of the subject endpoint. */
  readonly direction: Direction;
  /** IP protocol number; 0 means every protocol, and then `port` and `portPrefix` are 0. */
  readonly protocol: number;
  /** First destination port of the range. ICMP type where `protocol` is ICMP or ICMPv6. */
  readonly port: number;
  /** Leading bits of `port` that must match, 0 to 16; 0 means all ports of the protocol. */
  readonly portPrefix: number;
}

/** A key and its consequence. */
export interface MapStateEntry extends MapStateKey {
  readonly verdict: Verdict;
  /** Unsigned 32-bit order between entries, higher wins. Made by `precedenceOf()` only. */
  readonly precedence: number;
  /** Unsigned 32-bit name of the set of rules behind the entry; {@linkcode NO_COOKIE} for none. */
  readonly cookie: number;
  /** Mutual authentication required of the peer; 0 means none. */
  readonly authType: number;
  /** Number of the redirect, 1 to 65535; only with the verdict `redirect`. */
  readonly redirect?: number;
}

/** The entries of one policy, both directions, canonical as the module comment says. */
export interface MapState {
  readonly entries: readonly MapStateEntry[];
}

/** A map state that finds a peer's entries without a look at the others. */
export interface IndexedMapState extends MapState {
  /** Returns the entries of one identity, both directions, in canonical order. */
  entriesOf(identity: number): readonly MapStateEntry[];
}

/** How one version of a map state differs from the version before. */
export interface MapStateDelta {
  /** Entries that are new or different, in canonical order. They go in first. */
  readonly added: readonly MapStateEntry[];
  /** Keys that are gone. They go out when everything has been added. */
  readonly removed: readonly MapStateKey[];
  /** Peers whose entries changed, ascending; the broad identity among them. */
  readonly identities: readonly number[];
}

/**
 * How an entry matched, numbered as in Cilium's policy verdict events:
 * 1 L3 only, 2 L3 and L4, 3 L4 only, 4 all, 5 L3 and protocol, 6 protocol only.
 */
export type MatchType = 1 | 2 | 3 | 4 | 5 | 6;

/**
 * Returns the match type of an entry that has matched.
 *
 * @param key The entry's key.
 * @param broad The identity that stands for every peer in the version profile.
 */
export function matchTypeOf(key: MapStateKey, broad: number): MatchType {
  if (key.protocol === PROTOCOL.ANY) return key.identity === broad ? 4 : 1;
  if (key.portPrefix === 0) return key.identity === broad ? 6 : 5;
  return key.identity === broad ? 3 : 2;
}

/** Returns the last port (inclusive, host order) that the key matches. */
export function lastPortOf(key: MapStateKey): number {
  return key.port + (1 << (PORT_BITS - key.portPrefix)) - 1;
}

/**
 * Returns how many bits of protocol and port the key fixes: 0 for every protocol,
 * 8 for one protocol with every port, up to 24 for one port.
 */
export function prefixLengthOf(key: MapStateKey): number {
  return key.protocol === PROTOCOL.ANY ? 0 : 8 + key.portPrefix;
}

/** Tells whether `outer` matches every protocol and port that `inner` does (identity aside). */
export function coversPorts(outer: MapStateKey, inner: MapStateKey): boolean {
  if (outer.protocol === PROTOCOL.ANY) return true;
  if (outer.protocol !== inner.protocol || outer.portPrefix > inner.portPrefix) return false;
  return inner.port >= outer.port && inner.port <= lastPortOf(outer);
}

/** Orders entries by direction (ingress first), identity, protocol, port, prefix. */
export function compareEntries(a: MapStateKey, b: MapStateKey): number {
  if (a.direction !== b.direction) return a.direction === "ingress" ? -1 : 1;
  return a.identity - b.identity || a.protocol - b.protocol || a.port - b.port ||
    a.portPrefix - b.portPrefix;
}
