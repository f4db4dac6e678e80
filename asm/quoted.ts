import { isExtension, skipExtensions, walkedBytes, walkedFragment, walkedNextHeader } from "./extensions";
import {
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_ID_OFF,
  ICMPV6_ECHO,
  ICMPV6_ECHOREPLY,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_DADDR_OFF,
  IPV4_FRAG_OFF_OFF,
  IPV4_FRAGMENT_OFFSET_BE,
  IPV4_HLEN,
  IPV4_PROTOCOL_OFF,
  IPV4_SADDR_OFF,
  IPV6_DADDR_OFF,
  IPV6_HLEN,
  IPV6_NEXT_HEADER_OFF,
  IPV6_SADDR_OFF,
  L4_DPORT_OFF,
} from "./net";
import { clearQuoted, FRAGMENT_LATER, packet, quoted } from "./packet";

/*
 * parse_quoted() of bpf/parse.h in AssemblyScript: the packet that an ICMP error is about.
 */

/** Bytes of L4 that are read: an error quotes at least so many (RFC 792). */
const QUOTED_L4_LEN: u32 = 8;
/** Where there is no L4 header to read. */
const UNREADABLE: u32 = 0;

/** Reads addresses and protocol. Returns how far the L4 header is away, or UNREADABLE. */
function quotedIpv4(ip: usize, length: u32): u32 {
  if (length < IPV4_HLEN) return UNREADABLE;
  const versionIhl = <u32>load<u8>(ip);
  const headerLength = (versionIhl & 0xF) * 4;
  if (versionIhl >> 4 != 4 || headerLength < IPV4_HLEN) return UNREADABLE;
  if (<u32>load<u16>(ip, IPV4_FRAG_OFF_OFF) & IPV4_FRAGMENT_OFFSET_BE) return UNREADABLE;
  quoted.saddrLow = <u64>load<u32>(ip, IPV4_SADDR_OFF);
  quoted.daddrLow = <u64>load<u32>(ip, IPV4_DADDR_OFF);
  quoted.protocol = load<u8>(ip, IPV4_PROTOCOL_OFF);
  return headerLength;
}

/** The same for IPv6. */
function quotedIpv6(ip: usize, length: u32): u32 {
  if (length < IPV6_HLEN || load<u8>(ip) >> 4 != 6) return UNREADABLE;
  let nextHeader = <u32>load<u8>(ip, IPV6_NEXT_HEADER_OFF);
  let headers = IPV6_HLEN;
  if (isExtension(nextHeader)) {
    if (skipExtensions(nextHeader, ip + <usize>IPV6_HLEN, length - IPV6_HLEN)) return UNREADABLE;
    if (walkedFragment == FRAGMENT_LATER) return UNREADABLE;
    nextHeader = walkedNextHeader;
    headers += walkedBytes;
  }
  quoted.saddrLow = load<u64>(ip, IPV6_SADDR_OFF);
  quoted.saddrHigh = load<u64>(ip, IPV6_SADDR_OFF + 8);
  quoted.daddrLow = load<u64>(ip, IPV6_DADDR_OFF);
  quoted.daddrHigh = load<u64>(ip, IPV6_DADDR_OFF + 8);
  quoted.protocol = <u8>nextHeader;
  return headers;
}

/**
 * Reads the ends of the packet that an ICMP error quotes, of which there are `length` bytes.
 * An error that quotes nothing readable, or that is not sent to who sent the quoted packet,
 * belongs to no flow.
 */
export function parseQuoted(ip: usize, length: u32): void {
  clearQuoted();
  const family = packet.family;
  quoted.family = family;
  const headers = family == 4 ? quotedIpv4(ip, length) : quotedIpv6(ip, length);
  if (headers == UNREADABLE || headers > length || length - headers < QUOTED_L4_LEN) return;
  if (quoted.saddrLow != packet.daddrLow || quoted.saddrHigh != packet.daddrHigh) return;
  const l4 = ip + <usize>headers;
  switch (<u32>quoted.protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_SCTP:
      quoted.sport = load<u16>(l4);
      quoted.dport = load<u16>(l4, L4_DPORT_OFF);
      break;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6: {
      const type = <u32>load<u8>(l4);
      if (type == (family == 4 ? ICMP_ECHO : ICMPV6_ECHO)) {
        quoted.sport = load<u16>(l4, ICMP_ID_OFF);
      } else if (type == (family == 4 ? ICMP_ECHOREPLY : ICMPV6_ECHOREPLY)) {
        quoted.dport = load<u16>(l4, ICMP_ID_OFF);
      } else {
        return;
      }
    }
  }
  packet.quotes = true;
}
