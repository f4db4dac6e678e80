import { BUILT, ERROR_MEMORY } from "./build_error";
import { addCell, Draft, entriesOfDraft, internProfile, rangeCount } from "./draft";
import { BLOCK_BYTES } from "./image";
import { DIRECTION_INGRESS, PROFILE_UNMERGED } from "./layout";
import { blocksOf, MAX_RANGES, readProfile } from "./profile";
import { collectRanges, mergeRanges, NO_ENTRY, RANGE_SIZE, rangeEntry } from "./ranges";
import {
  entryNumbers,
  groupEnd,
  recordAt,
  recordDirection,
  recordIdentity,
  recordSlot,
} from "./records";
import { ensure, Scratch } from "./scratch";

/*
 * Records → interned profiles and cells. Pure: reads the records, writes the draft.
 */

/** The broad entries are merged into every profile. */
export const MERGED: u32 = 0;
/** The broad entries are merged where that costs the profile no block. */
export const COMPACT: u32 = 1;
/** No profile is merged; for tests. */
export const UNMERGED: u32 = 2;

const broad = changetype<Scratch>(memory.data(8, 8));
const own = changetype<Scratch>(memory.data(8, 8));
const merged = changetype<Scratch>(memory.data(8, 8));
let broadEnd: usize = 0;

/** Room for the ranges of this many records, and the gaps between them. */
function ensureRanges(scratch: Scratch, records: u32): bool {
  return ensure(scratch, 0, (2 * <usize>records + 1) * RANGE_SIZE);
}

/** Whether no broad entry exists in the direction at hand. */
// @ts-ignore: decorator
@inline
function broadIsEmpty(): bool {
  return broadEnd - broad.base == RANGE_SIZE && rangeEntry(broad.base) == NO_ENTRY;
}

/** The profile of the peer whose records are [from, to). Returns its first block. */
function buildPeer(draft: Draft, records: usize, from: u32, to: u32, mode: u32): i32 {
  const record = recordAt(records, from);
  if (!ensureRanges(own, to - from)) return ERROR_MEMORY;
  const ownEnd = collectRanges(record, entryNumbers(from), to - from, own.base);
  const identity = recordIdentity(record);
  const ownCount = rangeCount(own.base, ownEnd);
  if (mode == UNMERGED) return internProfile(draft, PROFILE_UNMERGED, own.base, ownCount, identity);

  if (!ensure(merged, 0, (ownEnd - own.base) + (broadEnd - broad.base))) return ERROR_MEMORY;
  const mergedEnd = mergeRanges(
    own.base,
    ownEnd,
    broad.base,
    broadEnd,
    entriesOfDraft(draft),
    merged.base,
  );
  const count = rangeCount(merged.base, mergedEnd);
  if (mode == COMPACT && ownCount <= MAX_RANGES && !broadIsEmpty()) {
    if (count > MAX_RANGES || blocksOf(count) > blocksOf(ownCount)) {
      return internProfile(draft, PROFILE_UNMERGED, own.base, ownCount, identity);
    }
  }
  return internProfile(draft, 0, merged.base, count, identity);
}

/** The broad profile of a direction from its records [from, to), which may be none. */
function buildBroad(draft: Draft, records: usize, from: u32, to: u32): i32 {
  if (!ensureRanges(broad, to - from)) return ERROR_MEMORY;
  broadEnd = collectRanges(recordAt(records, from), entryNumbers(from), to - from, broad.base);
  return internProfile(draft, 0, broad.base, rangeCount(broad.base, broadEnd), 0);
}

/** Profiles and cells of all records of a whole policy, whose entries are interned. */
export function buildProfiles(draft: Draft, records: usize, count: u32, mode: u32): i32 {
  let at: u32 = 0;
  for (let direction: u32 = 0; direction < 2; ++direction) {
    let end = at;
    if (at < count) {
      const first = recordAt(records, at);
      if (recordDirection(first) == direction && !recordIdentity(first)) {
        end = groupEnd(records, at, count);
      }
    }
    const broadBlock = buildBroad(draft, records, at, end);
    if (broadBlock < 0) return broadBlock;
    if (direction == DIRECTION_INGRESS) draft.broadBlock0 = broadBlock;
    else draft.broadBlock1 = broadBlock;

    at = end;
    while (at < count && recordDirection(recordAt(records, at)) == direction) {
      end = groupEnd(records, at, count);
      const error = buildCell(draft, records, at, end, mode);
      if (error < 0) return error;
      at = end;
    }
  }
  return BUILT;
}

/** One peer: its profile and its cell. */
function buildCell(draft: Draft, records: usize, from: u32, to: u32, mode: u32): i32 {
  const block = buildPeer(draft, records, from, to, mode);
  if (block < 0) return block;
  const record = recordAt(records, from);
  return addCell(draft, recordDirection(record), recordSlot(record), <u32>block);
}

/** Profiles and cells of more peers, beside the broad profiles that the draft has. */
export function extendProfiles(draft: Draft, records: usize, count: u32, mode: u32): i32 {
  if (!ensure(broad, 0, <usize>MAX_RANGES * RANGE_SIZE)) return ERROR_MEMORY;
  let direction: u32 = 2;
  for (let at: u32 = 0; at < count;) {
    const record = recordAt(records, at);
    if (recordDirection(record) != direction) {
      direction = recordDirection(record);
      const block = direction == DIRECTION_INGRESS ? draft.broadBlock0 : draft.broadBlock1;
      broadEnd = readProfile(draft.blocks.base + <usize>block * BLOCK_BYTES, broad.base);
    }
    const end = groupEnd(records, at, count);
    const error = buildCell(draft, records, at, end, mode);
    if (error < 0) return error;
    at = end;
  }
  return BUILT;
}
