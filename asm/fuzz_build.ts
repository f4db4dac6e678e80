import { Flow, FLOW_DESTINATION_OFF, FLOW_SOURCE_OFF, icmpAnswer } from "./fuzz_flow";
import { below, fillRandom, oneIn, random32, random64 } from "./fuzz_random";
import { pickPeer } from "./fuzz_world";
import { HOOK_TO_CONTAINER, PACKET_DATA_BYTES } from "./layout";
import {
  ETH_HLEN,
  ETH_P_IP_BE,
  ETH_P_IPV6_BE,
  ETH_PROTOCOL_OFF,
  ICMP_DEST_UNREACH,
  ICMP_HLEN,
  ICMP_PARAMETER_PROBLEM,
  ICMP_TIME_EXCEEDED,
  IPPROTO_AH,
  IPPROTO_DSTOPTS,
  IPPROTO_FRAGMENT,
  IPPROTO_HOPOPTS,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_ROUTING,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_CHECK_OFF,
  IPV4_DADDR_OFF,
  IPV4_FRAG_OFF_OFF,
  IPV4_HLEN,
  IPV4_ID_OFF,
  IPV4_PROTOCOL_OFF,
  IPV4_SADDR_OFF,
  IPV4_TOTAL_LEN_OFF,
  IPV4_TTL_OFF,
  IPV6_DADDR_OFF,
  IPV6_HLEN,
  IPV6_HOP_LIMIT_OFF,
  IPV6_NEXT_HEADER_OFF,
  IPV6_PAYLOAD_LEN_OFF,
  IPV6_SADDR_OFF,
  SCTP_HLEN,
  TCP_FLAGS_OFF,
  TCP_HLEN,
  UDP_HLEN,
} from "./net";
import { FRAGMENT_FIRST, FRAGMENT_LATER, FRAGMENT_NONE } from "./packet";

/*
 * Writes packets of a conversation, byte by byte, valid but for what is rare on purpose:
 *
 *   ┌ Ethernet ┬ IPv4, options │ IPv6, extension headers ┬ L4 │ ICMP error, quotation ┬ payload ┐
 */

/** Extension headers start before this; an ICMP error needs room for what it quotes. */
const CHAIN_END: u32 = 140;
const CHAIN_END_OF_ERROR: u32 = 90;

const MORE_FRAGMENTS: u32 = 0x2000;

/** The ends of the packet under way. */
const ends: usize = memory.data(32, 16);
let chainEnd: u32 = CHAIN_END;

/** Writes a header of a conversation's packet in one direction; returns its length. */
export function writeFlowPacket(data: usize, flow: Flow, reply: bool, tcpFlags: u32): u32 {
  return writePacket(data, flow, reply, tcpFlags, FRAGMENT_NONE);
}

/** Writes one fragment of a packet, FRAGMENT_FIRST or FRAGMENT_LATER. */
export function writeFragment(data: usize, flow: Flow, reply: bool, fragment: u32): u32 {
  if (fragment == FRAGMENT_FIRST) flow.fragmentId = random32();
  return writePacket(data, flow, reply, 0x10, fragment);
}

/** Writes an ICMP error about a packet that the conversation's end has sent in `reply` direction. */
export function writeError(data: usize, flow: Flow, reply: bool): u32 {
  const family: u32 = flow.family;
  setEnds(flow, !reply);
  // A router on the way tells, or the other end; a container can only speak for itself.
  const hook: u32 = reply ? flow.hook : flow.replyHook;
  if (hook == HOOK_TO_CONTAINER && oneIn(2)) pickPeer(ends, family);
  const protocol = family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  chainEnd = CHAIN_END_OF_ERROR;
  const l4 = writeIpHeaders(data, flow, protocol, FRAGMENT_NONE);
  chainEnd = CHAIN_END;
  fillRandom(l4, ICMP_HLEN);
  store<u8>(l4, <u8>errorType(family));
  store<u8>(l4, <u8>(oneIn(2) ? 4 : below(16)), 1);
  const quoted = l4 + ICMP_HLEN;
  setEnds(flow, reply);
  if (oneIn(24)) pickPeer(ends, family);
  const inner = writeInnerHeader(quoted, flow);
  const end = writeL4(inner, flow, reply, 0x10);
  return closePacket(data, family, end);
}

/** ARP, or a neighbour's message, which no policy stops. */
export function writeNeighbour(data: usize, flow: Flow): u32 {
  if (flow.family == 4) {
    fillRandom(data, 42);
    store<u16>(data, 0x0608, ETH_PROTOCOL_OFF);
    return 42;
  }
  setEnds(flow, false);
  const l4 = writeIpHeaders(data, flow, IPPROTO_ICMPV6, FRAGMENT_NONE);
  fillRandom(l4, 24);
  store<u8>(l4, <u8>(132 + below(6)));
  if (!oneIn(8)) store<u8>(data + <usize>ETH_HLEN, 255, IPV6_HOP_LIMIT_OFF);
  return closePacket(data, 6, l4 + 24);
}

/** Bytes without any sense. */
export function writeGarbage(data: usize): u32 {
  const length = ETH_HLEN + below(PACKET_DATA_BYTES - ETH_HLEN + 1);
  fillRandom(data, length);
  if (oneIn(2)) store<u16>(data, <u16>(oneIn(2) ? ETH_P_IP_BE : ETH_P_IPV6_BE), ETH_PROTOCOL_OFF);
  return length;
}

function writePacket(data: usize, flow: Flow, reply: bool, tcpFlags: u32, fragment: u32): u32 {
  setEnds(flow, reply);
  const l4 = writeIpHeaders(data, flow, flow.protocol, fragment);
  const end = fragment == FRAGMENT_LATER ? l4 : writeL4(l4, flow, reply, tcpFlags);
  return closePacket(data, flow.family, end);
}

function setEnds(flow: Flow, reply: bool): void {
  const at = changetype<usize>(flow);
  v128.store(ends, v128.load(at + (reply ? FLOW_DESTINATION_OFF : FLOW_SOURCE_OFF)));
  v128.store(ends, v128.load(at + (reply ? FLOW_SOURCE_OFF : FLOW_DESTINATION_OFF)), 16);
}

function errorType(family: u32): u32 {
  if (family == 6) return 1 + below(4);
  const at = below(4);
  if (at < 2) return ICMP_DEST_UNREACH;
  return at == 2 ? ICMP_TIME_EXCEEDED : ICMP_PARAMETER_PROBLEM;
}

/** Ethernet and IP; returns where the L4 header starts. */
function writeIpHeaders(data: usize, flow: Flow, protocol: u32, fragment: u32): usize {
  store<u64>(data, random64());
  store<u32>(data, random32(), 8);
  const ip = data + <usize>ETH_HLEN;
  if (flow.family == 4) {
    store<u16>(data, <u16>ETH_P_IP_BE, ETH_PROTOCOL_OFF);
    return writeIpv4(ip, flow, protocol, fragment);
  }
  store<u16>(data, <u16>ETH_P_IPV6_BE, ETH_PROTOCOL_OFF);
  writeIpv6(ip);
  return writeExtensions(data, ip, flow, protocol, fragment);
}

function writeIpv4(ip: usize, flow: Flow, protocol: u32, fragment: u32): usize {
  const options: u32 = oneIn(24) ? 1 + below(10) : 0;
  store<u8>(ip, <u8>(0x45 + options));
  store<u8>(ip, <u8>random32(), 1);
  store<u16>(ip, <u16>random32(), IPV4_ID_OFF);
  store<u16>(ip, bswap<u16>(0x4000), IPV4_FRAG_OFF_OFF);
  if (fragment != FRAGMENT_NONE) writeFragmentField(ip, flow, fragment);
  store<u8>(ip, <u8>ttl(), IPV4_TTL_OFF);
  store<u8>(ip, <u8>protocol, IPV4_PROTOCOL_OFF);
  store<u16>(ip, <u16>random32(), IPV4_CHECK_OFF);
  store<u32>(ip, load<u32>(ends), IPV4_SADDR_OFF);
  store<u32>(ip, load<u32>(ends, 16), IPV4_DADDR_OFF);
  for (let word: u32 = 0; word < options; ++word) {
    store<u32>(ip + <usize>(IPV4_HLEN + (word << 2)), ipv4Option());
  }
  return ip + <usize>(IPV4_HLEN + (options << 2));
}

function writeFragmentField(ip: usize, flow: Flow, fragment: u32): void {
  const more: u32 = oneIn(2) ? MORE_FRAGMENTS : 0;
  const field: u32 = fragment == FRAGMENT_FIRST ? MORE_FRAGMENTS : more | (1 + below(0x1FFF));
  store<u16>(ip, bswap<u16>(<u16>field), IPV4_FRAG_OFF_OFF);
  store<u16>(ip, <u16>flow.fragmentId, IPV4_ID_OFF);
}

/** Options of 4 bytes: nothing, a route alert, the end, strict and loose routes; or anything. */
function ipv4Option(): u32 {
  switch (below(12)) {
    case 0:
      return random32();
    case 1:
      return below(0x10000);
    case 2:
      return 0x00040489;
    case 3:
      return 0x00040483;
    case 4:
      return 0;
    case 5:
    case 6:
    case 7:
      return 0x00000494;
    default:
      return 0x01010101;
  }
}

function ttl(): u32 {
  if (!oneIn(32)) return 64;
  return below(4);
}

function writeIpv6(ip: usize): void {
  store<u32>(ip, random32());
  store<u8>(ip, <u8>(0x60 | below(16)));
  store<u8>(ip, <u8>ttl(), IPV6_HOP_LIMIT_OFF);
  v128.store(ip, v128.load(ends), IPV6_SADDR_OFF);
  v128.store(ip, v128.load(ends, 16), IPV6_DADDR_OFF);
}

/** The extension headers and, at the end of the chain, the protocol. */
function writeExtensions(
  data: usize,
  ip: usize,
  flow: Flow,
  protocol: u32,
  fragment: u32,
): usize {
  let field = ip + IPV6_NEXT_HEADER_OFF;
  let at = ip + <usize>IPV6_HLEN;
  let left: u32 = oneIn(12) ? 1 + below(oneIn(4) ? 10 : 3) : 0;
  let first = true;
  while (left > 0 && at < data + <usize>chainEnd) {
    const kind = pickExtension(first);
    store<u8>(field, <u8>kind);
    field = at;
    at = writeExtension(at, kind);
    first = false;
    left -= 1;
  }
  if (fragment != FRAGMENT_NONE || oneIn(256)) {
    store<u8>(field, <u8>IPPROTO_FRAGMENT);
    field = at;
    at = writeFragmentHeader(at, flow, fragment);
  }
  store<u8>(field, <u8>protocol);
  return at;
}

function pickExtension(first: bool): u32 {
  const at = below(16);
  if (at < 4) return first || oneIn(8) ? IPPROTO_HOPOPTS : IPPROTO_DSTOPTS;
  if (at < 9) return IPPROTO_DSTOPTS;
  if (at < 12) return IPPROTO_ROUTING;
  if (at < 15) return IPPROTO_AH;
  return IPPROTO_FRAGMENT;
}

function writeExtension(at: usize, kind: u32): usize {
  const length: u32 = oneIn(4) ? 1 + below(2) : 0;
  const bytes = kind == IPPROTO_AH ? (length + 2) << 2 : (length + 1) << 3;
  fillRandom(at, bytes);
  store<u8>(at, <u8>(oneIn(32) ? random32() : length), 1);
  if (kind == IPPROTO_ROUTING && !oneIn(6)) store<u8>(at, 0, 3); // segments left
  return at + <usize>bytes;
}

function writeFragmentHeader(at: usize, flow: Flow, fragment: u32): usize {
  const more: u32 = below(2);
  let field: u32 = 0; // atomic (RFC 6946)
  if (fragment == FRAGMENT_FIRST) field = 1;
  if (fragment == FRAGMENT_LATER) field = (1 + below(0x1FFF)) << 3 | more;
  store<u8>(at, <u8>random32(), 1);
  store<u16>(at, bswap<u16>(<u16>field), 2);
  store<u32>(at, flow.fragmentId, 4);
  return at + 8;
}

/** The header of a quoted packet; returns where its L4 header starts. */
function writeInnerHeader(at: usize, flow: Flow): usize {
  if (flow.family == 4) {
    const l4 = writeIpv4(at, flow, flow.protocol, oneIn(32) ? FRAGMENT_LATER : FRAGMENT_NONE);
    store<u16>(at, bswap<u16>(<u16>(20 + below(1480))), IPV4_TOTAL_LEN_OFF);
    return l4;
  }
  writeIpv6(at);
  store<u16>(at, <u16>random32(), IPV6_PAYLOAD_LEN_OFF);
  store<u8>(at, flow.protocol, IPV6_NEXT_HEADER_OFF);
  if (!oneIn(8)) return at + <usize>IPV6_HLEN;
  const kind = pickExtension(true);
  const extension = at + <usize>IPV6_HLEN;
  store<u8>(at, <u8>kind, IPV6_NEXT_HEADER_OFF);
  const end = kind == IPPROTO_FRAGMENT
    ? writeFragmentHeader(extension, flow, below(3))
    : writeExtension(extension, kind);
  store<u8>(extension, flow.protocol);
  return end;
}

/** Returns the L4 header's end. */
function writeL4(l4: usize, flow: Flow, reply: bool, tcpFlags: u32): usize {
  const protocol: u32 = flow.protocol;
  if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
    store<u64>(l4, random64());
    // With id 0 a request and an answer to nobody are of one flow, and policy may tell them apart.
    const answers = reply || (!flow.sport && oneIn(3));
    store<u8>(l4, <u8>(answers ? icmpAnswer(flow) : flow.icmpType));
    store<u8>(l4, flow.icmpCode, 1);
    store<u16>(l4, flow.sport, 4);
    return l4 + <usize>ICMP_HLEN;
  }
  const isTransport = protocol == IPPROTO_TCP || protocol == IPPROTO_UDP ||
    protocol == IPPROTO_SCTP;
  if (!isTransport) return l4;
  const bytes = protocol == IPPROTO_TCP
    ? TCP_HLEN
    : protocol == IPPROTO_UDP
    ? UDP_HLEN
    : SCTP_HLEN;
  fillRandom(l4, bytes);
  store<u16>(l4, reply ? flow.dport : flow.sport);
  store<u16>(l4, reply ? flow.sport : flow.dport, 2);
  if (protocol == IPPROTO_TCP) {
    store<u8>(l4, 0x50, 12);
    store<u8>(l4, <u8>tcpFlags, TCP_FLAGS_OFF);
  }
  return l4 + <usize>bytes;
}

/** Adds a payload, tells the lengths, and adds what Ethernet may; returns the packet's length. */
function closePacket(data: usize, family: u32, end: usize): u32 {
  const room = PACKET_DATA_BYTES - <u32>(end - data);
  const payload = min(room, below(oneIn(16) ? 160 : 24));
  fillRandom(end, payload);
  const length = <u32>(end - data) + payload;
  const ip = data + <usize>ETH_HLEN;
  if (family == 4) store<u16>(ip, bswap<u16>(<u16>(length - ETH_HLEN)), IPV4_TOTAL_LEN_OFF);
  else {
    const bytes = length - ETH_HLEN - IPV6_HLEN;
    store<u16>(ip, bswap<u16>(<u16>bytes), IPV6_PAYLOAD_LEN_OFF);
  }
  if (!oneIn(16)) return length;
  const padding = min(PACKET_DATA_BYTES - length, below(16));
  fillRandom(data + <usize>length, padding);
  return length + padding;
}
