import { DEBUG } from "./debug";
import { broadWins } from "./image";
import {
  MAP_STATE_ENTRY_PORT_OFF,
  MAP_STATE_ENTRY_PORT_PREFIX_OFF,
  MAP_STATE_ENTRY_PROTOCOL_OFF,
  MAP_STATE_ENTRY_SIZE,
  POLICY_ENTRY_SIZE,
} from "./layout";

/*
 * The disjoint ranges of a profile, before they are laid out: sorted by start, the
 * first at key 0, neighbours with different entries.
 *
 *   range  ┌ start (u32) ┬ entry number (u32) ┐
 */

export const RANGE_SIZE: usize = 8;
const RANGE_ENTRY_OFF: usize = 4;

/** The last key: protocol 255, port 65535. */
const LAST_KEY: u32 = 0xFFFFFF;
/** Entry number of "nothing matches". */
export const NO_ENTRY: u32 = 0;

/**
 * Keys of one peer nest at most this deep: every protocol, one protocol, then one more
 * bit of the port at a time.
 */
const MAX_NESTING: usize = 18;
const stack: usize = memory.data(18 * 8, 8);

// @ts-ignore: decorator
@inline
export function rangeStart(range: usize): u32 {
  return load<u32>(range);
}

// @ts-ignore: decorator
@inline
export function rangeEntry(range: usize): u32 {
  return load<u32>(range, RANGE_ENTRY_OFF);
}

/** Appends a range unless its neighbour has the same entry. Returns the new end. */
// @ts-ignore: decorator
@inline
export function appendRange(first: usize, end: usize, start: u32, entry: u32): usize {
  if (end != first && rangeEntry(end - RANGE_SIZE) == entry) return end;
  store<u32>(end, start);
  store<u32>(end, entry, RANGE_ENTRY_OFF);
  return end + RANGE_SIZE;
}

/** First key that a record matches. */
// @ts-ignore: decorator
@inline
function firstKey(record: usize): u32 {
  return <u32>load<u8>(record, MAP_STATE_ENTRY_PROTOCOL_OFF) << 16 |
    <u32>load<u16>(record, MAP_STATE_ENTRY_PORT_OFF);
}

/** Last key that a record matches. */
// @ts-ignore: decorator
@inline
function lastKey(record: usize): u32 {
  if (!load<u8>(record, MAP_STATE_ENTRY_PROTOCOL_OFF)) return LAST_KEY;
  return firstKey(record) | (<u32>0xFFFF >> <u32>load<u8>(record, MAP_STATE_ENTRY_PORT_PREFIX_OFF));
}

/**
 * The ranges of one peer's records: at every key the entry of the longest prefix. The
 * records are sorted and nest, so one sweep with a stack of open prefixes does it.
 *
 * @param records First record of the peer.
 * @param entries Entry number of each record.
 * @param count Number of records.
 * @param out Room for 2 × count + 1 ranges.
 * @returns End of the ranges.
 */
export function collectRanges(records: usize, entries: usize, count: u32, out: usize): usize {
  let end = out;
  let at: u32 = 0; // first key that no range covers yet
  let top = stack; // open prefixes: last key, entry number
  for (let i: u32 = 0; i < count; ++i) {
    const record = records + <usize>i * MAP_STATE_ENTRY_SIZE;
    const start = firstKey(record);
    while (top != stack && load<u32>(top - 8) < start) {
      top -= 8;
      if (at <= load<u32>(top)) end = appendRange(out, end, at, load<u32>(top, 4));
      at = max(at, load<u32>(top) + 1);
    }
    if (at < start) {
      end = appendRange(out, end, at, top == stack ? NO_ENTRY : load<u32>(top - 4));
      at = start;
    }
    if (DEBUG) assert(top < stack + MAX_NESTING * 8); // the builder has checked the order
    store<u32>(top, lastKey(record));
    store<u32>(top, load<u32>(entries + (<usize>i << 2)), 4);
    top += 8;
  }
  while (top != stack) {
    top -= 8;
    if (at <= load<u32>(top)) end = appendRange(out, end, at, load<u32>(top, 4));
    at = max(at, load<u32>(top) + 1);
  }
  if (at <= LAST_KEY) end = appendRange(out, end, at, NO_ENTRY);
  return end;
}

/**
 * Merges a peer's own ranges with the broad ones, key by key as SEMANTICS "Lookup" says.
 *
 * @param out Room for as many ranges as both have.
 * @returns End of the merged ranges.
 */
export function mergeRanges(
  own: usize,
  ownEnd: usize,
  broad: usize,
  broadEnd: usize,
  entries: usize,
  out: usize,
): usize {
  let end = out;
  let at: u32 = 0;
  while (true) {
    const ownEntry = rangeEntry(own);
    const broadEntry = rangeEntry(broad);
    const wins = broadWins(
      entries + <usize>ownEntry * POLICY_ENTRY_SIZE,
      entries + <usize>broadEntry * POLICY_ENTRY_SIZE,
    );
    end = appendRange(out, end, at, wins ? broadEntry : ownEntry);
    const ownNext = own + RANGE_SIZE == ownEnd ? LAST_KEY + 1 : rangeStart(own + RANGE_SIZE);
    const broadNext = broad + RANGE_SIZE == broadEnd
      ? LAST_KEY + 1
      : rangeStart(broad + RANGE_SIZE);
    at = min(ownNext, broadNext);
    if (at > LAST_KEY) return end;
    if (ownNext == at) own += RANGE_SIZE;
    if (broadNext == at) broad += RANGE_SIZE;
  }
}
