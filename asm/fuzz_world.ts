import { below, fillRandom, oneIn, random32 } from "./fuzz_random";
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from "./net";

/*
 * What the generator knows of the node: lists that the host writes. Packets are made of what
 * the node's tables hold, since random addresses and ports would hit none of it.
 *
 *   endpoint  ┌ id u32 ┬ ipv4 u32 ┬ has4 u32 ┬ has6 u32 ┬ ipv6, 16 bytes ┐  32 bytes
 */

const ENDPOINT_SIZE: usize = 32;
const ENDPOINT_IPV4_OFF: usize = 4;
const ENDPOINT_HAS4_OFF: usize = 8;
const ENDPOINT_HAS6_OFF: usize = 12;
const ENDPOINT_IPV6_OFF: usize = 16;

/** Lists by number: where each is, and its length. */
const ENDPOINTS: u32 = 0;
const PEERS4: u32 = 1;
const PEERS6: u32 = 2;
const PORTS: u32 = 3;
const IDENTITIES: u32 = 4;
const CORPUS: u32 = 5;
const LISTS: u32 = 6;

const addresses: usize = memory.data(LISTS << 2, 8);
const counts: usize = memory.data(LISTS << 2, 8);

/** Takes a list of the host's: endpoints, IPv4 and IPv6 peers, ports, identities, packets. */
export function setFuzzList(list: u32, address: usize, count: u32): void {
  if (list >= LISTS) return;
  store<u32>(addresses + (<usize>list << 2), <u32>address);
  store<u32>(counts + (<usize>list << 2), count);
}

// @ts-ignore: decorator
@inline
function item(list: u32, index: u32, size: usize): usize {
  return <usize>load<u32>(addresses + (<usize>list << 2)) + <usize>index * size;
}

// @ts-ignore: decorator
@inline
function countOf(list: u32): u32 {
  return load<u32>(counts + (<usize>list << 2));
}

/** A random endpoint. */
export function pickEndpoint(): usize {
  return item(ENDPOINTS, below(countOf(ENDPOINTS)), ENDPOINT_SIZE);
}

export function endpointIdOf(endpoint: usize): u32 {
  return load<u32>(endpoint);
}

export function endpointHas(endpoint: usize, family: u32): bool {
  return load<u32>(endpoint + (family == 4 ? ENDPOINT_HAS4_OFF : ENDPOINT_HAS6_OFF)) != 0;
}

/** Writes an endpoint's address; IPv4 takes the first 4 of 16 bytes, the others are zero. */
export function copyEndpointAddress(to: usize, endpoint: usize, family: u32): void {
  if (family == 6) return v128.store(to, v128.load(endpoint, ENDPOINT_IPV6_OFF));
  v128.store(to, i64x2.splat(0));
  store<u32>(to, load<u32>(endpoint, ENDPOINT_IPV4_OFF));
}

/** Writes the address of somebody: of a table, next to one, or anybody's. */
export function pickPeer(to: usize, family: u32): void {
  const list = family == 4 ? PEERS4 : PEERS6;
  const count = countOf(list);
  if (!count || oneIn(32)) return anyAddress(to, family);
  if (family == 6) {
    v128.store(to, v128.load(item(list, below(count), 16)));
    if (oneIn(16)) store<u8>(to, <u8>random32(), 15);
    return;
  }
  v128.store(to, i64x2.splat(0));
  store<u32>(to, load<u32>(item(list, below(count), 4)));
  if (oneIn(16)) store<u8>(to, <u8>random32(), 3);
}

function anyAddress(to: usize, family: u32): void {
  if (family == 6) return fillRandom(to, 16);
  v128.store(to, i64x2.splat(0));
  store<u32>(to, random32());
}

/** A destination port, host byte order; for ICMP a type. Mostly one that a policy knows. */
export function pickPort(): u32 {
  const count = countOf(PORTS);
  if (!count || oneIn(64)) return random32() & 0xFFFF;
  return <u32>load<u16>(item(PORTS, below(count), 2));
}

/** An identity that may stand in a mark. */
export function pickIdentity(): u32 {
  const count = countOf(IDENTITIES);
  return count ? load<u32>(item(IDENTITIES, below(count), 4)) : 0;
}

export function hasCorpus(): bool {
  return countOf(CORPUS) != 0;
}

/** A packet of the corpus, in a slot of `size` bytes. */
export function pickTemplate(size: usize): usize {
  return item(CORPUS, below(countOf(CORPUS)), size);
}

/** Protocols as they are met, with some that nobody expects. */
export function pickProtocol(family: u32): u32 {
  const at = below(64);
  if (at < 26) return IPPROTO_TCP;
  if (at < 42) return IPPROTO_UDP;
  if (at < 54) return family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  if (at < 59) return IPPROTO_SCTP;
  if (at < 60) return family == 4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
  if (at < 62) return 47;
  return random32() & 0xFF;
}
