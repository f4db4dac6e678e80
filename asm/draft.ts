import { allocateZeroed, release } from "./arena";
import {
  BUILT,
  ERROR_BLOCKS,
  ERROR_ENTRIES,
  ERROR_MEMORY,
  ERROR_RANGES,
  fail,
} from "./build_error";
import { hashKey, hashLines, linesEqual } from "./hash";
import { BLOCK_BYTES, blocksLine } from "./image";
import {
  IMAGE_BLOCK_DEFAULT_ALLOW,
  IMAGE_BLOCK_LOCKDOWN,
  IMAGE_FIRST_BLOCK,
  IMAGE_L_ENTRIES,
  IMAGE_L_LINES,
  IMAGE_L_SLOTS,
  MATCH_ALL,
  POLICY_ENTRY_MATCH_TYPE_OFF,
  POLICY_ENTRY_SIZE,
  POLICY_ENTRY_VERDICT_OFF,
  VERDICT_ALLOW,
} from "./layout";
import { blocksOf, MAX_RANGES, writeProfile, writtenBlocks } from "./profile";
import { RANGE_SIZE } from "./ranges";
import { ensure, Scratch } from "./scratch";
import { append, clear, findHashed, NOT_FOUND, releaseIndex, Table, TABLE_FULL } from "./table";

/*
 * An image that is being built: everything whose place does not depend on the size
 * class. Entries and profiles are interned, so equal ones exist once. The arrays are the
 * draft's own, or those of an image that is extended.
 *
 *   index slot  ┌ first block, 0 = empty (u32) ┬ hash of the profile's bytes (u32) ┐
 *   cell        ┌ direction (u32) ┬ slot (u32) ┬ first block (u32) ┐
 */
@unmanaged
export class Draft {
  /** Interned entries; a position is an entry number. */
  entries: Table;
  blocks: Scratch;
  cells: Scratch;
  index: usize;
  /** Index slots − 1. */
  indexMask: u32;
  profiles: u32;
  /** Next free block. */
  usedBlocks: u32;
  /** Blocks that there can be. */
  maxBlocks: u32;
  cellCount: u32;
  maxSlot: u32;
  broadBlock0: u32;
  broadBlock1: u32;
}

export const CELL_SIZE: usize = 12;
export const CELL_SLOT_OFF: usize = 4;
export const CELL_BLOCK_OFF: usize = 8;

/** Blocks of the largest class; a cell of 16 bits can name each. */
const MAX_BLOCKS: u32 = blocksOfClass(IMAGE_L_SLOTS, IMAGE_L_ENTRIES, IMAGE_L_LINES);

const FIRST_INDEX_SLOTS: u32 = 256;
/** A profile is written here first: a draft takes it only if it is new. */
const written = changetype<Scratch>(memory.data(8, 8));
const reservedEntry: usize = memory.data(16, 8);
const reservedRange: usize = memory.data(8, 8);

const DRAFT_SIZE: usize = offsetof<Draft>() + offsetof<Table>() + 2 * offsetof<Scratch>();

/** Allocates an empty draft. Returns null if memory is out. */
export function newDraft(): Draft | null {
  const base = allocateZeroed(DRAFT_SIZE);
  if (!base) return null;
  const draft = changetype<Draft>(base);
  draft.entries = changetype<Table>(base + offsetof<Draft>());
  draft.entries.limit = IMAGE_L_ENTRIES;
  draft.maxBlocks = MAX_BLOCKS;
  draft.blocks = changetype<Scratch>(base + offsetof<Draft>() + offsetof<Table>());
  draft.cells = changetype<Scratch>(
    base + offsetof<Draft>() + offsetof<Table>() + offsetof<Scratch>(),
  );
  return draft;
}

/** Gives back a draft whose arrays are those of an image. */
export function releaseView(draft: Draft): void {
  releaseIndex(draft.entries);
  if (draft.index) release(draft.index, (<usize>draft.indexMask + 1) << 3);
  release(draft.cells.base, draft.cells.capacity);
  release(changetype<usize>(draft), DRAFT_SIZE);
}

/** Empties the draft and puts the reserved entries and profiles in. */
export function startDraft(draft: Draft): i32 {
  clearDraft(draft);
  memory.fill(reservedEntry, 0, POLICY_ENTRY_SIZE);
  if (internEntry(draft, reservedEntry) < 0) return ERROR_MEMORY; // entry 0: nothing matches
  store<u8>(reservedEntry, <u8>VERDICT_ALLOW, POLICY_ENTRY_VERDICT_OFF);
  store<u8>(reservedEntry, <u8>MATCH_ALL, POLICY_ENTRY_MATCH_TYPE_OFF);
  const allow = internEntry(draft, reservedEntry);
  if (allow < 0) return ERROR_MEMORY;

  draft.usedBlocks = IMAGE_BLOCK_DEFAULT_ALLOW;
  if (!ensure(draft.blocks, 0, <usize>IMAGE_FIRST_BLOCK * BLOCK_BYTES)) return ERROR_MEMORY;
  memory.fill(draft.blocks.base, 0, BLOCK_BYTES); // block 0 is never used
  store<u64>(reservedRange, <u64>allow << 32);
  let block = internProfile(draft, 0, reservedRange, 1, 0);
  if (block != IMAGE_BLOCK_DEFAULT_ALLOW) return ERROR_MEMORY;
  store<u64>(reservedRange, 0);
  block = internProfile(draft, 0, reservedRange, 1, 0);
  if (block != IMAGE_BLOCK_LOCKDOWN) return ERROR_MEMORY;
  return BUILT;
}

function clearDraft(draft: Draft): void {
  clear(draft.entries, POLICY_ENTRY_SIZE);
  if (draft.index && draft.profiles) {
    memory.fill(draft.index, 0, (<usize>draft.indexMask + 1) << 3);
  }
  draft.profiles = draft.usedBlocks = draft.cellCount = draft.maxSlot = 0;
  draft.broadBlock0 = draft.broadBlock1 = IMAGE_BLOCK_LOCKDOWN;
}

/** Number of an entry of 16 bytes, or a negative error. */
export function internEntry(draft: Draft, entry: usize): i32 {
  const hash = hashKey(entry, POLICY_ENTRY_SIZE);
  const known = findHashed(draft.entries, entry, POLICY_ENTRY_SIZE, hash);
  if (known != NOT_FOUND) return <i32>known;
  const number = append(draft.entries, entry, POLICY_ENTRY_SIZE, 0, hash);
  if (number == TABLE_FULL) return fail(ERROR_ENTRIES, draft.entries.limit);
  return number < 0 ? ERROR_MEMORY : number;
}

/** Doubles the index when half of it is in use. */
function growIndex(draft: Draft): bool {
  const slots = draft.index ? draft.indexMask + 1 : 0;
  if (draft.profiles < slots >> 1) return true;
  const grownSlots = max(slots << 1, FIRST_INDEX_SLOTS);
  const grown = allocateZeroed(<usize>grownSlots << 3);
  if (!grown) return false;
  const mask = grownSlots - 1;
  for (let i: u32 = 0; i < slots; ++i) {
    const entry = load<u64>(draft.index + (<usize>i << 3));
    if (!entry) continue;
    let slot = <u32>(entry >> 32) & mask;
    while (load<u64>(grown + (<usize>slot << 3))) slot = (slot + 1) & mask;
    store<u64>(grown + (<usize>slot << 3), entry);
  }
  release(draft.index, <usize>slots << 3);
  draft.index = grown;
  draft.indexMask = mask;
  return true;
}

/** Place in the index of the profile at `profile`, or the empty one where it belongs. */
function findProfile(draft: Draft, profile: usize, bytes: usize, hash: u32): usize {
  let slot = hash & draft.indexMask;
  while (true) {
    const at = draft.index + (<usize>slot << 3);
    const entry = load<u64>(at);
    if (!entry) return at;
    const known = draft.blocks.base + <usize>(<u32>entry) * BLOCK_BYTES;
    if (<u32>(entry >> 32) == hash && linesEqual(known, profile, bytes)) return at;
    slot = (slot + 1) & draft.indexMask;
  }
}

/**
 * First block of the profile with these ranges, or a negative error, for which
 * `identity` names the peer.
 */
export function internProfile(
  draft: Draft,
  flags: u32,
  ranges: usize,
  count: u32,
  identity: u32,
): i32 {
  if (count > MAX_RANGES) return fail(ERROR_RANGES, identity);
  const blocks = blocksOf(count);
  const bytes = <usize>blocks * BLOCK_BYTES;
  if (!ensure(written, 0, bytes) || !growIndex(draft)) return ERROR_MEMORY;
  writeProfile(written.base, flags, ranges, count);
  const hash = hashLines(written.base, bytes);
  const at = findProfile(draft, written.base, bytes, hash);
  if (load<u64>(at)) return <i32>load<u32>(at);

  const block = draft.usedBlocks;
  if (block + blocks > draft.maxBlocks) return fail(ERROR_BLOCKS, draft.maxBlocks);
  const used = <usize>block * BLOCK_BYTES;
  if (!ensure(draft.blocks, used, used + bytes)) return ERROR_MEMORY;
  memory.copy(draft.blocks.base + used, written.base, bytes);
  store<u64>(at, (<u64>hash << 32) | <u64>block);
  draft.profiles += 1;
  draft.usedBlocks = block + blocks;
  return <i32>block;
}

/** Finds again what the draft's blocks up to `used` hold, from the first profile on. */
export function indexProfiles(draft: Draft, used: u32): i32 {
  for (let block = IMAGE_BLOCK_DEFAULT_ALLOW; block < used;) {
    if (!growIndex(draft)) return ERROR_MEMORY;
    const profile = draft.blocks.base + <usize>block * BLOCK_BYTES;
    const blocks = writtenBlocks(profile);
    const bytes = <usize>blocks * BLOCK_BYTES;
    const hash = hashLines(profile, bytes);
    const at = findProfile(draft, profile, bytes, hash);
    if (!load<u64>(at)) {
      store<u64>(at, (<u64>hash << 32) | <u64>block);
      draft.profiles += 1;
    }
    block += blocks;
  }
  draft.usedBlocks = used;
  return BUILT;
}

/** Notes that a slot has a profile of its own. */
export function addCell(draft: Draft, direction: u32, slot: u32, block: u32): i32 {
  const used = <usize>draft.cellCount * CELL_SIZE;
  if (!ensure(draft.cells, used, used + CELL_SIZE)) return ERROR_MEMORY;
  const cell = draft.cells.base + used;
  store<u32>(cell, direction);
  store<u32>(cell, slot, CELL_SLOT_OFF);
  store<u32>(cell, block, CELL_BLOCK_OFF);
  draft.cellCount += 1;
  draft.maxSlot = max(draft.maxSlot, slot);
  return BUILT;
}

/** Address of an interned entry. */
// @ts-ignore: decorator
@inline
export function entriesOfDraft(draft: Draft): usize {
  return draft.entries.keys;
}

/** Bytes between the first range and the end, as a number of ranges. */
// @ts-ignore: decorator
@inline
export function rangeCount(first: usize, end: usize): u32 {
  return <u32>((end - first) / RANGE_SIZE);
}

/** Blocks that a size class has. */
export function blocksOfClass(slots: u32, entries: u32, lines: u32): u32 {
  return (lines - blocksLine(slots, entries)) / 2;
}
