import { allocate, allocateZeroed } from "./arena";
import {
  endpointId,
  endpointIfindex,
  eventInterval,
  now,
  nowSeconds,
  wantsEvents,
} from "./endpoint_config";
import {
  EVENT_AUDITED,
  EVENT_COOKIE_OFF,
  EVENT_CT_STATE_OFF,
  EVENT_DADDR_OFF,
  EVENT_DIRECTION_OFF,
  EVENT_DPORT_OFF,
  EVENT_DROP,
  EVENT_DST_IDENTITY_OFF,
  EVENT_ENDPOINT_OFF,
  EVENT_FAMILY_OFF,
  EVENT_FLAGS_OFF,
  EVENT_IFINDEX_OFF,
  EVENT_LENGTH_OFF,
  EVENT_MATCH_TYPE_OFF,
  EVENT_PROTOCOL_OFF,
  EVENT_REASON_OFF,
  EVENT_REVISION_OFF,
  EVENT_SADDR_OFF,
  EVENT_SIZE,
  EVENT_SPORT_OFF,
  EVENT_SRC_IDENTITY_OFF,
  EVENT_TCP_FLAGS_OFF,
  EVENT_TIMESTAMP_OFF,
  EVENT_TYPE_OFF,
  EVENT_VERDICT_OFF,
  EVENTS_DROP,
  EVENTS_RING_BYTES,
  MAX_REPORTED,
  METRICS_SIZE,
  METRICS_VALUE_BYTES_OFF,
  METRICS_VALUE_PACKETS_OFF,
  METRICS_VALUE_SIZE,
  PACKET_SHOT,
  REASON_EVENT_LOST,
  REPORTED_KEY_DIRECTION_OFF,
  REPORTED_KEY_DST_IDENTITY_OFF,
  REPORTED_KEY_ENDPOINT_OFF,
  REPORTED_KEY_POLICY_PORT_OFF,
  REPORTED_KEY_PROTOCOL_OFF,
  REPORTED_KEY_REASON_OFF,
  REPORTED_KEY_SIZE,
  REPORTED_KEY_SRC_IDENTITY_OFF,
  REPORTED_KEY_TYPE_OFF,
} from "./layout";
import { DADDR_OFF, packet, SADDR_OFF, verdict } from "./packet";
import { clear, evict, find, NOT_FOUND, reserve, Table, upsert } from "./table";
import {
  EVENT_COUNT_OFF,
  EVENTS_LOST_OFF,
  EVENTS_OFF,
  METRICS_OFF,
  own,
  REPORTED_KEY_OFF,
  REPORTED_LAST_OFF,
  REPORTED_OFF,
} from "./worker";

/* bpf/events.h in AssemblyScript: counters and events. */

/**
 * Records that the kernel's ring holds: each has a header of 8 bytes, and the ring is
 * never filled to its last byte (kernel/bpf/ringbuf.c, __bpf_ringbuf_reserve).
 */
const CAPACITY: u32 = (EVENTS_RING_BYTES - 1) / (80 + 8);

/** Kinds of events of packets without a flow → when one was last raised, seconds. */
// @ts-ignore: decorator
@inline
export function reported(): Table {
  return changetype<Table>(own + REPORTED_OFF);
}

/** Takes all memory of a worker at once, so that no packet has to. */
export function initEvents(): bool {
  const metrics = allocateZeroed(<usize>METRICS_SIZE * METRICS_VALUE_SIZE);
  const events = allocate(<usize>CAPACITY * EVENT_SIZE);
  store<u32>(own, <u32>metrics, METRICS_OFF);
  store<u32>(own, <u32>events, EVENTS_OFF);
  reported().limit = MAX_REPORTED;
  return metrics != 0 && events != 0 &&
    reserve(reported(), MAX_REPORTED, REPORTED_KEY_SIZE, 4) == 0;
}

/** Forgets what has been told. */
export function clearReported(): void {
  clear(reported(), REPORTED_KEY_SIZE);
}

// @ts-ignore: decorator
@inline
export function metricsAddress(): usize {
  return <usize>load<u32>(own, METRICS_OFF);
}

export function clearMetrics(): void {
  memory.fill(metricsAddress(), 0, <usize>METRICS_SIZE * METRICS_VALUE_SIZE);
}

// @ts-ignore: decorator
@inline
export function eventsAddress(): usize {
  return <usize>load<u32>(own, EVENTS_OFF);
}

export function eventsBytes(): usize {
  return <usize>load<u32>(own, EVENT_COUNT_OFF) * EVENT_SIZE;
}

export function eventsLost(): u32 {
  return load<u32>(own, EVENTS_LOST_OFF);
}

export function clearEvents(): void {
  store<u32>(own, 0, EVENT_COUNT_OFF);
  store<u32>(own, 0, EVENTS_LOST_OFF);
}

// @ts-ignore: decorator
@inline
export function count(reason: u32, direction: u32, bytes: u32): void {
  const key = (reason << 1 | direction) & (METRICS_SIZE - 1);
  const value = metricsAddress() + <usize>key * METRICS_VALUE_SIZE;
  store<u64>(
    value,
    load<u64>(value, METRICS_VALUE_PACKETS_OFF) + 1,
    METRICS_VALUE_PACKETS_OFF,
  );
  store<u64>(
    value,
    load<u64>(value, METRICS_VALUE_BYTES_OFF) + <u64>bytes,
    METRICS_VALUE_BYTES_OFF,
  );
}

export function raiseEvent(type: u32, reason: u32, direction: u32): void {
  const eventCount = load<u32>(own, EVENT_COUNT_OFF);
  if (eventCount == CAPACITY) {
    store<u32>(own, eventsLost() + 1, EVENTS_LOST_OFF);
    count(REASON_EVENT_LOST, direction, packet.length);
    return;
  }
  const event = eventsAddress() + <usize>eventCount * EVENT_SIZE;
  store<u32>(own, eventCount + 1, EVENT_COUNT_OFF);
  store<u8>(event, <u8>type, EVENT_TYPE_OFF);
  store<u8>(event, <u8>reason, EVENT_REASON_OFF);
  store<u8>(event, <u8>direction, EVENT_DIRECTION_OFF);
  store<u8>(event, verdict.matchType, EVENT_MATCH_TYPE_OFF);
  store<u16>(event, <u16>endpointId(), EVENT_ENDPOINT_OFF);
  store<u8>(event, verdict.verdict, EVENT_VERDICT_OFF);
  store<u8>(event, verdict.ctState, EVENT_CT_STATE_OFF);
  store<u64>(event, now(), EVENT_TIMESTAMP_OFF);
  store<u32>(event, packet.srcIdentity, EVENT_SRC_IDENTITY_OFF);
  store<u32>(event, packet.dstIdentity, EVENT_DST_IDENTITY_OFF);
  store<u32>(event, verdict.cookie, EVENT_COOKIE_OFF);
  store<u32>(event, verdict.revision, EVENT_REVISION_OFF);
  store<u32>(event, packet.length, EVENT_LENGTH_OFF);
  store<u32>(event, endpointIfindex(), EVENT_IFINDEX_OFF);
  store<u8>(event, packet.family, EVENT_FAMILY_OFF);
  store<u8>(event, packet.protocol, EVENT_PROTOCOL_OFF);
  store<u8>(event, packet.tcpFlags, EVENT_TCP_FLAGS_OFF);
  store<u8>(event, <u8>(verdict.audited ? EVENT_AUDITED : 0), EVENT_FLAGS_OFF);
  store<u16>(event, packet.sport, EVENT_SPORT_OFF);
  store<u16>(event, bswap<u16>(<u16>packet.policyPort), EVENT_DPORT_OFF);
  const addresses = changetype<usize>(packet);
  v128.store(event, v128.load(addresses, SADDR_OFF), EVENT_SADDR_OFF);
  v128.store(event, v128.load(addresses, DADDR_OFF), EVENT_DADDR_OFF);
}

/** Whether the last event of a flow was so long ago that it may be told of again. */
export function flowEventDue(last: u32): bool {
  const interval = eventInterval();
  return interval != 0 && nowSeconds() - last >= interval;
}

function writeKey(type: u32, reason: u32, direction: u32): void {
  const key = own + REPORTED_KEY_OFF;
  store<u32>(key, packet.srcIdentity, REPORTED_KEY_SRC_IDENTITY_OFF);
  store<u32>(key, packet.dstIdentity, REPORTED_KEY_DST_IDENTITY_OFF);
  store<u16>(key, <u16>endpointId(), REPORTED_KEY_ENDPOINT_OFF);
  store<u16>(key, <u16>packet.policyPort, REPORTED_KEY_POLICY_PORT_OFF);
  store<u8>(key, <u8>type, REPORTED_KEY_TYPE_OFF);
  store<u8>(key, <u8>reason, REPORTED_KEY_REASON_OFF);
  store<u8>(key, <u8>direction, REPORTED_KEY_DIRECTION_OFF);
  store<u8>(key, packet.protocol, REPORTED_KEY_PROTOCOL_OFF);
}

/** Raises an event of a packet without a flow, unless one of its kind has told already. */
export function raiseFlowlessEvent(type: u32, reason: u32, direction: u32): void {
  const interval = eventInterval();
  if (interval) {
    writeKey(type, reason, direction);
    const key = own + REPORTED_KEY_OFF;
    const table = reported();
    const position = find(table, key, REPORTED_KEY_SIZE);
    if (position != NOT_FOUND) {
      if (nowSeconds() - load<u32>(table.values + (<usize>position << 2)) < interval) return;
    } else if (table.count >= table.limit) {
      evict(table, REPORTED_KEY_SIZE, 4, 0);
    }
    store<u32>(own, nowSeconds(), REPORTED_LAST_OFF);
    upsert(table, key, own + REPORTED_LAST_OFF, REPORTED_KEY_SIZE, 4);
  }
  raiseEvent(type, reason, direction);
}

/** Every drop ends here: counted, and told if the endpoint wants to be told. */
export function drop(reason: u32, direction: u32): i32 {
  count(reason, direction, packet.length);
  if (wantsEvents(EVENTS_DROP)) raiseFlowlessEvent(EVENT_DROP, reason, direction);
  return PACKET_SHOT;
}
