import { trieLookup, trieRoot } from "./address_trie";
import { conntrack4 } from "./conntrack";
import { hashFlow4 } from "./hash";
import {
  CT4_KEY_SIZE,
  CT_ENTRY_EXPIRES_OFF,
  CT_ENTRY_SIZE,
  DIRECTION_EGRESS,
  DIRECTION_INGRESS,
  HOOK_FROM_CONTAINER,
  PACKET_SLOT_DATA_OFF,
  PACKET_SLOT_HOOK_OFF,
} from "./layout";
import {
  ETH_HLEN,
  ETH_P_IP_BE,
  ETH_PROTOCOL_OFF,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_HLEN,
  IPV4_PROTOCOL_OFF,
  IPV4_SADDR_OFF,
} from "./net";
import { firstSlot, positionIn, slotEntry } from "./table";
import { own, TOUCHED_OFF } from "./worker";

/*
 * WebAssembly has no prefetch: the packets of a burst first load, one right after the other,
 * what their flows will probably need, so that these cache misses are under way together. It
 * decides nothing: a wrong guess costs a load. All addresses are in tables, and no header is
 * believed: a slot has room for the bytes that are read.
 */

/** IPv4 without options. */
const VERSION_IHL: u32 = 0x45;

/** Sum of what was loaded for a packet. */
// @ts-ignore: decorator
@inline
function touchFlow(slot: usize): u64 {
  const data = slot + PACKET_SLOT_DATA_OFF;
  const ip = data + <usize>ETH_HLEN;
  if (load<u16>(data, ETH_PROTOCOL_OFF) != ETH_P_IP_BE || load<u8>(ip) != VERSION_IHL) return 0;
  const protocol = <u32>load<u8>(ip, IPV4_PROTOCOL_OFF);
  if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) return 0;
  const outward = load<u32>(slot, PACKET_SLOT_HOOK_OFF) == HOOK_FROM_CONTAINER;
  const direction: u64 = outward ? DIRECTION_EGRESS : DIRECTION_INGRESS;
  const addresses = load<u64>(ip, IPV4_SADDR_OFF);
  const ports = <u64>load<u32>(ip + <usize>IPV4_HLEN) | <u64>protocol << 32 | direction << 40;
  let touched: u64 = 0;
  if (trieRoot()) {
    const peer = outward ? <u32>(addresses >> 32) : <u32>addresses;
    touched = trieLookup(peer);
  }
  const table = conntrack4();
  const indexed = slotEntry(table, firstSlot(table, hashFlow4(addresses, ports)));
  if (!indexed) return touched;
  const position = <usize>positionIn(indexed);
  return touched + load<u64>(table.keys + position * CT4_KEY_SIZE) +
    <u64>load<u32>(table.values + position * CT_ENTRY_SIZE, CT_ENTRY_EXPIRES_OFF);
}

/** Touches what `count` slots of `stride` bytes will need. */
// @ts-ignore: decorator
@inline
export function touchFlows(slots: usize, count: u32, stride: usize): void {
  let touched: u64 = 0;
  for (let i: u32 = 0; i < count; ++i) touched += touchFlow(slots + <usize>i * stride);
  store<u64>(own, touched, TOUCHED_OFF); // or the loads would be taken away
}
