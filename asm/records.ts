import {
  BUILT,
  ERROR_MEMORY,
  ERROR_ORDER,
  ERROR_RECORD,
  ERROR_SLOT,
  fail,
} from "./build_error";
import { Draft, internEntry } from "./draft";
import {
  DIRECTION_EGRESS,
  IMAGE_L_SLOTS,
  MAP_STATE_ENTRY_AUTH_TYPE_OFF,
  MAP_STATE_ENTRY_COOKIE_OFF,
  MAP_STATE_ENTRY_DIRECTION_OFF,
  MAP_STATE_ENTRY_IDENTITY_OFF,
  MAP_STATE_ENTRY_PORT_OFF,
  MAP_STATE_ENTRY_PORT_PREFIX_OFF,
  MAP_STATE_ENTRY_PRECEDENCE_OFF,
  MAP_STATE_ENTRY_PROTOCOL_OFF,
  MAP_STATE_ENTRY_REDIRECT_OFF,
  MAP_STATE_ENTRY_SIZE,
  MAP_STATE_ENTRY_SLOT_OFF,
  MAP_STATE_ENTRY_VERDICT_OFF,
  MATCH_ALL,
  MATCH_L3,
  MATCH_L3_L4,
  MATCH_L3_PROTO,
  MATCH_L4,
  MATCH_PROTO,
  POLICY_ENTRY_AUTH_TYPE_OFF,
  POLICY_ENTRY_COOKIE_OFF,
  POLICY_ENTRY_MATCH_TYPE_OFF,
  POLICY_ENTRY_PRECEDENCE_OFF,
  POLICY_ENTRY_PREFIX_LEN_OFF,
  POLICY_ENTRY_REDIRECT_OFF,
  POLICY_ENTRY_SIZE,
  POLICY_ENTRY_VERDICT_OFF,
  VERDICT_ALLOW,
  VERDICT_REDIRECT,
} from "./layout";
import { ensure, Scratch } from "./scratch";

/*
 * The builder's input: struct map_state_entry, sorted by direction, identity, protocol,
 * port and prefix.
 */

const numbers = changetype<Scratch>(memory.data(8, 8));
const entry: usize = memory.data(16, 8);

// @ts-ignore: decorator
@inline
export function recordAt(records: usize, index: u32): usize {
  return records + <usize>index * MAP_STATE_ENTRY_SIZE;
}

// @ts-ignore: decorator
@inline
export function recordIdentity(record: usize): u32 {
  return load<u32>(record, MAP_STATE_ENTRY_IDENTITY_OFF);
}

// @ts-ignore: decorator
@inline
export function recordSlot(record: usize): u32 {
  return load<u32>(record, MAP_STATE_ENTRY_SLOT_OFF);
}

// @ts-ignore: decorator
@inline
export function recordDirection(record: usize): u32 {
  return <u32>load<u8>(record, MAP_STATE_ENTRY_DIRECTION_OFF);
}

/** Direction and identity: records that share both are one profile. */
// @ts-ignore: decorator
@inline
function groupOf(record: usize): u64 {
  return <u64>recordDirection(record) << 32 | <u64>recordIdentity(record);
}

/** Protocol, port and prefix: the order within a group. */
// @ts-ignore: decorator
@inline
function placeOf(record: usize): u32 {
  return <u32>load<u8>(record, MAP_STATE_ENTRY_PROTOCOL_OFF) << 21 |
    <u32>load<u16>(record, MAP_STATE_ENTRY_PORT_OFF) << 5 |
    <u32>load<u8>(record, MAP_STATE_ENTRY_PORT_PREFIX_OFF);
}

/** Index behind the last record of the group that starts at `index`. */
export function groupEnd(records: usize, index: u32, count: u32): u32 {
  const group = groupOf(recordAt(records, index));
  do ++index; while (index < count && groupOf(recordAt(records, index)) == group);
  return index;
}

function fieldsInRange(record: usize): bool {
  const prefix = <u32>load<u8>(record, MAP_STATE_ENTRY_PORT_PREFIX_OFF);
  const port = <u32>load<u16>(record, MAP_STATE_ENTRY_PORT_OFF);
  const verdict = <u32>load<u8>(record, MAP_STATE_ENTRY_VERDICT_OFF);
  if (prefix > 16 || (port & (<u32>0xFFFF >> prefix))) return false;
  if (!load<u8>(record, MAP_STATE_ENTRY_PROTOCOL_OFF) && prefix) return false;
  if (verdict < VERDICT_ALLOW || verdict > VERDICT_REDIRECT) return false;
  return recordDirection(record) <= DIRECTION_EGRESS;
}

/** Checks everything that the sweep over ranges relies on. */
export function checkRecords(records: usize, count: u32): i32 {
  for (let i: u32 = 0; i < count; ++i) {
    const record = recordAt(records, i);
    if (!fieldsInRange(record)) return fail(ERROR_RECORD, i);
    const slot = recordSlot(record);
    if (slot >= IMAGE_L_SLOTS || !slot != !recordIdentity(record)) return fail(ERROR_SLOT, i);
    if (!i) continue;
    const before = recordAt(records, i - 1);
    if (groupOf(before) == groupOf(record)) {
      if (placeOf(before) >= placeOf(record)) return fail(ERROR_ORDER, i);
      if (recordSlot(before) != slot) return fail(ERROR_SLOT, i);
    } else if (groupOf(before) > groupOf(record)) {
      return fail(ERROR_ORDER, i);
    }
  }
  return BUILT;
}

/** Match type, numbered as Cilium's: which parts of the key the record names. */
function matchTypeOf(record: usize): u32 {
  const broad = !recordIdentity(record);
  if (!load<u8>(record, MAP_STATE_ENTRY_PROTOCOL_OFF)) return broad ? MATCH_ALL : MATCH_L3;
  const hasPort = load<u8>(record, MAP_STATE_ENTRY_PORT_PREFIX_OFF) != 0;
  if (!hasPort) return broad ? MATCH_PROTO : MATCH_L3_PROTO;
  return broad ? MATCH_L4 : MATCH_L3_L4;
}

function prefixLengthOf(record: usize): u8 {
  if (!load<u8>(record, MAP_STATE_ENTRY_PROTOCOL_OFF)) return 0;
  return 8 + load<u8>(record, MAP_STATE_ENTRY_PORT_PREFIX_OFF);
}

/** Writes the struct policy_entry of a record. */
function writeEntry(record: usize): void {
  memory.fill(entry, 0, POLICY_ENTRY_SIZE);
  store<u32>(entry, load<u32>(record, MAP_STATE_ENTRY_PRECEDENCE_OFF), POLICY_ENTRY_PRECEDENCE_OFF);
  store<u32>(entry, load<u32>(record, MAP_STATE_ENTRY_COOKIE_OFF), POLICY_ENTRY_COOKIE_OFF);
  store<u16>(entry, load<u16>(record, MAP_STATE_ENTRY_REDIRECT_OFF), POLICY_ENTRY_REDIRECT_OFF);
  store<u8>(entry, load<u8>(record, MAP_STATE_ENTRY_VERDICT_OFF), POLICY_ENTRY_VERDICT_OFF);
  store<u8>(entry, <u8>matchTypeOf(record), POLICY_ENTRY_MATCH_TYPE_OFF);
  store<u8>(entry, prefixLengthOf(record), POLICY_ENTRY_PREFIX_LEN_OFF);
  store<u8>(entry, load<u8>(record, MAP_STATE_ENTRY_AUTH_TYPE_OFF), POLICY_ENTRY_AUTH_TYPE_OFF);
}

/** Interns the entry of every record. Returns the error or BUILT; see {@linkcode entryNumbers}. */
export function internRecords(draft: Draft, records: usize, count: u32): i32 {
  if (!ensure(numbers, 0, max<usize>(<usize>count << 2, 4))) return ERROR_MEMORY;
  for (let i: u32 = 0; i < count; ++i) {
    writeEntry(recordAt(records, i));
    const number = internEntry(draft, entry);
    if (number < 0) return number;
    store<u32>(numbers.base + (<usize>i << 2), <u32>number);
  }
  return BUILT;
}

/** Entry numbers of the records from `index` on, u32 each. */
// @ts-ignore: decorator
@inline
export function entryNumbers(index: u32): usize {
  return numbers.base + (<usize>index << 2);
}
