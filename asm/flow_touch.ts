import { trieLookup, trieRoot } from "./address_trie";
import { conntrack4, conntrack6 } from "./conntrack";
import { hashFlow4, hashFlow6 } from "./hash";
import {
  CT4_KEY_SIZE,
  CT6_KEY_SIZE,
  CT_ENTRY_EXPIRES_OFF,
  CT_ENTRY_SIZE,
  DIRECTION_EGRESS,
  DIRECTION_INGRESS,
  HOOK_FROM_CONTAINER,
  PACKET_SLOT_DATA_OFF,
  PACKET_SLOT_HOOK_OFF,
  PACKET_SLOT_NOW_OFF,
} from "./layout";
import {
  ETH_HLEN,
  ETH_P_IP_BE,
  ETH_P_IPV6_BE,
  ETH_PROTOCOL_OFF,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_HLEN,
  IPV4_PROTOCOL_OFF,
  IPV4_SADDR_OFF,
  IPV6_DADDR_OFF,
  IPV6_HLEN,
  IPV6_NEXT_HEADER_OFF,
  IPV6_SADDR_OFF,
} from "./net";
import { firstSlot, positionIn, slotAt } from "./table";
import { FLOWS_OFF, own, TOUCHED_OFF } from "./worker";

/*
 * WebAssembly has no prefetch: what packets will probably need is loaded before. It decides
 * nothing: a wrong guess costs a load. All addresses are in tables, and no header is believed: a
 * slot has room for the bytes that are read.
 *
 * Headers are read a burst ahead, between two packets, at the pace at which the processor's own
 * prefetch follows. Where they lead to follows for a whole burst at once, in loops of few
 * instructions, so that many misses are under way together.
 *
 *   flow  ┌ the packet ┬ where its hash leads in the index, then the index's entry ┐  u32 each
 *         ├ family ────┬ peer, IPv4 only ──────────────────────────────────────────┤
 */

export const FLOW_SHIFT: usize = 4;
const INDEX_OFF: usize = 4;
const FAMILY_OFF: usize = 8;
const PEER_OFF: usize = 12;

/** IPv4 without options. */
const VERSION_IHL: u32 = 0x45;
/** A cache line after the first, in which the L4 header begins. */
const SECOND_LINE: usize = 64;

/** What a burst knows of its packet with this number. */
// @ts-ignore: decorator
@inline
function flowAt(number: u32): usize {
  return own + FLOWS_OFF + (<usize>number << FLOW_SHIFT);
}

/** The packet that was read ahead under this number. */
// @ts-ignore: decorator
@inline
export function packetAhead(number: u32): usize {
  return <usize>load<u32>(flowAt(number));
}

// @ts-ignore: decorator
@inline
function endsOfL4(l4: usize, protocol: u32, outward: bool): u64 {
  const direction: u64 = outward ? DIRECTION_EGRESS : DIRECTION_INGRESS;
  return <u64>load<u32>(l4) | <u64>protocol << 32 | direction << 40;
}

/** Reads the headers of a packet that will run later, and remembers them under a number. */
// @ts-ignore: decorator
@inline
export function readAhead(slot: usize, number: u32): void {
  const flow = flowAt(number);
  store<u32>(flow, <u32>slot);
  // The processor's prefetch does not see loads across two lines, as those of addresses are.
  store<u64>(own, load<u64>(slot, PACKET_SLOT_NOW_OFF) + load<u64>(slot, SECOND_LINE), TOUCHED_OFF);
  const ip = slot + PACKET_SLOT_DATA_OFF + <usize>ETH_HLEN;
  const type = <u32>load<u16>(slot + PACKET_SLOT_DATA_OFF, ETH_PROTOCOL_OFF);
  const outward = load<u32>(slot, PACKET_SLOT_HOOK_OFF) == HOOK_FROM_CONTAINER;
  if (type == ETH_P_IP_BE && load<u8>(ip) == VERSION_IHL) {
    const addresses = load<u64>(ip, IPV4_SADDR_OFF);
    const ends = endsOfL4(ip + <usize>IPV4_HLEN, <u32>load<u8>(ip, IPV4_PROTOCOL_OFF), outward);
    const table = conntrack4();
    const at = slotAt(table, firstSlot(table, hashFlow4(addresses, ends)));
    store<u32>(flow, <u32>at, INDEX_OFF);
    store<u32>(flow, 4, FAMILY_OFF);
    store<u32>(flow, outward ? <u32>(addresses >> 32) : <u32>addresses, PEER_OFF);
    return;
  }
  const table = conntrack6();
  let hash: u32 = 0; // of what has no flow here, any slot will do
  if (type == ETH_P_IPV6_BE) {
    const ends = endsOfL4(ip + <usize>IPV6_HLEN, <u32>load<u8>(ip, IPV6_NEXT_HEADER_OFF), outward);
    hash = hashFlow6(
      load<u64>(ip, IPV6_SADDR_OFF),
      load<u64>(ip, IPV6_SADDR_OFF + 8),
      load<u64>(ip, IPV6_DADDR_OFF),
      load<u64>(ip, IPV6_DADDR_OFF + 8),
      ends,
    );
  }
  store<u32>(flow, <u32>slotAt(table, firstSlot(table, hash)), INDEX_OFF);
  store<u32>(flow, 6, FAMILY_OFF);
}

/** Touches what the first `count` packets that were read ahead will need. */
// @ts-ignore: decorator
@inline
export function touchFlows(count: u32): void {
  let touched: u64 = 0;
  const end = flowAt(count);
  for (let flow = flowAt(0); flow < end; flow += 1 << FLOW_SHIFT) {
    store<u32>(flow, load<u32>(<usize>load<u32>(flow, INDEX_OFF)), INDEX_OFF);
  }
  for (let flow = flowAt(0); flow < end; flow += 1 << FLOW_SHIFT) {
    const entry = load<u32>(flow, INDEX_OFF);
    if (!entry) continue;
    const position = <usize>positionIn(entry);
    const isIpv4 = load<u32>(flow, FAMILY_OFF) == 4;
    const table = isIpv4 ? conntrack4() : conntrack6();
    touched += <u64>load<u32>(table.keys + position * (isIpv4 ? CT4_KEY_SIZE : CT6_KEY_SIZE));
    touched += <u64>load<u32>(table.values + position * CT_ENTRY_SIZE, CT_ENTRY_EXPIRES_OFF);
  }
  if (trieRoot()) {
    for (let flow = flowAt(0); flow < end; flow += 1 << FLOW_SHIFT) {
      if (load<u32>(flow, FAMILY_OFF) == 4) touched += trieLookup(load<u32>(flow, PEER_OFF));
    }
  }
  store<u64>(own, touched, TOUCHED_OFF); // or the loads would be taken away
}
