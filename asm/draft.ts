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
import { append, clear, findHashed, NOT_FOUND, Table, TABLE_FULL } from "./table";

/*
 * An image that is being built: everything whose place does not depend on the size
 * class. Entries and profiles are interned, so equal ones exist once.
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
const reservedEntry: usize = memory.data(16, 8);
const reservedRange: usize = memory.data(8, 8);

/** Allocates an empty draft. Returns null if memory is out. */
export function newDraft(): Draft | null {
  const size = offsetof<Draft>() + offsetof<Table>() + 2 * offsetof<Scratch>();
  const base = allocateZeroed(size);
  if (!base) return null;
  const draft = changetype<Draft>(base);
  draft.entries = changetype<Table>(base + offsetof<Draft>());
  draft.entries.limit = IMAGE_L_ENTRIES;
  draft.blocks = changetype<Scratch>(base + offsetof<Draft>() + offsetof<Table>());
  draft.cells = changetype<Scratch>(
    base + offsetof<Draft>() + offsetof<Table>() + offsetof<Scratch>(),
  );
  return draft;
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
  if (number == TABLE_FULL) return fail(ERROR_ENTRIES, IMAGE_L_ENTRIES);
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

/**
 * Interns the profile that has been written at the next free block: returns the block
 * of an equal one, or takes these blocks into use.
 */
function internWritten(draft: Draft, blocks: u32): i32 {
  if (!growIndex(draft)) return ERROR_MEMORY;
  const written = draft.blocks.base + <usize>draft.usedBlocks * BLOCK_BYTES;
  const bytes = <usize>blocks * BLOCK_BYTES;
  const hash = hashLines(written, bytes);
  let slot = hash & draft.indexMask;
  while (true) {
    const at = draft.index + (<usize>slot << 3);
    const entry = load<u64>(at);
    if (!entry) {
      const block = draft.usedBlocks;
      store<u64>(at, (<u64>hash << 32) | <u64>block);
      draft.profiles += 1;
      draft.usedBlocks = block + blocks;
      return <i32>block;
    }
    const known = <u32>entry;
    if (
      <u32>(entry >> 32) == hash &&
      linesEqual(draft.blocks.base + <usize>known * BLOCK_BYTES, written, bytes)
    ) {
      return <i32>known;
    }
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
  const used = draft.usedBlocks;
  if (used + blocks > MAX_BLOCKS) return fail(ERROR_BLOCKS, MAX_BLOCKS);
  const usedBytes = <usize>used * BLOCK_BYTES;
  const neededBytes = usedBytes + <usize>blocks * BLOCK_BYTES;
  if (!ensure(draft.blocks, usedBytes, neededBytes)) return ERROR_MEMORY;
  writeProfile(draft.blocks.base + usedBytes, flags, ranges, count);
  return internWritten(draft, blocks);
}

/** Takes in the blocks of a finished image behind the reserved ones, profile by profile. */
export function adoptBlocks(draft: Draft, blocks: usize, used: u32): i32 {
  if (!ensure(draft.blocks, 0, <usize>used * BLOCK_BYTES)) return ERROR_MEMORY;
  memory.copy(draft.blocks.base, blocks, <usize>used * BLOCK_BYTES);
  for (let at = IMAGE_FIRST_BLOCK; at < used;) {
    const blocks = writtenBlocks(draft.blocks.base + <usize>at * BLOCK_BYTES);
    draft.usedBlocks = at;
    const error = internWritten(draft, blocks);
    if (error < 0) return error;
    at += blocks;
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
