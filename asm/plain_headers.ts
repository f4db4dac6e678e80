import {
  ETH_HLEN,
  ETH_P_IP_BE,
  ETH_P_IPV6_BE,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_FRAGMENT_BE,
  IPV4_HLEN,
  IPV4_TTL_OFF,
  IPV6_HLEN,
  TCP_HLEN,
  UDP_HLEN,
} from "./net";

/*
 * The headers that nearly every packet has: IPv4 without options and not a fragment, or IPv6
 * without extension headers, then TCP or UDP, whole. parsePacket() returns 0 for such a packet,
 * and its fields stand at known places; about all others nothing is said here. Two words tell
 * what is plain, since each load costs a comparison with the end of memory:
 *
 *   start, IPv4  ┌ ethertype (2) ┬ version, IHL ┬ TOS ┬ total length (2) ┬ id (2) ┐
 *   start, IPv6  ┌ ethertype (2) ┬ version, class, flow label (4) ┬ payload length (2) ┐
 *   rest, IPv4   ┌ fragment (2) ┬ TTL ┬ protocol ┐
 *   rest, IPv6   ┌ next header ┬ hop limit ┬ source … ┐
 */

export const PLAIN_START_OFF: usize = 12;
export const PLAIN_REST_OFF: usize = 20;
export const PLAIN4_L4: u32 = ETH_HLEN + IPV4_HLEN;
export const PLAIN6_L4: u32 = ETH_HLEN + IPV6_HLEN;
/** Fewer bytes are no plain packet: the words need not be read. */
export const PLAIN_MIN: u32 = PLAIN4_L4 + UDP_HLEN;

const IPV4_TTL_AT: usize = <usize>ETH_HLEN + IPV4_TTL_OFF;

/** Ethertype, version and header length. */
const PLAIN4_MASK: u64 = 0xFFFFFF;
const PLAIN4: u64 = 0x450000 | <u64>ETH_P_IP_BE;
/** Ethertype and version. */
const PLAIN6_MASK: u64 = 0xF0FFFF;
const PLAIN6: u64 = 0x600000 | <u64>ETH_P_IPV6_BE;

// @ts-ignore: decorator
@inline
export function plainProtocol4(rest: u32): u32 {
  return rest >> 24;
}

// @ts-ignore: decorator
@inline
export function plainProtocol6(rest: u32): u32 {
  return rest & 0xFF;
}

/** Whether `bytes` behind the IP header hold the L4 one, and are among the `present` ones. */
// @ts-ignore: decorator
@inline
function holdsL4(protocol: u32, bytes: i32, present: i32): bool {
  if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) return false;
  const header = protocol == IPPROTO_TCP ? TCP_HLEN : UDP_HLEN;
  return bytes >= <i32>header && bytes <= present;
}

/** Whether a packet of `length` bytes, at least PLAIN_MIN, is plain IPv4. */
// @ts-ignore: decorator
@inline
export function isPlain4(start: u64, rest: u32, length: u32): bool {
  if ((start & PLAIN4_MASK) != PLAIN4 || rest & IPV4_FRAGMENT_BE) return false;
  const bytes = <u32>bswap<u16>(<u16>(start >> 32)) - IPV4_HLEN;
  return holdsL4(plainProtocol4(rest), bytes, length - PLAIN4_L4);
}

/** Whether a packet of `length` bytes, at least PLAIN_MIN, is plain IPv6. */
// @ts-ignore: decorator
@inline
export function isPlain6(start: u64, rest: u32, length: u32): bool {
  if ((start & PLAIN6_MASK) != PLAIN6) return false;
  const bytes = <u32>bswap<u16>(<u16>(start >> 48));
  return holdsL4(plainProtocol6(rest), bytes, length - PLAIN6_L4);
}

/**
 * Policy key of a plain IPv4 packet (low) and its destination (high, network byte order): one
 * load of the 16 bytes from the TTL to the destination port, one permutation.
 */
// @ts-ignore: decorator
@inline
export function plainKeyAndDestination4(data: usize): u64 {
  const bytes = v128.load(data, IPV4_TTL_AT);
  const order = i8x16(15, 14, 1, -1, 8, 9, 10, 11, -1, -1, -1, -1, -1, -1, -1, -1);
  return <u64>i64x2.extract_lane(i8x16.swizzle(bytes, order), 0);
}
