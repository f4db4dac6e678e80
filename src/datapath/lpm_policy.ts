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

/** Entries of one peer and direction, by protocol, port and how many bits of them count. */
type Prefixes = Map<string, LpmPolicyEntry>;

function prefixName(protocol: number, port: number, portPrefix: number): string {
  return `${protocol}/${port & ~(0xFFFF >> portPrefix)}/${portPrefix}`;
}

function peerName(identity: number, direction: Direction): string {
  return `${direction} ${identity}`;
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
  readonly #peers = new Map<string, Prefixes>();

  /** @throws {RangeError} If the bytes are not those of a policy map; see `decodeLpmPolicy()`. */
  constructor(bytes: Omit<LpmPolicyBytes, "count">) {
    for (const entry of decodeLpmPolicy(bytes)) {
      const name = peerName(entry.identity, entry.direction);
      const prefixes = this.#peers.get(name) ?? new Map<string, LpmPolicyEntry>();
      prefixes.set(prefixName(entry.protocol, entry.port, entry.portPrefix), entry);
      this.#peers.set(name, prefixes);
    }
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
    const prefixes = this.#peers.get(peerName(identity, direction));
    if (prefixes === undefined) return undefined;
    for (let bits = PORT_BITS; bits >= 0; bits--) {
      const entry = prefixes.get(prefixName(protocol, port, bits));
      if (entry !== undefined) return entry;
    }
    return prefixes.get(prefixName(PROTOCOL.ANY, 0, 0));
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
