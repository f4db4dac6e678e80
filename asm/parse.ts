import {
  isExtension,
  skipExtensions,
  walkedBytes,
  walkedFragment,
  walkedFragmentId,
  walkedNextHeader,
} from "./extensions";
import { checkIpv4Options } from "./ipv4_options";
import {
  DROP_CT_INVALID_HDR,
  DROP_CT_UNKNOWN_PROTO,
  DROP_INVALID,
  DROP_UNKNOWN_L3,
  DROP_VLAN_FILTERED,
} from "./layout";
import {
  ETH_HLEN,
  ETH_P_8021AD_BE,
  ETH_P_8021Q_BE,
  ETH_P_ARP_BE,
  ETH_P_IP_BE,
  ETH_P_IPV6_BE,
  ETH_PROTOCOL_OFF,
  ICMP_CODE_OFF,
  ICMP_DEST_UNREACH,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_FRAG_NEEDED,
  ICMP_HLEN,
  ICMP_ID_OFF,
  ICMP_PARAMETER_PROBLEM,
  ICMP_TIME_EXCEEDED,
  ICMPV6_DEST_UNREACH,
  ICMPV6_ECHO,
  ICMPV6_ECHOREPLY,
  ICMPV6_PACKET_TOO_BIG,
  ICMPV6_PARAMETER_PROBLEM,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_DADDR_OFF,
  IPV4_FRAG_OFF_OFF,
  IPV4_FRAGMENT_BE,
  IPV4_FRAGMENT_OFFSET_BE,
  IPV4_HLEN,
  IPV4_ID_OFF,
  IPV4_PROTOCOL_OFF,
  IPV4_SADDR_OFF,
  IPV4_TOTAL_LEN_OFF,
  IPV6_DADDR_OFF,
  IPV6_HLEN,
  IPV6_HOP_LIMIT_OFF,
  IPV6_NEXT_HEADER_OFF,
  IPV6_PAYLOAD_LEN_OFF,
  IPV6_SADDR_OFF,
  L4_DPORT_OFF,
  NDP_NEIGHBOUR_ADVERT,
  NDP_NEIGHBOUR_SOLICIT,
  NDP_ROUTER_SOLICIT,
  SCTP_HLEN,
  TCP_FLAGS_OFF,
  TCP_HLEN,
  UDP_HLEN,
} from "./net";
import {
  DADDR_OFF,
  FRAGMENT_FIRST,
  FRAGMENT_LATER,
  packet,
  PORTS_OFF,
  SADDR_OFF,
} from "./packet";
import {
  isPlain4,
  isPlain6,
  PLAIN4_L4,
  PLAIN6_L4,
  PLAIN_MIN,
  PLAIN_REST_OFF,
  PLAIN_START_OFF,
  plainProtocol4,
  plainProtocol6,
} from "./plain_headers";
import { parseQuoted } from "./quoted";

/*
 * bpf/parse.h in AssemblyScript; the decided behaviour is listed there. Memory has no
 * end that the machine would check, so every load stands behind a comparison with the
 * packet's length.
 */

/** Neither drop reasons nor 0. */
export const PARSE_PASS: i32 = -1;
/** Neighbour discovery, read whole like any ICMPv6. */
export const PARSE_NEIGHBOUR: i32 = -2;

/** Bytes that the L4 header must have; 0: nothing of it is read. */
// @ts-ignore: decorator
@inline
function l4HeaderLength(protocol: u32): u32 {
  if (protocol == IPPROTO_TCP) return TCP_HLEN;
  if (protocol == IPPROTO_UDP) return UDP_HLEN;
  if (protocol == IPPROTO_SCTP) return SCTP_HLEN;
  if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) return ICMP_HLEN;
  return 0;
}

/** Reads what policy and conntrack need of the L4 header, which has `length` bytes. */
function parseL4(l4: usize, length: u32): i32 {
  const protocol = <u32>packet.protocol;
  const headerLength = l4HeaderLength(protocol);
  if (protocol == (packet.family == 4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)) {
    return DROP_CT_UNKNOWN_PROTO;
  }
  if (<u32>packet.fragment == FRAGMENT_LATER) return 0;
  packet.trackable = true;
  packet.creates = true;
  if (!headerLength) return 0;
  // The IP length is within the packet, so this bound is the packet's as well.
  if (length < headerLength) return DROP_CT_INVALID_HDR;
  if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
    parseIcmp(l4, length);
    return 0;
  }
  const dport = load<u16>(l4, L4_DPORT_OFF);
  packet.sport = load<u16>(l4);
  packet.dport = dport;
  packet.policyPort = <u32>bswap<u16>(dport);
  if (protocol == IPPROTO_TCP) packet.tcpFlags = load<u8>(l4, TCP_FLAGS_OFF);
  return 0;
}

/** Whether an ICMP message of this type quotes the packet that it is about. */
function isIcmpError(family: u32, type: u32): bool {
  if (family == 6) return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMETER_PROBLEM;
  return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
    type == ICMP_PARAMETER_PROBLEM;
}

/** Path MTU discovery must not depend on policy. */
function isPathMtu(family: u32, icmp: usize): bool {
  const type = <u32>load<u8>(icmp);
  if (family == 6) return type == ICMPV6_PACKET_TOO_BIG;
  return type == ICMP_DEST_UNREACH && <u32>load<u8>(icmp, ICMP_CODE_OFF) == ICMP_FRAG_NEEDED;
}

function parseIcmp(icmp: usize, length: u32): void {
  const family = <u32>packet.family;
  const type = <u32>load<u8>(icmp);
  packet.policyPort = type;
  if (type == (family == 4 ? ICMP_ECHO : ICMPV6_ECHO)) {
    packet.sport = load<u16>(icmp, ICMP_ID_OFF);
    return;
  }
  packet.creates = false;
  if (type == (family == 4 ? ICMP_ECHOREPLY : ICMPV6_ECHOREPLY)) {
    packet.dport = load<u16>(icmp, ICMP_ID_OFF);
    return;
  }
  packet.trackable = false;
  if (packet.fragment) return;
  packet.alwaysAllowed = isPathMtu(family, icmp);
  if (isIcmpError(family, type)) parseQuoted(icmp + <usize>ICMP_HLEN, length - ICMP_HLEN);
}

// @ts-ignore: decorator
@inline
function parseIpv4(ip: usize, length: u32): i32 {
  if (length < IPV4_HLEN) return DROP_INVALID;
  const versionIhl = <u32>load<u8>(ip);
  if (versionIhl >> 4 != 4) return DROP_INVALID;
  const headerLength = (versionIhl & 0xF) * 4;
  const totalLength = <u32>bswap<u16>(load<u16>(ip, IPV4_TOTAL_LEN_OFF));
  if (headerLength < IPV4_HLEN || totalLength < headerLength || totalLength > length) {
    return DROP_INVALID;
  }
  packet.family = 4;
  packet.saddrLow = <u64>load<u32>(ip, IPV4_SADDR_OFF);
  packet.daddrLow = <u64>load<u32>(ip, IPV4_DADDR_OFF);
  packet.protocol = load<u8>(ip, IPV4_PROTOCOL_OFF);
  const fragment = <u32>load<u16>(ip, IPV4_FRAG_OFF_OFF);
  if (fragment & IPV4_FRAGMENT_BE) {
    packet.fragmentId = <u32>load<u16>(ip, IPV4_ID_OFF);
    packet.fragment = <u8>(fragment & IPV4_FRAGMENT_OFFSET_BE ? FRAGMENT_LATER : FRAGMENT_FIRST);
  }
  if (headerLength > IPV4_HLEN) {
    const reason = checkIpv4Options(ip + <usize>IPV4_HLEN, headerLength - IPV4_HLEN);
    if (reason) return reason;
  }
  return parseL4(ip + <usize>headerLength, totalLength - headerLength);
}

/** Types of ICMPv6; routers' advertisements and redirects are none. */
function isNeighbourDiscovery(type: u32): bool {
  return type == NDP_ROUTER_SOLICIT || type == NDP_NEIGHBOUR_SOLICIT ||
    type == NDP_NEIGHBOUR_ADVERT;
}

/** ICMPv6 directly behind the IPv6 header. */
function parseIcmpv6(ip: usize, length: u32): i32 {
  const reason = parseL4(ip + <usize>IPV6_HLEN, length);
  // RFC 4861: a hop limit of 255 proves that no router forwarded it.
  return !reason && load<u8>(ip, IPV6_HOP_LIMIT_OFF) == 255 &&
      isNeighbourDiscovery(packet.policyPort)
    ? PARSE_NEIGHBOUR
    : reason;
}

// @ts-ignore: decorator
@inline
function parseIpv6(ip: usize, length: u32): i32 {
  if (length < IPV6_HLEN) return DROP_INVALID;
  if (load<u8>(ip) >> 4 != 6) return DROP_INVALID;
  const payloadLength = <u32>bswap<u16>(load<u16>(ip, IPV6_PAYLOAD_LEN_OFF));
  if (payloadLength > length - IPV6_HLEN) return DROP_INVALID;
  packet.family = 6;
  packet.saddrLow = load<u64>(ip, IPV6_SADDR_OFF);
  packet.saddrHigh = load<u64>(ip, IPV6_SADDR_OFF + 8);
  packet.daddrLow = load<u64>(ip, IPV6_DADDR_OFF);
  packet.daddrHigh = load<u64>(ip, IPV6_DADDR_OFF + 8);
  const nextHeader = <u32>load<u8>(ip, IPV6_NEXT_HEADER_OFF);
  packet.protocol = <u8>nextHeader;
  if (nextHeader == IPPROTO_ICMPV6) return parseIcmpv6(ip, payloadLength);
  const l4 = ip + <usize>IPV6_HLEN;
  if (!isExtension(nextHeader)) return parseL4(l4, payloadLength);
  const reason = skipExtensions(nextHeader, l4, payloadLength);
  packet.protocol = <u8>walkedNextHeader;
  packet.fragment = <u8>walkedFragment;
  packet.fragmentId = walkedFragmentId;
  if (reason) return reason;
  return parseL4(l4 + <usize>walkedBytes, payloadLength - walkedBytes);
}

/** A packet that {@linkcode isPlain4} or {@linkcode isPlain6} says nothing about. */
function parseAny(data: usize, length: u32): i32 {
  if (length < ETH_HLEN) return DROP_INVALID;
  const ip = data + <usize>ETH_HLEN;
  switch (<u32>load<u16>(data, ETH_PROTOCOL_OFF)) {
    case ETH_P_IP_BE:
      return parseIpv4(ip, length - ETH_HLEN);
    case ETH_P_IPV6_BE:
      return parseIpv6(ip, length - ETH_HLEN);
    case ETH_P_ARP_BE:
      return PARSE_PASS;
    case ETH_P_8021Q_BE:
    case ETH_P_8021AD_BE:
      return DROP_VLAN_FILTERED;
    default:
      return DROP_UNKNOWN_L3;
  }
}

/**
 * Fills the packet with what plain headers hold. Addresses are stored whole, as they are read
 * later: a load that two stores must answer waits for both.
 */
// @ts-ignore: decorator
@inline
function readPlain(family: u8, source: v128, destination: v128, protocol: u32, l4: usize): void {
  const fields = changetype<usize>(packet);
  const ports = load<u32>(l4);
  v128.store(fields, source, SADDR_OFF);
  v128.store(fields, destination, DADDR_OFF);
  store<u32>(fields, ports, PORTS_OFF);
  packet.family = family;
  packet.protocol = <u8>protocol;
  packet.policyPort = <u32>bswap<u16>(<u16>(ports >> 16));
  packet.trackable = true;
  packet.creates = true;
  if (protocol == IPPROTO_TCP) packet.tcpFlags = load<u8>(l4, TCP_FLAGS_OFF);
}

// @ts-ignore: decorator
@inline
function readPlain4(data: usize, protocol: u32): void {
  const ip = data + <usize>ETH_HLEN;
  const source = v128.load32_zero(ip, IPV4_SADDR_OFF);
  const destination = v128.load32_zero(ip, IPV4_DADDR_OFF);
  readPlain(4, source, destination, protocol, data + <usize>PLAIN4_L4);
}

// @ts-ignore: decorator
@inline
function readPlain6(data: usize, protocol: u32): void {
  const ip = data + <usize>ETH_HLEN;
  const source = v128.load(ip, IPV6_SADDR_OFF);
  const destination = v128.load(ip, IPV6_DADDR_OFF);
  readPlain(6, source, destination, protocol, data + <usize>PLAIN6_L4);
}

/** Fills the packet as {@linkcode parsePacket} does, if it is known to be plain, of a family. */
// @ts-ignore: decorator
@inline
export function parsePlain(data: usize, length: u32, family: u32): void {
  packet.length = length;
  const rest = load<u32>(data, PLAIN_REST_OFF);
  if (family == 4) readPlain4(data, plainProtocol4(rest));
  else readPlain6(data, plainProtocol6(rest));
}

/**
 * Fills the packet, cleared by the caller, from `length` bytes at `data`. Returns 0,
 * PARSE_PASS, PARSE_NEIGHBOUR or a drop reason; on a drop the packet holds what was read until
 * then.
 */
// @ts-ignore: decorator
@inline
export function parsePacket(data: usize, length: u32): i32 {
  packet.length = length;
  if (length >= PLAIN_MIN) {
    const start = load<u64>(data, PLAIN_START_OFF);
    const rest = load<u32>(data, PLAIN_REST_OFF);
    if (isPlain4(start, rest, length)) {
      readPlain4(data, plainProtocol4(rest));
      return 0;
    }
    if (isPlain6(start, rest, length)) {
      readPlain6(data, plainProtocol6(rest));
      return 0;
    }
  }
  return parseAny(data, length);
}
