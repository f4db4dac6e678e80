import {
  DROP_TTL_EXCEEDED,
  ENDPOINT_INFO_MAC_OFF,
  ENDPOINT_INFO_NODE_MAC_OFF,
} from "./layout";
import { ETH_HLEN, ETH_SOURCE_OFF, IPV4_CHECK_OFF, IPV4_TTL_OFF, IPV6_HOP_LIMIT_OFF } from "./net";
import { packet } from "./packet";

/* bpf/deliver.h in AssemblyScript: what a router does to the packet on its last hop. */

/**
 * Adds 1 to the checksum's high byte in one's complement, as RFC 1141 does for a TTL
 * that went down by one, and never makes 0xFFFF (RFC 1624). Network byte order.
 */
function checksumAfterTtl(check: u32): u16 {
  const sum = check + 0x0001; // 0x0100 in network byte order
  return <u16>(sum + u32(sum >= 0xFFFF));
}

// @ts-ignore: decorator
@inline
function copyMac(to: usize, from: usize): void {
  store<u32>(to, load<u32>(from));
  store<u16>(to, load<u16>(from, 4), 4);
}

/**
 * Takes one off TTL or hop limit and sets the addresses of the last hop. The packet has
 * been parsed, so its headers are there. Returns 0 or a drop reason.
 */
export function forwardToEndpoint(data: usize, endpoint: usize): i32 {
  const ip = data + <usize>ETH_HLEN;
  if (packet.family == 4) {
    const ttl = load<u8>(ip, IPV4_TTL_OFF);
    if (ttl <= 1) return DROP_TTL_EXCEEDED;
    store<u8>(ip, ttl - 1, IPV4_TTL_OFF);
    store<u16>(ip, checksumAfterTtl(<u32>load<u16>(ip, IPV4_CHECK_OFF)), IPV4_CHECK_OFF);
  } else {
    const hopLimit = load<u8>(ip, IPV6_HOP_LIMIT_OFF);
    if (hopLimit <= 1) return DROP_TTL_EXCEEDED;
    store<u8>(ip, hopLimit - 1, IPV6_HOP_LIMIT_OFF);
  }
  copyMac(data, endpoint + ENDPOINT_INFO_MAC_OFF);
  copyMac(data + ETH_SOURCE_OFF, endpoint + ENDPOINT_INFO_NODE_MAC_OFF);
  return 0;
}
