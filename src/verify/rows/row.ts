/**
 * The packet table: packets about which not policy decides but the text of `bpf/*.h`, each
 * with what that text says.
 *
 * @module
 */
import { addressBytes } from "../address.ts";
import {
  DROP_AUTH_REQUIRED,
  DROP_CT_INVALID_HDR,
  DROP_CT_UNKNOWN_PROTO,
  DROP_EP_NOT_READY,
  DROP_FRAG_NOT_FOUND,
  DROP_INVALID,
  DROP_INVALID_EXTHDR,
  DROP_INVALID_SIP,
  DROP_POLICY,
  DROP_POLICY_DENY,
  DROP_PROXY_LOOKUP_FAILED,
  DROP_PROXY_SET_FAILED,
  DROP_PROXY_UNKNOWN_PROTO,
  DROP_TTL_EXCEEDED,
  DROP_UNKNOWN_L3,
  DROP_VLAN_FILTERED,
} from "../../datapath/layout.ts";
import { newPacket, type PacketBuilder } from "../../datapath/packet_builder.ts";
import type { Hook } from "../../datapath/packet_batch.ts";
import { ROW_ADDRESS, ROW_ENDPOINT } from "../row_node.ts";
import { madeUpMac } from "../made_up_mac.ts";
import type { Family } from "../address.ts";

/** Drop reasons by the names that rows use. */
export const DROP = {
  INVALID: DROP_INVALID,
  INVALID_SIP: DROP_INVALID_SIP,
  CT_INVALID_HDR: DROP_CT_INVALID_HDR,
  CT_UNKNOWN_PROTO: DROP_CT_UNKNOWN_PROTO,
  UNKNOWN_L3: DROP_UNKNOWN_L3,
  VLAN: DROP_VLAN_FILTERED,
  FRAGMENT: DROP_FRAG_NOT_FOUND,
  EXTHDR: DROP_INVALID_EXTHDR,
  TTL: DROP_TTL_EXCEEDED,
  POLICY: DROP_POLICY,
  DENY: DROP_POLICY_DENY,
  AUTH: DROP_AUTH_REQUIRED,
  NOT_READY: DROP_EP_NOT_READY,
  PROXY_LOOKUP: DROP_PROXY_LOOKUP_FAILED,
  PROXY_SET: DROP_PROXY_SET_FAILED,
  PROXY_UNKNOWN: DROP_PROXY_UNKNOWN_PROTO,
} as const;

/**
 * What must become of a packet: it goes to the stack, to an endpoint, by the stack to a proxy
 * that listens on a port, or nowhere.
 */
export type RowOutcome =
  | "pass"
  | "deliver"
  | { readonly proxy: number }
  | { readonly drop: number };

/**
 * An event: a verdict, a trace of an answer or of a missing slot, a drop, or a verdict of audit
 * mode over a drop; both of these by reason.
 */
export type RowEvent =
  | "verdict"
  | "answer"
  | "fallback"
  | { readonly drop: number }
  | { readonly audited: number };

/** One packet of a row. */
export interface RowPacket {
  readonly endpoint: number;
  readonly hook: Hook;
  readonly data: Uint8Array;
  readonly mark?: number;
  /** Seconds since the row began, with a fraction. @default {0} */
  readonly at?: number;
  readonly becomes: RowOutcome;
  /** All events that it raises, in order. @default its drop, if it is one, and any others */
  readonly tells?: readonly RowEvent[];
}

/** Packets that run one after the other. */
export interface PacketRow {
  readonly description: string;
  readonly packets: readonly RowPacket[];
}

/** Shorthand for a drop. */
export function drop(reason: keyof typeof DROP): { readonly drop: number } {
  return { drop: DROP[reason] };
}

/** Shorthand for what audit mode lets pass. */
export function audited(reason: keyof typeof DROP): { readonly audited: number } {
  return { audited: DROP[reason] };
}

/** Who can stand at an end of a row's packet. */
export type RowParty = keyof typeof ROW_ADDRESS;

/** Addresses of both ends, as the packet builder takes them. */
export function between(family: Family, source: RowParty, destination: RowParty) {
  return {
    source: addressBytes(ROW_ADDRESS[source][family]),
    destination: addressBytes(ROW_ADDRESS[destination][family]),
  };
}

const { SUBJECT } = ROW_ENDPOINT;

/** Ethernet and IP of a packet between two parties. */
export function ip(
  family: Family,
  source: RowParty,
  destination: RowParty,
  options: { ttl?: number; protocol?: number } = {},
): PacketBuilder {
  const ends = { ...between(family, source, destination), ...options };
  const start = newPacket().eth(MACS);
  return family === 4 ? start.ipv4(ends) : start.ipv6(ends);
}

/** Ethernet addresses of a packet that leaves the subject. */
export const MACS = { source: madeUpMac(SUBJECT, 1), destination: madeUpMac(SUBJECT, 2) } as const;

/** Source ports, no two rows the same, so that conntrack keeps rows apart. */
export class SourcePorts {
  #next = 20_000;

  next(): number {
    return this.#next++;
  }
}

/** Bytes with some of them changed: pairs of offset and value. */
export function patched(bytes: Uint8Array, ...changes: readonly [number, number][]): Uint8Array {
  const copy = bytes.slice();
  for (const [offset, value] of changes) copy[offset] = value;
  return copy;
}

/** What a packet is tried as: one that the subject sends, and one that it is sent. */
export const WAYS = [
  {
    name: "from the subject",
    hook: "from_container",
    source: "SUBJECT",
    destination: "PEER",
    allowed: "deliver",
    port: 90,
  },
  {
    name: "to the subject",
    hook: "to_container",
    source: "PEER",
    destination: "SUBJECT",
    allowed: "pass",
    port: 80,
  },
] as const;

/** One of {@linkcode WAYS}. */
export type Way = typeof WAYS[number];

/** A row for each way a packet can take past the parser. */
export function bothWays(
  description: string,
  make: (way: Way) => Uint8Array,
  becomes: RowOutcome | "allowed",
): PacketRow[] {
  return WAYS.map((way) => ({
    description: `${description}, ${way.name}`,
    packets: [{
      endpoint: SUBJECT,
      hook: way.hook,
      data: make(way),
      becomes: becomes === "allowed" ? way.allowed : becomes,
    }],
  }));
}
