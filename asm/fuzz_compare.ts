import { accounting, clearAccounting } from "./accounting";
import { clearConntrack, conntrack4, conntrack6 } from "./conntrack";
import { clearEvents, clearMetrics, clearReported } from "./events";
import { clearFragments } from "./fragment";
import {
  ACCOUNTING_KEY_SIZE,
  CT4_KEY_SIZE,
  CT6_KEY_SIZE,
  CT_ENTRY_SIZE,
  EVENT_SIZE,
  METRICS_VALUE_SIZE,
  PACKET_DATA_BYTES,
  PACKET_SLOT_DATA_OFF,
  PACKET_SLOT_LENGTH_OFF,
  PACKET_SLOT_SIZE,
} from "./layout";
import { find, NOT_FOUND, Table } from "./table";

/* Compares what emulator and kernel have left behind, without a copy of either. */

export const EQUAL: u32 = 0xFFFFFFFF;

/** Index of the first packet that ended otherwise in `b` than in `a`, or EQUAL. */
export function differingPacket(a: usize, b: usize, count: u32): u32 {
  for (let i: u32 = 0; i < count; ++i) {
    const at = <usize>i * PACKET_SLOT_SIZE;
    if (!samePacket(a + at, b + at)) return i;
  }
  return EQUAL;
}

/** Bytes behind the packet's end are not compared: the harness leaves them alone. */
// @ts-ignore: decorator
@inline
function samePacket(a: usize, b: usize): bool {
  const head = v128.or(
    v128.xor(v128.load(a), v128.load(b)),
    v128.xor(v128.load(a, 16), v128.load(b, 16)),
  );
  if (v128.any_true(head)) return false;
  const length = <usize>min(load<u32>(a, PACKET_SLOT_LENGTH_OFF), PACKET_DATA_BYTES);
  const x = a + PACKET_SLOT_DATA_OFF;
  const y = b + PACKET_SLOT_DATA_OFF;
  let at: usize = 0;
  for (; at + 16 <= length; at += 16) {
    if (v128.any_true(v128.xor(v128.load(x + at), v128.load(y + at)))) return false;
  }
  for (; at < length; ++at) if (load<u8>(x + at) != load<u8>(y + at)) return false;
  return true;
}

/** Header of a record in the kernel's ring: u32 length, u32 page offset. */
const RING_HEADER: u32 = 8;
const EVENT_BYTES: u32 = <u32>EVENT_SIZE;
const RECORD_BYTES: u32 = RING_HEADER + ((EVENT_BYTES + 7) & ~7);

/**
 * Compares events with records of a ring buffer, which lie at 8-byte steps behind headers.
 *
 * @param bytes How many bytes the records have, headers included.
 * @returns Index of the first event that differs or that only one of them has, or EQUAL.
 */
export function differingEvent(events: usize, eventBytes: u32, records: usize, bytes: u32): u32 {
  const count = eventBytes / EVENT_BYTES;
  let index: u32 = 0;
  for (let at: u32 = 0; at < bytes; at += RECORD_BYTES) {
    const record = records + <usize>at;
    if (index == count || load<u32>(record) != EVENT_BYTES) return index;
    if (!sameEvent(events + <usize>index * EVENT_SIZE, record + RING_HEADER)) return index;
    index += 1;
  }
  return index == count ? EQUAL : index;
}

// @ts-ignore: decorator
@inline
function sameEvent(a: usize, b: usize): bool {
  let difference = v128.xor(v128.load(a), v128.load(b));
  difference = v128.or(difference, v128.xor(v128.load(a, 16), v128.load(b, 16)));
  difference = v128.or(difference, v128.xor(v128.load(a, 32), v128.load(b, 32)));
  difference = v128.or(difference, v128.xor(v128.load(a, 48), v128.load(b, 48)));
  difference = v128.or(difference, v128.xor(v128.load(a, 64), v128.load(b, 64)));
  return !v128.any_true(difference);
}

/**
 * Compares a table with keys and values of another: conntrack4 6, conntrack6 7, accounting 8,
 * as asm/tables.ts numbers them.
 *
 * @returns Index of the first entry that the table has not or has otherwise; `count` if the
 * table has entries beside those; EQUAL.
 */
export function differingEntry(table: u32, keys: usize, values: usize, count: u32): u32 {
  if (table == 6) {
    return compareEntries(conntrack4(), keys, CT4_KEY_SIZE, values, CT_ENTRY_SIZE, count);
  }
  if (table == 7) {
    return compareEntries(conntrack6(), keys, CT6_KEY_SIZE, values, CT_ENTRY_SIZE, count);
  }
  return compareEntries(accounting(), keys, ACCOUNTING_KEY_SIZE, values, METRICS_VALUE_SIZE, count);
}

// @ts-ignore: decorator
@inline
function compareEntries(
  table: Table,
  keys: usize,
  keySize: usize,
  values: usize,
  valueSize: usize,
  count: u32,
): u32 {
  for (let i: u32 = 0; i < count; ++i) {
    const position = find(table, keys + <usize>i * keySize, keySize);
    if (position == NOT_FOUND) return i;
    const a = table.values + <usize>position * valueSize;
    const b = values + <usize>i * valueSize;
    for (let at: usize = 0; at < valueSize; at += 16) {
      if (v128.any_true(v128.xor(v128.load(a + at), v128.load(b + at)))) return i;
    }
  }
  return table.count == count ? EQUAL : count;
}

/** Forgets all traffic, and nothing of the node's state. */
export function forgetTraffic(): void {
  clearConntrack();
  clearFragments();
  clearReported();
  clearAccounting();
  clearMetrics();
  clearEvents();
}
