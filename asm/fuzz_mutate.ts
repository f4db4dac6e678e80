import { below, fillRandom, oneIn, random32 } from "./fuzz_random";
import { pickPeer, pickPort } from "./fuzz_world";
import { PACKET_DATA_BYTES } from "./layout";
import {
  ETH_HLEN,
  ETH_P_8021AD_BE,
  ETH_P_8021Q_BE,
  ETH_P_ARP_BE,
  ETH_P_IP_BE,
  ETH_P_IPV6_BE,
  ETH_PROTOCOL_OFF,
  IPV4_FRAG_OFF_OFF,
  IPV4_HLEN,
  IPV4_PROTOCOL_OFF,
  IPV4_SADDR_OFF,
  IPV4_TOTAL_LEN_OFF,
  IPV4_TTL_OFF,
  IPV6_HLEN,
  IPV6_HOP_LIMIT_OFF,
  IPV6_NEXT_HEADER_OFF,
  IPV6_PAYLOAD_LEN_OFF,
  IPV6_SADDR_OFF,
} from "./net";

/* Changes of a packet, each in what a parser has to distrust. */

export const MUTATIONS: u32 = 12;

const VLAN_BYTES: u32 = 4;
const somebody: usize = memory.data(16, 16);

/** Applies mutation number `kind` to a packet; returns its new length. */
export function mutate(data: usize, length: u32, kind: u32): u32 {
  const ip = data + <usize>ETH_HLEN;
  const isIpv6 = load<u16>(data, ETH_PROTOCOL_OFF) == <u16>ETH_P_IPV6_BE;
  switch (kind) {
    case 0: // cut off
      return ETH_HLEN + below(length - ETH_HLEN + 1);
    case 1: { // more behind it
      const more = below(PACKET_DATA_BYTES - length + 1);
      fillRandom(data + <usize>length, more);
      return length + more;
    }
    case 2: // any byte of the headers
      store<u8>(data + <usize>below(min<u32>(length, 90)), <u8>random32());
      return length;
    case 3: // one bit of the headers
      flipBit(data + <usize>below(min<u32>(length, 90)));
      return length;
    case 4: // version and header length
      store<u8>(ip, <u8>random32());
      return length;
    case 5: // a length that lies
      lieAboutLength(ip + (isIpv6 ? IPV6_PAYLOAD_LEN_OFF : IPV4_TOTAL_LEN_OFF));
      return length;
    case 6: // another protocol
      store<u8>(ip + (isIpv6 ? IPV6_NEXT_HEADER_OFF : IPV4_PROTOCOL_OFF), <u8>anyProtocol());
      return length;
    case 7: // a fragment, or not
      if (isIpv6) store<u32>(ip + <usize>IPV6_HLEN, random32());
      else store<u16>(ip, <u16>random32(), IPV4_FRAG_OFF_OFF);
      return length;
    case 8: // the last hops
      store<u8>(ip + (isIpv6 ? IPV6_HOP_LIMIT_OFF : IPV4_TTL_OFF), <u8>below(3));
      return length;
    case 9: // somebody else's address
      pickPeer(somebody, isIpv6 ? 6 : 4);
      if (isIpv6) v128.store(ip, v128.load(somebody), IPV6_SADDR_OFF);
      else store<u32>(ip, load<u32>(somebody), IPV4_SADDR_OFF);
      return length;
    case 10: // another port
      store<u16>(ip + <usize>(isIpv6 ? IPV6_HLEN : IPV4_HLEN), bswap<u16>(<u16>pickPort()), 2);
      return length;
    default:
      return changeEthertype(data, length);
  }
}

function flipBit(at: usize): void {
  store<u8>(at, load<u8>(at) ^ <u8>(<u32>1 << below(8)));
}

/** Of a byte or two, all of it, or none. */
function lieAboutLength(at: usize): void {
  const told = <i32>bswap<u16>(load<u16>(at));
  const lie: i32 = oneIn(2) ? told - 2 + <i32>below(5) : <i32>(random32() & 0xFFFF);
  store<u16>(at, bswap<u16>(<u16>(oneIn(8) ? 0 : lie)));
}

function anyProtocol(): u32 {
  switch (below(12)) {
    case 0:
      return 0;
    case 1:
      return 1;
    case 2:
      return 6;
    case 3:
      return 17;
    case 4:
      return 43;
    case 5:
      return 44;
    case 6:
      return 51;
    case 7:
      return 58;
    case 8:
      return 60;
    case 9:
      return 132;
    default:
      return random32() & 0xFF;
  }
}

/** A VLAN tag before the packet, or another ethertype in place of its own. */
function changeEthertype(data: usize, length: u32): u32 {
  switch (below(6)) {
    case 0:
      store<u16>(data, <u16>ETH_P_ARP_BE, ETH_PROTOCOL_OFF);
      return length;
    case 1:
      store<u16>(data, <u16>random32(), ETH_PROTOCOL_OFF);
      return length;
    case 2:
      store<u16>(data, <u16>(oneIn(2) ? ETH_P_IP_BE : ETH_P_IPV6_BE), ETH_PROTOCOL_OFF);
      return length;
    default:
      return addVlanTag(data, length);
  }
}

function addVlanTag(data: usize, length: u32): u32 {
  if (length + VLAN_BYTES > PACKET_DATA_BYTES) return length;
  const type = data + ETH_PROTOCOL_OFF;
  memory.copy(type + <usize>VLAN_BYTES, type, <usize>length - ETH_PROTOCOL_OFF);
  store<u16>(type, <u16>(oneIn(2) ? ETH_P_8021Q_BE : ETH_P_8021AD_BE));
  store<u16>(type, <u16>random32(), 2);
  return length + VLAN_BYTES;
}
