import { allocate, allocateZeroed, release } from "./arena";
import { DEBUG } from "./debug";
import { copyWords } from "./copy";
import { hashKey, keysEqual } from "./hash";

/*
 * A hash table whose keys and values lie densely in two arrays of their own, in the
 * kernel's layout: a batch update of a kernel map takes them as they are. An index finds
 * the position (open addressing, linear probing, deletion by backward shift; Knuth, TAOCP
 * 3, 6.4, algorithm R). A slot holds the hash's high bits beside the position, so that few
 * other keys are looked at: sixteen slots in a cache line. Order is insertion order until
 * the first deletion, which moves the last entry into the gap.
 *
 *   descriptor  ┌ keys ┬ values ┬ index ┬ mask ┬ count ┬ capacity ┬ limit ┐  u32 each
 *   index slot  ┌ position + 1, 0 = empty (20 bits) ┬ tag: the hash's bits 20–31 ┐
 *
 * Key and value sizes are passed to every function as literals and fold away.
 */
@unmanaged
export class Table {
  keys: usize;
  values: usize;
  index: usize;
  /** Index slots − 1. */
  mask: u32;
  count: u32;
  /** Entries that the arrays can hold; the index has twice as many slots. */
  capacity: u32;
  /** Entries that the kernel's map would hold. */
  limit: u32;
}

export const NOT_FOUND: u32 = 0xFFFFFFFF;
const FIRST_CAPACITY: u32 = 64;
const SLOT_SHIFT: usize = 2;
const TAG_SHIFT: u32 = 20;
/** Also the most entries that a table can have. */
const POSITION_MASK: u32 = (1 << TAG_SHIFT) - 1;

/** Results: STORED or an error. */
const STORED: i32 = 0;
export const TABLE_FULL: i32 = -1;
const OUT_OF_MEMORY: i32 = -2;

/** Address of a slot of the index. */
// @ts-ignore: decorator
@inline
export function slotAt(table: Table, slot: u32): usize {
  return table.index + (<usize>slot << SLOT_SHIFT);
}

// @ts-ignore: decorator
@inline
function slotOf(position: u32, hash: u32): u32 {
  return (hash & ~POSITION_MASK) | (position + 1);
}

// @ts-ignore: decorator
@inline
export function positionIn(entry: u32): u32 {
  return (entry & POSITION_MASK) - 1;
}

/** What walks the index of a hash: its first slot, the next one, and what stands there. */
// @ts-ignore: decorator
@inline
export function firstSlot(table: Table, hash: u32): u32 {
  return hash & table.mask;
}

// @ts-ignore: decorator
@inline
export function nextSlot(table: Table, slot: u32): u32 {
  return (slot + 1) & table.mask;
}

/** 0 ends the walk. */
// @ts-ignore: decorator
@inline
export function slotEntry(table: Table, slot: u32): u32 {
  return load<u32>(slotAt(table, slot));
}

/** Whether the key that an entry names may have this hash. */
// @ts-ignore: decorator
@inline
export function tagMatches(entry: u32, hash: u32): bool {
  return (entry ^ hash) >> TAG_SHIFT == 0;
}

/** Position of a key whose hash is known, or NOT_FOUND. */
// @ts-ignore: decorator
@inline
export function findHashed(table: Table, key: usize, keySize: usize, hash: u32): u32 {
  if (!table.count) return NOT_FOUND;
  let slot = firstSlot(table, hash);
  while (true) {
    const entry = slotEntry(table, slot);
    if (!entry) return NOT_FOUND;
    if (tagMatches(entry, hash)) {
      const position = positionIn(entry);
      if (keysEqual(table.keys + <usize>position * keySize, key, keySize)) return position;
    }
    slot = nextSlot(table, slot);
  }
}

/** Position of a key, or NOT_FOUND. */
// @ts-ignore: decorator
@inline
export function find(table: Table, key: usize, keySize: usize): u32 {
  return findHashed(table, key, keySize, hashKey(key, keySize));
}

function place(table: Table, hash: u32, position: u32): void {
  let slot = hash & table.mask;
  while (load<u32>(slotAt(table, slot))) slot = (slot + 1) & table.mask;
  store<u32>(slotAt(table, slot), slotOf(position, hash));
}

/** Index slot that names a position. It does not stop at gaps: `clear` makes them. */
function slotNaming(table: Table, hash: u32, position: u32): u32 {
  let slot = hash & table.mask;
  while ((load<u32>(slotAt(table, slot)) & POSITION_MASK) != position + 1) slot = (slot + 1) & table.mask;
  return slot;
}

/** Makes room for at least `wanted` entries. Returns STORED or OUT_OF_MEMORY. */
export function reserve(table: Table, wanted: u32, keySize: usize, valueSize: usize): i32 {
  if (wanted <= table.capacity) return STORED;
  let capacity = max(table.capacity, FIRST_CAPACITY);
  while (capacity < wanted) capacity <<= 1;

  const index = allocateZeroed(<usize>capacity << (SLOT_SHIFT + 1));
  if (!index) return OUT_OF_MEMORY;
  const keys = allocate(<usize>capacity * keySize);
  const values = allocate(<usize>capacity * valueSize);
  if (!keys || !values) {
    release(index, <usize>capacity << (SLOT_SHIFT + 1));
    if (keys) release(keys, <usize>capacity * keySize);
    if (values) release(values, <usize>capacity * valueSize);
    return OUT_OF_MEMORY;
  }
  const old = <usize>table.capacity;
  const oldIndex = table.index;
  memory.copy(keys, table.keys, <usize>table.count * keySize);
  memory.copy(values, table.values, <usize>table.count * valueSize);
  release(table.keys, old * keySize);
  release(table.values, old * valueSize);
  table.keys = keys;
  table.values = values;
  table.index = index;
  table.mask = (capacity << 1) - 1;
  table.capacity = capacity;
  if (old) {
    for (let position: u32 = 0; position < table.count; ++position) {
      place(table, hashKey(keys + <usize>position * keySize, keySize), position);
    }
    release(oldIndex, old << (SLOT_SHIFT + 1));
  }
  return STORED;
}

/**
 * Position of the key, appending it if it is new; its value is then undefined. Returns
 * a negative status as i32 if the table is full or memory is out.
 */
// @ts-ignore: decorator
@inline
function findOrAppend(table: Table, key: usize, keySize: usize, valueSize: usize): i32 {
  const hash = hashKey(key, keySize);
  const found = findHashed(table, key, keySize, hash);
  if (found != NOT_FOUND) return <i32>found;
  return append(table, key, keySize, valueSize, hash);
}

/** Appends a key that is known to be absent. Returns its position or a negative status. */
export function append(
  table: Table,
  key: usize,
  keySize: usize,
  valueSize: usize,
  hash: u32,
): i32 {
  const position = table.count;
  if (position >= table.limit) return TABLE_FULL;
  if (position == table.capacity && reserve(table, position + 1, keySize, valueSize) < 0) {
    return OUT_OF_MEMORY;
  }
  copyWords(table.keys + <usize>position * keySize, key, keySize);
  table.count = position + 1;
  place(table, hash, position);
  return <i32>position;
}

/** Stores a value under a key. Returns STORED, TABLE_FULL or OUT_OF_MEMORY. */
// @ts-ignore: decorator
@inline
export function upsert(
  table: Table,
  key: usize,
  value: usize,
  keySize: usize,
  valueSize: usize,
): i32 {
  const position = findOrAppend(table, key, keySize, valueSize);
  if (position < 0) return position;
  copyWords(table.values + <usize>position * valueSize, value, valueSize);
  return STORED;
}

/** Removes a slot of the index, shifting back what was displaced over it. */
// @ts-ignore: decorator
@inline
function removeSlot(table: Table, slot: u32, keySize: usize): void {
  const mask = table.mask;
  let gap = slot;
  let next = (gap + 1) & mask;
  while (true) {
    const entry = slotEntry(table, next);
    if (!entry) break;
    const key = table.keys + <usize>positionIn(entry) * keySize;
    const home = hashKey(key, keySize) & mask;
    // Moves back only what does not get in front of its home.
    if (((next - home) & mask) >= ((next - gap) & mask)) {
      store<u32>(slotAt(table, gap), entry);
      gap = next;
    }
    next = (next + 1) & mask;
  }
  store<u32>(slotAt(table, gap), 0);
}

/** Removes a key. Returns whether it was there. */
export function remove(table: Table, key: usize, keySize: usize, valueSize: usize): bool {
  const hash = hashKey(key, keySize);
  const position = findHashed(table, key, keySize, hash);
  if (position == NOT_FOUND) return false;
  removeHashed(table, position, hash, keySize, valueSize);
  if (DEBUG) assert(find(table, key, keySize) == NOT_FOUND); // a key is there once
  return true;
}

/** Removes the entry at a position, into which the last one moves. */
export function removeAt(table: Table, position: u32, keySize: usize, valueSize: usize): void {
  const hash = hashKey(table.keys + <usize>position * keySize, keySize);
  removeHashed(table, position, hash, keySize, valueSize);
}

function removeHashed(
  table: Table,
  position: u32,
  hash: u32,
  keySize: usize,
  valueSize: usize,
): void {
  removeSlot(table, slotNaming(table, hash, position), keySize);
  const last = table.count - 1;
  if (position != last) {
    const lastKey = table.keys + <usize>last * keySize;
    const lastHash = hashKey(lastKey, keySize);
    store<u32>(slotAt(table, slotNaming(table, lastHash, last)), slotOf(position, lastHash));
    memory.copy(table.keys + <usize>position * keySize, lastKey, keySize);
    memory.copy(
      table.values + <usize>position * valueSize,
      table.values + <usize>last * valueSize,
      valueSize,
    );
  }
  table.count = last;
}

/** How many entries {@linkcode evict} chooses from. */
const EVICTION_SAMPLE: u32 = 16;
/** Where the next sample begins, in any table. */
let evictionRotor: u32 = 0;

/**
 * Removes one of a few entries of a table that is not empty: the one whose u32 at
 * `expiresOffset` of its value is the smallest. Each call looks at other entries.
 */
export function evict(
  table: Table,
  keySize: usize,
  valueSize: usize,
  expiresOffset: usize,
): void {
  let victim: u32 = 0;
  let earliest: u32 = 0xFFFFFFFF;
  for (let i: u32 = 0; i < EVICTION_SAMPLE; ++i) {
    const position = evictionRotor++ % table.count;
    const expires = load<u32>(table.values + <usize>position * valueSize + expiresOffset);
    if (expires > earliest) continue;
    earliest = expires;
    victim = position;
  }
  removeAt(table, victim, keySize, valueSize);
}

/**
 * Removes all entries and keeps the memory. Costs as much as there are entries: large
 * tables are cleared often while they are nearly empty.
 */
export function clear(table: Table, keySize: usize): void {
  const count = table.count;
  if (count > table.capacity >> 4) {
    memory.fill(table.index, 0, (<usize>table.mask + 1) << SLOT_SHIFT);
  } else {
    for (let position: u32 = 0; position < count; ++position) {
      const hash = hashKey(table.keys + <usize>position * keySize, keySize);
      store<u32>(slotAt(table, slotNaming(table, hash, position)), 0);
    }
  }
  table.count = 0;
}

/** Bytes that a table takes, for the entries it has and those it has room for. */
export function tableBytes(table: Table, keySize: usize, valueSize: usize): usize {
  if (!table.capacity) return 0;
  return <usize>table.capacity * (keySize + valueSize) + ((<usize>table.mask + 1) << SLOT_SHIFT);
}

/**
 * Makes a table of keys that lie somewhere else, without values: `capacity` keys there can
 * be, of which `count` are there. Returns STORED or OUT_OF_MEMORY.
 */
export function adopt(
  table: Table,
  keys: usize,
  keySize: usize,
  count: u32,
  capacity: u32,
): i32 {
  const index = allocateZeroed(<usize>capacity << (SLOT_SHIFT + 1));
  if (!index) return OUT_OF_MEMORY;
  table.keys = keys;
  table.index = index;
  table.mask = (capacity << 1) - 1;
  table.count = count;
  table.capacity = table.limit = capacity;
  for (let position: u32 = 0; position < count; ++position) {
    place(table, hashKey(keys + <usize>position * keySize, keySize), position);
  }
  return STORED;
}

/** Gives back what {@linkcode adopt} took: the keys are another's. */
export function releaseIndex(table: Table): void {
  if (table.index) release(table.index, <usize>table.capacity << (SLOT_SHIFT + 1));
}

/** Removes all entries and gives the memory back, so that small states stay small. */
export function reset(table: Table, keySize: usize, valueSize: usize): void {
  const capacity = <usize>table.capacity;
  release(table.index, capacity << (SLOT_SHIFT + 1));
  release(table.keys, capacity * keySize);
  release(table.values, capacity * valueSize);
  table.keys = table.values = table.index = 0;
  table.mask = table.count = table.capacity = 0;
}
