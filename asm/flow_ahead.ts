import { conntrack4, conntrack6 } from "./conntrack";
import { hashFlow4, hashFlow6 } from "./hash";
import { ipcacheLookup } from "./ipcache";
import {
  CT4_KEY_SIZE,
  CT6_KEY_SIZE,
  CT_ENTRY_EXPIRES_OFF,
  CT_ENTRY_SIZE,
  DIRECTION_EGRESS,
  DIRECTION_INGRESS,
  HOOK_FROM_CONTAINER,
  PACKET_DATA_BYTES,
  PACKET_SLOT_DATA_OFF,
  PACKET_SLOT_HOOK_OFF,
  PACKET_SLOT_LENGTH_OFF,
  PACKET_SLOT_NOW_OFF,
} from "./layout";
import {
  ETH_HLEN,
  IPV4_DADDR_OFF,
  IPV4_SADDR_OFF,
  IPV6_DADDR_OFF,
  IPV6_SADDR_OFF,
} from "./net";
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
import { firstSlot, positionIn, slotAt, Table } from "./table";
import { FLOWS_OFF, own, TOUCHED_OFF } from "./worker";

/*
 * What packets need is found before they run. WebAssembly has no prefetch: headers are read a
 * burst ahead, between two packets, at the pace at which the processor's own prefetch follows.
 * What they lead to follows for a whole burst at once, in loops of few instructions, so that many
 * misses are under way together.
 *
 * Only what no packet changes is kept for the programs: the hash of a flow, the identity of its
 * peer. Entries of conntrack are loaded, which decides nothing: a wrong guess costs a load.
 *
 *   flow  ┌ the packet ┬ hash of its flow's key, 0: not plain ┬ family ───────┐  u32 each
 *         ├ where the hash leads in the index, then the index's entry ┬ unused ┤  u32 each
 *         ├ where the peer's address is, then its identity and slot ┬ unused ──┤  u64 each
 */

const FLOW_SIZE: usize = 32;
const HASH_OFF: usize = 4;
const FAMILY_OFF: usize = 8;
const INDEX_OFF: usize = 12;
const PEER_OFF: usize = 16;

/** A cache line after the first, in which the L4 header begins. */
const SECOND_LINE: usize = 64;

/** What is known of the burst's packet with this number. */
// @ts-ignore: decorator
@inline
export function flowAt(number: u32): usize {
  return own + FLOWS_OFF + <usize>number * FLOW_SIZE;
}

/** The slot that was read ahead. */
// @ts-ignore: decorator
@inline
export function flowPacket(flow: usize): usize {
  return <usize>load<u32>(flow);
}

/** The family of a plain packet; 0: it is none. */
// @ts-ignore: decorator
@inline
export function flowFamily(flow: usize): u32 {
  return load<u32>(flow, FAMILY_OFF);
}

/** Hash of the key that conntrack looks up first; 0: not known. */
// @ts-ignore: decorator
@inline
export function flowHash(flow: usize): u32 {
  return load<u32>(flow, HASH_OFF);
}

/** Identity and slot of the peer's address; 0: not known. */
// @ts-ignore: decorator
@inline
export function flowPeer(flow: usize): u64 {
  return load<u64>(flow, PEER_OFF);
}

/** Remembers where a plain packet's flow leads. */
// @ts-ignore: decorator
@inline
function remember(flow: usize, family: u32, hash: u32, table: Table, peer: usize): void {
  store<u32>(flow, hash, HASH_OFF);
  store<u32>(flow, family, FAMILY_OFF);
  store<u32>(flow, <u32>slotAt(table, firstSlot(table, hash)), INDEX_OFF);
  store<u64>(flow, <u64>peer, PEER_OFF);
}

/** The last word of a flow's key: ports, protocol, direction. */
// @ts-ignore: decorator
@inline
function keyEnd(l4: usize, protocol: u32, direction: u32): u64 {
  return <u64>load<u32>(l4) | <u64>protocol << 32 | <u64>direction << 40;
}

/** Reads the headers of a packet that will run later. */
export function readAhead(slot: usize, flow: usize): void {
  store<u32>(flow, <u32>slot);
  // The processor's prefetch does not see loads across two lines, as those of addresses are.
  store<u64>(own, load<u64>(slot, PACKET_SLOT_NOW_OFF) + load<u64>(slot, SECOND_LINE), TOUCHED_OFF);
  const data = slot + PACKET_SLOT_DATA_OFF;
  const length = load<u32>(slot, PACKET_SLOT_LENGTH_OFF);
  // As asm/emulator.ts finds the program.
  const outward = (load<u32>(slot, PACKET_SLOT_HOOK_OFF) & 1) == HOOK_FROM_CONTAINER;
  const direction = outward ? DIRECTION_EGRESS : DIRECTION_INGRESS;
  const ip = data + <usize>ETH_HLEN;
  if (length >= PLAIN_MIN && length <= PACKET_DATA_BYTES) {
    const start = load<u64>(data, PLAIN_START_OFF);
    const rest = load<u32>(data, PLAIN_REST_OFF);
    if (isPlain4(start, rest, length)) {
      const end = keyEnd(data + <usize>PLAIN4_L4, plainProtocol4(rest), direction);
      const hash = hashFlow4(load<u64>(ip, IPV4_SADDR_OFF), end);
      const peer = ip + (outward ? IPV4_DADDR_OFF : IPV4_SADDR_OFF);
      return remember(flow, 4, hash, conntrack4(), peer);
    }
    if (isPlain6(start, rest, length)) {
      const hash = hashFlow6(
        load<u64>(ip, IPV6_SADDR_OFF),
        load<u64>(ip, IPV6_SADDR_OFF + 8),
        load<u64>(ip, IPV6_DADDR_OFF),
        load<u64>(ip, IPV6_DADDR_OFF + 8),
        keyEnd(data + <usize>PLAIN6_L4, plainProtocol6(rest), direction),
      );
      const peer = ip + (outward ? IPV6_DADDR_OFF : IPV6_SADDR_OFF);
      return remember(flow, 6, hash, conntrack6(), peer);
    }
  }
  remember(flow, 0, 0, conntrack4(), 0);
}

/** Loads what an entry of the index names. */
// @ts-ignore: decorator
@inline
function touchEntry(entry: u32, table: Table, keySize: usize): u64 {
  // Without an entry the first one, instead of a branch that no predictor knows.
  const position = <usize>positionIn(entry | <u32>(entry == 0));
  return <u64>load<u32>(table.keys + position * keySize) +
    <u64>load<u32>(table.values + position * CT_ENTRY_SIZE, CT_ENTRY_EXPIRES_OFF);
}

/** Finds the peers of the first `count` packets that were read ahead, and touches their flows. */
export function touchFlows(count: u32): void {
  const end = flowAt(count);
  for (let flow = flowAt(0); flow < end; flow += FLOW_SIZE) {
    store<u32>(flow, load<u32>(<usize>load<u32>(flow, INDEX_OFF)), INDEX_OFF);
  }
  let touched: u64 = 0;
  for (let flow = flowAt(0); flow < end; flow += FLOW_SIZE) {
    const entry = load<u32>(flow, INDEX_OFF);
    if (flowFamily(flow) == 6) touched += touchEntry(entry, conntrack6(), CT6_KEY_SIZE);
    else touched += touchEntry(entry, conntrack4(), CT4_KEY_SIZE);
  }
  store<u64>(own, touched, TOUCHED_OFF); // or the loads would be taken away
  for (let flow = flowAt(0); flow < end; flow += FLOW_SIZE) {
    const family = flowFamily(flow);
    if (!family) continue;
    store<u64>(flow, ipcacheLookup(family, <usize>load<u32>(flow, PEER_OFF)), PEER_OFF);
  }
}
