import {
  type Direction,
  type MatchType,
  matchTypeOf,
  PORT_BITS,
  prefixLengthOf,
  PROTOCOL,
} from "../policy/map_state.ts";
import { DROP_AUTH_REQUIRED, DROP_POLICY, DROP_POLICY_DENY } from "./layout.ts";
import { decodeLpmPolicy, type LpmPolicyBytes, type LpmPolicyEntry } from "./lpm_policy_map.ts";

/** The identity whose entries hold for every peer. */
const BROAD = 0;

/** What a policy map says of a flow. */
export interface LpmDecision {
  /** Drop reason, 0 if the flow may go on. */
  readonly reason: number;
  /** The entry that decides; `undefined` if none matches. */
  readonly entry: LpmPolicyEntry | undefined;
  /** How it matched; 0 if none does. */
  readonly matchType: MatchType | 0;
}

/** Entries of one protocol, by port and how many bits of it count. */
interface Ports {
  readonly entries: Map<number, LpmPolicyEntry>;
  /** Port prefixes in use, longest first. */
  readonly prefixes: number[];
}

/** Entries of one peer and direction. */
interface Prefixes {
  /** For every protocol. */
  whole: LpmPolicyEntry | undefined;
  readonly protocols: Map<number, Ports>;
}

/** More than any port prefix: a key for a port and its prefix. */
const PREFIX_RADIX = PORT_BITS + 1;

function portKey(port: number, portPrefix: number): number {
  return (port & ~(0xFFFF >> portPrefix)) * PREFIX_RADIX + portPrefix;
}

/** Identities have 32 bits, so not a bitwise operation. */
function peerKey(identity: number, direction: Direction): number {
  return identity * 2 + (direction === "egress" ? 1 : 0);
}

/**
 * Reads a policy map of Cilium 1.19 as its programs do: the longest prefix of the peer's identity
 * and the longest of identity 0, then the stronger one of the two. It works on the map's bytes
 * alone, be they ours or those of a node that runs Cilium.
 *
 * Cilium does not look at the second where the first has the highest precedence of all, and so may
 * name the less specific of two; the verdict is the same.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { LpmPolicy } from "./lpm_policy.ts";
 *
 * const nothing = new LpmPolicy({ keys: new Uint8Array(), values: new Uint8Array() });
 * assertEquals(nothing.decide(300, "ingress", 6, 80).reason, 133); // no rule allows it
 * ```
 */
export class LpmPolicy {
  readonly #peers = new Map<number, Prefixes>();

  /** @throws {RangeError} If the bytes are not those of a policy map; see `decodeLpmPolicy()`. */
  constructor(bytes: Omit<LpmPolicyBytes, "count">) {
    for (const entry of decodeLpmPolicy(bytes)) this.#add(entry);
    for (const { protocols } of this.#peers.values()) {
      for (const { prefixes } of protocols.values()) prefixes.sort((a, b) => b - a);
    }
  }

  #add(entry: LpmPolicyEntry): void {
    const { identity, direction, protocol, port, portPrefix } = entry;
    const key = peerKey(identity, direction);
    const peer: Prefixes = this.#peers.get(key) ?? { whole: undefined, protocols: new Map() };
    this.#peers.set(key, peer);
    if (protocol === PROTOCOL.ANY) {
      peer.whole = entry;
      return;
    }
    const ports: Ports = peer.protocols.get(protocol) ?? { entries: new Map(), prefixes: [] };
    peer.protocols.set(protocol, ports);
    ports.entries.set(portKey(port, portPrefix), entry);
    if (!ports.prefixes.includes(portPrefix)) ports.prefixes.push(portPrefix);
  }

  /**
   * Decides about a flow.
   *
   * @param identity Of the peer; 0 if nothing is known of it.
   * @param protocol IP protocol number.
   * @param port Destination port, host byte order; ICMP type for ICMP.
   */
  decide(identity: number, direction: Direction, protocol: number, port: number): LpmDecision {
    const own = identity === BROAD ? undefined : this.#longest(identity, direction, protocol, port);
    const broad = this.#longest(BROAD, direction, protocol, port);
    const [entry, other] = isBroadStronger(own, broad) ? [broad, own] : [own, broad];
    if (entry === undefined) return { reason: DROP_POLICY, entry, matchType: 0 };
    return { reason: reasonOf(entry, other), entry, matchType: matchTypeOf(entry, BROAD) };
  }

  #longest(
    identity: number,
    direction: Direction,
    protocol: number,
    port: number,
  ): LpmPolicyEntry | undefined {
    const peer = this.#peers.get(peerKey(identity, direction));
    const ports = peer?.protocols.get(protocol);
    for (const portPrefix of ports?.prefixes ?? []) {
      const entry = ports?.entries.get(portKey(port, portPrefix));
      if (entry !== undefined) return entry;
    }
    return peer?.whole;
  }
}

function isBroadStronger(
  own: LpmPolicyEntry | undefined,
  broad: LpmPolicyEntry | undefined,
): boolean {
  if (broad === undefined) return false;
  if (own === undefined) return true;
  if (broad.precedence !== own.precedence) return broad.precedence > own.precedence;
  return prefixLengthOf(broad) > prefixLengthOf(own);
}

/**
 * Authentication is the deciding entry's own; one that no rule spelled out gives way to a stronger
 * one of the entry that was not chosen.
 */
function reasonOf(entry: LpmPolicyEntry, other: LpmPolicyEntry | undefined): number {
  if (entry.deny) return DROP_POLICY_DENY;
  const inherited = entry.hasExplicitAuth ? 0 : other?.authType ?? 0;
  return Math.max(entry.authType, inherited) > 0 ? DROP_AUTH_REQUIRED : 0;
}
