import { PACKET_OFF, QUOTED_OFF, VERDICT_OFF } from "./worker";

/*
 * What the stages know of one packet (bpf/packet.h), in the worker's area: one packet is
 * under way at a time, so there is one of each.
 */

/** Both ends of a flow, as one of its packets names them. */
@unmanaged
export class Tuple {
  /** IPv4: the first four bytes, the others 0; network byte order. */
  saddrLow: u64;
  saddrHigh: u64;
  daddrLow: u64;
  daddrHigh: u64;
  /** Network byte order; an echo: its id on the side of the one who asks. */
  sport: u16;
  dport: u16;
  /** 4, 6 or 0. */
  family: u8;
  protocol: u8;
}

/** A packet, conntrack's view of it first. */
@unmanaged
class Packet extends Tuple {
  /** Host byte order; ICMP: the type; 0 where there is none. */
  policyPort: u32;
  length: u32;
  srcIdentity: u32;
  dstIdentity: u32;
  /** Network byte order. */
  fragmentId: u32;
  /** FRAGMENT_*. */
  fragment: u8;
  tcpFlags: u8;
  trackable: bool;
  creates: bool;
  alwaysAllowed: bool;
  /** {@linkcode quoted} is set. */
  quotes: bool;
  /** Hash of the key that conntrack looks up; 0: not known yet. */
  flowHash: u32;
  /** Identity and slot of the peer's address; 0: not known yet. */
  peer: u64;
}

/** What policy said of it. */
@unmanaged
class Verdict {
  cookie: u32;
  revision: u32;
  /** Id in the table of redirects, 0: none. */
  redirect: u16;
  /** Where it leads, host byte order; 0: not to a proxy. */
  proxyPort: u16;
  verdict: u8;
  matchType: u8;
  ctState: u8;
  /** The drop reason that audit mode has overruled, or 0. */
  audited: u8;
  /** Of the entry: protocol and port bits. */
  prefixLength: u8;
}

export const FRAGMENT_NONE: u32 = 0;
export const FRAGMENT_FIRST: u32 = 1;
export const FRAGMENT_LATER: u32 = 2;

export const SADDR_OFF: usize = 0;
export const DADDR_OFF: usize = 16;
/** Source port, then destination port. */
export const PORTS_OFF: usize = 32;

// The first worker's area is at 1024; literals, so that they fold in the plain build.
export let packet: Packet = changetype<Packet>(1088);
export let verdict: Verdict = changetype<Verdict>(1168);
/** Of the packet that an ICMP error is about. */
export let quoted: Tuple = changetype<Tuple>(1200);

/** Part of entering a worker. */
export function usePacketsOf(area: usize): void {
  packet = changetype<Packet>(area + PACKET_OFF);
  verdict = changetype<Verdict>(area + VERDICT_OFF);
  quoted = changetype<Tuple>(area + QUOTED_OFF);
}

/** The packet's own ends. */
// @ts-ignore: decorator
@inline
export function tuple(): Tuple {
  return changetype<Tuple>(changetype<usize>(packet));
}

/** Forgets the packet of before: stores, since memory.fill is a call out of the module. */
// @ts-ignore: decorator
@inline
export function clearPacket(): void {
  const zero = i32x4.splat(0);
  v128.store(changetype<usize>(packet), zero);
  v128.store(changetype<usize>(packet), zero, 16);
  v128.store(changetype<usize>(packet), zero, 32);
  v128.store(changetype<usize>(packet), zero, 48);
  v128.store(changetype<usize>(packet), zero, 64);
  v128.store(changetype<usize>(verdict), zero);
  store<u32>(changetype<usize>(verdict), 0, 16);
}

/** Forgets the quoted packet of before: few packets quote one. */
export function clearQuoted(): void {
  const zero = i32x4.splat(0);
  v128.store(changetype<usize>(quoted), zero);
  v128.store(changetype<usize>(quoted), zero, 16);
  v128.store(changetype<usize>(quoted), zero, 32);
}
