/*
 * What the stages know of one packet (bpf/packet.h), in raw memory: one packet is under
 * way at a time, so there is one of each.
 */
@unmanaged
class Packet {
  /** IPv4: the first four bytes, the others 0; network byte order. */
  saddrLow: u64;
  saddrHigh: u64;
  daddrLow: u64;
  daddrHigh: u64;
  /** Conntrack's view, network byte order. */
  sport: u16;
  dport: u16;
  /** Host byte order; ICMP: the type. */
  policyPort: u32;
  length: u32;
  srcIdentity: u32;
  dstIdentity: u32;
  family: u8;
  protocol: u8;
  tcpFlags: u8;
  trackable: bool;
  alwaysAllowed: bool;
  creates: bool;
}

/** What policy said of it. */
@unmanaged
class Verdict {
  cookie: u32;
  revision: u32;
  verdict: u8;
  matchType: u8;
  ctState: u8;
}

export const SADDR_OFF: usize = 0;
export const DADDR_OFF: usize = 16;

export const packet = changetype<Packet>(memory.data(64, 16));
export const verdict = changetype<Verdict>(memory.data(16, 16));

/** Forgets the packet of before: stores, since memory.fill is a call out of the module. */
// @ts-ignore: decorator
@inline
export function clearPacket(): void {
  const zero = i32x4.splat(0);
  v128.store(changetype<usize>(packet), zero);
  v128.store(changetype<usize>(packet), zero, 16);
  v128.store(changetype<usize>(packet), zero, 32);
  v128.store(changetype<usize>(packet), zero, 48);
  v128.store(changetype<usize>(verdict), zero);
}
