import { accounting } from "./accounting";
import { conntrack4, conntrack6 } from "./conntrack";
import { runPackets } from "./emulator";
import { reported } from "./events";
import { fragments4, fragments6 } from "./fragment";
import { MADE_COUNT } from "./fuzz_generate";
import {
  CT_ENTRY_FLAGS_OFF,
  CT_ENTRY_SIZE,
  CT_NEW,
  CT_RELATED,
  CT4_KEY_PROTOCOL_OFF,
  CT4_KEY_SIZE,
  CT6_KEY_PROTOCOL_OFF,
  CT6_KEY_SIZE,
  EVENT_DIRECTION_OFF,
  EVENT_SIZE,
  EVENT_TYPE_OFF,
  MARK_MASK,
  PACKET_REDIRECT,
  PACKET_SLOT_DATA_OFF,
  PACKET_SLOT_HOOK_OFF,
  PACKET_SLOT_MARK_OFF,
  PACKET_SLOT_PAD_OFF,
  PACKET_SLOT_SIZE,
  PACKET_SLOT_VERDICT_OFF,
} from "./layout";
import {
  ETH_HLEN,
  ETH_P_8021AD_BE,
  ETH_P_8021Q_BE,
  ETH_P_ARP_BE,
  ETH_P_IP_BE,
  ETH_P_IPV6_BE,
  ETH_PROTOCOL_OFF,
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
  IPV6_HLEN,
  IPV6_HOP_LIMIT_OFF,
  IPV6_NEXT_HEADER_OFF,
  NDP_NEIGHBOUR_ADVERT,
  NDP_ROUTER_SOLICIT,
} from "./net";
import { packet, quoted, verdict } from "./packet";
import { Table } from "./table";

/*
 * Counts what packets have reached, so that "no mismatch" means something. u32 each, by group;
 * src/fuzz/coverage.ts names them.
 */

const PROTOCOL_KINDS: u32 = 6;
/** A conntrack state, or 5: no stage asked for one. */
const STATE_KINDS: u32 = 6;
const VERDICT_KINDS: u32 = 4;

export const COVER_OUTCOME: u32 = 0; // hook × verdict
export const COVER_STATE: u32 = COVER_OUTCOME + 2 * VERDICT_KINDS; // state × protocol × family
export const COVER_MATCH: u32 = COVER_STATE + STATE_KINDS * PROTOCOL_KINDS * 2; // verdict × match
export const COVER_FRAGMENT: u32 = COVER_MATCH + 4 * 8; // family × fragment
export const COVER_MARK: u32 = COVER_FRAGMENT + 2 * 3; // bits 8-11 afterwards
export const COVER_MADE: u32 = COVER_MARK + 16; // how made × verdict
export const COVER_QUOTED: u32 = COVER_MADE + MADE_COUNT * VERDICT_KINDS; // protocol × family × related
export const COVER_PREFIX: u32 = COVER_QUOTED + PROTOCOL_KINDS * 2 * 2; // bits of the entry
export const COVER_FLAGS: u32 = COVER_PREFIX + 25; // conntrack flags × TCP or not
export const COVER_EVENT: u32 = COVER_FLAGS + 8 * 2; // type × direction
export const COVER_SHAPE: u32 = COVER_EVENT + 16 * 2; // header × verdict
export const COVER_COUNT: u32 = COVER_SHAPE + 14 * VERDICT_KINDS;

/** What stands behind the Ethernet header, as src/fuzz/coverage.ts names it. */
const SHAPE_IPV4: u32 = 0;
const SHAPE_IPV4_OPTIONS: u32 = 1;
const SHAPE_IPV6: u32 = 2;
const SHAPE_ARP: u32 = 8;
const SHAPE_8021Q: u32 = 9;
const SHAPE_8021AD: u32 = 10;
const SHAPE_OTHER: u32 = 11;
const SHAPE_PATH_MTU: u32 = 12;
const SHAPE_NEIGHBOUR: u32 = 13;

const counters: usize = memory.data(COVER_COUNT << 2, 16);

export function coverageCounters(): usize {
  return counters;
}

export function coverageCount(): u32 {
  return COVER_COUNT;
}

export function clearCoverage(): void {
  memory.fill(counters, 0, <usize>COVER_COUNT << 2);
}

// @ts-ignore: decorator
@inline
function hit(index: u32): void {
  const at = counters + (<usize>index << 2);
  store<u32>(at, load<u32>(at) + 1);
}

// @ts-ignore: decorator
@inline
function protocolKind(protocol: u32): u32 {
  if (protocol == IPPROTO_TCP) return 0;
  if (protocol == IPPROTO_UDP) return 1;
  if (protocol == IPPROTO_SCTP) return 2;
  if (protocol == IPPROTO_ICMP) return 3;
  return protocol == IPPROTO_ICMPV6 ? 4 : 5;
}

/** TC_ACT_OK, _SHOT, _REDIRECT; not run. */
// @ts-ignore: decorator
@inline
function verdictKind(action: i32): u32 {
  if (action < 0) return 3;
  return action == PACKET_REDIRECT ? 2 : <u32>action >> 1;
}

/** Runs packets as `runPackets` does, and counts what the last stage of each has reached. */
export function runCovered(input: usize, count: u32, output: usize): void {
  for (let i: u32 = 0; i < count; ++i) {
    const at = <usize>i * PACKET_SLOT_SIZE;
    runPackets(input + at, 1, output + at);
    cover(load<u32>(input + at, PACKET_SLOT_PAD_OFF), output + at);
  }
}

function cover(made: u32, slot: usize): void {
  const action = verdictKind(load<i32>(slot, PACKET_SLOT_VERDICT_OFF));
  hit(COVER_OUTCOME + (load<u32>(slot, PACKET_SLOT_HOOK_OFF) & 1) * VERDICT_KINDS + action);
  if (made < MADE_COUNT) hit(COVER_MADE + made * VERDICT_KINDS + action);
  hit(COVER_MARK + ((load<u32>(slot, PACKET_SLOT_MARK_OFF) & MARK_MASK) >> 8));
  hit(COVER_SHAPE + shapeOf(slot + PACKET_SLOT_DATA_OFF) * VERDICT_KINDS + action);
  const family: u32 = packet.family == 6 ? 1 : 0;
  if (action == 3 || !packet.family) return;
  hit(COVER_FRAGMENT + family * 3 + packet.fragment);
  hit(COVER_STATE + (stateKind() * PROTOCOL_KINDS + protocolKind(packet.protocol)) * 2 + family);
  if (packet.quotes) {
    const related: u32 = verdict.ctState == CT_RELATED ? 1 : 0;
    hit(COVER_QUOTED + (protocolKind(quoted.protocol) * 2 + family) * 2 + related);
  }
  if (!verdict.revision) return;
  hit(COVER_MATCH + (<u32>verdict.verdict & 3) * 8 + (<u32>verdict.matchType & 7));
  hit(COVER_PREFIX + min<u32>(verdict.prefixLength, 24));
}

/** By what the bytes say; of a packet that is cut off, by what stood there before. */
function shapeOf(data: usize): u32 {
  const ip = data + <usize>ETH_HLEN;
  switch (<u32>load<u16>(data, ETH_PROTOCOL_OFF)) {
    case ETH_P_IP_BE:
      if (packet.alwaysAllowed) return SHAPE_PATH_MTU;
      return (load<u8>(ip) & 15) > 5 ? SHAPE_IPV4_OPTIONS : SHAPE_IPV4;
    case ETH_P_IPV6_BE:
      return packet.alwaysAllowed ? SHAPE_PATH_MTU : ipv6Shape(ip);
    case ETH_P_ARP_BE:
      return SHAPE_ARP;
    case ETH_P_8021Q_BE:
      return SHAPE_8021Q;
    case ETH_P_8021AD_BE:
      return SHAPE_8021AD;
    default:
      return SHAPE_OTHER;
  }
}

/** The first extension header decides. */
function ipv6Shape(ip: usize): u32 {
  switch (<u32>load<u8>(ip, IPV6_NEXT_HEADER_OFF)) {
    case IPPROTO_HOPOPTS:
      return SHAPE_IPV6 + 1;
    case IPPROTO_ROUTING:
      return SHAPE_IPV6 + 2;
    case IPPROTO_FRAGMENT:
      return SHAPE_IPV6 + 3;
    case IPPROTO_AH:
      return SHAPE_IPV6 + 4;
    case IPPROTO_DSTOPTS:
      return SHAPE_IPV6 + 5;
    case IPPROTO_ICMPV6:
      return isNeighbour(ip) ? SHAPE_NEIGHBOUR : SHAPE_IPV6;
    default:
      return SHAPE_IPV6;
  }
}

function isNeighbour(ip: usize): bool {
  const type: u32 = load<u8>(ip + <usize>IPV6_HLEN);
  return load<u8>(ip, IPV6_HOP_LIMIT_OFF) == 255 && type >= NDP_ROUTER_SOLICIT &&
    type <= NDP_NEIGHBOUR_ADVERT;
}

function stateKind(): u32 {
  if (verdict.ctState != CT_NEW) return verdict.ctState;
  return verdict.revision ? CT_NEW : STATE_KINDS - 1;
}

/** Counts types of events and flags of flows; before they are cleared. */
export function coverEvents(events: usize, bytes: u32): void {
  const end = events + <usize>bytes;
  for (let event = events; event < end; event += EVENT_SIZE) {
    const direction: u32 = load<u8>(event, EVENT_DIRECTION_OFF) & 1;
    hit(COVER_EVENT + (<u32>load<u8>(event, EVENT_TYPE_OFF) & 15) * 2 + direction);
  }
}

/** Counts the flags of the flows that conntrack holds. */
export function coverFlows(): void {
  coverFlowsOf(conntrack4(), CT4_KEY_SIZE, CT4_KEY_PROTOCOL_OFF);
  coverFlowsOf(conntrack6(), CT6_KEY_SIZE, CT6_KEY_PROTOCOL_OFF);
}

function coverFlowsOf(table: Table, keySize: usize, protocolOffset: usize): void {
  for (let i: u32 = 0; i < table.count; ++i) {
    const flags: u32 = load<u8>(table.values + <usize>i * CT_ENTRY_SIZE + CT_ENTRY_FLAGS_OFF) & 7;
    const protocol: u32 = load<u8>(table.keys + <usize>i * keySize + protocolOffset);
    hit(COVER_FLAGS + flags * 2 + (protocol == IPPROTO_TCP ? 0 : 1));
  }
}

/**
 * How full the fullest of the tables is that the kernel evicts from, in 1/1024: eviction order
 * may differ, so tests keep these tables half empty.
 *
 * @param flows Entries that the kernel's conntrack tables have room for.
 */
export function lruPressure(flows: u32): u32 {
  let most = max(conntrack4().count, conntrack6().count) * 1024 / flows;
  most = max(most, fragments4().count * 1024 / fragments4().limit);
  most = max(most, fragments6().count * 1024 / fragments6().limit);
  most = max(most, reported().count * 1024 / reported().limit);
  return max(most, accounting().count * 1024 / accounting().limit);
}
