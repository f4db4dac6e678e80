import { allocate, allocateZeroed, release } from "./arena";
import { DEBUG } from "./debug";
import { hashKey } from "./hash";
import { append, findHashed, NOT_FOUND, reset, Table } from "./table";

/*
 * IPv4 address → identity and slot in two to four loads: a multibit trie with strides of
 * 16, 8 and 8 bits and prefixes pushed to the leaves (Srinivasan & Varghese, 1999; the
 * first two strides of DIR-24-8 in one would cost 64 MiB). It stands beside the tables of
 * asm/ipcache.ts, holds what they hold, and is optional: they are the compact mode.
 *
 *   root, node  ┌ entry (u32) × 65,536 or 256, by the next bits of the address ┐
 *   entry       ┌ info (24 bits) ┬ length of the prefix that put it there (6) ┬ 0 0 ┐
 *               ├ address of a node >> 6 ─────────────────────────────────────┬ 1 ┤
 *   infos       ┌ struct ipcache_info's identity_slot (u64) … ┐ the first: of no prefix
 */

const ROOT_BYTES: usize = 65536 << 2;
const NODE_SLOTS: u32 = 256;
const NODE_BYTES: usize = 256 << 2;
const CHILD: u32 = 1 << 31;
const LENGTH_SHIFT: u32 = 24;
const INFO_MASK: u32 = (1 << LENGTH_SHIFT) - 1;
/** Length of an exact address: it goes before the prefix of 32 bits. */
export const EXACT: u32 = 33;
const MAX_INFOS: u32 = 1 << 19;
const INFO_SIZE: usize = 8;

/** Address of the root (u32), 0 without a trie. In memory: every worker reads it. */
const root: usize = memory.data(4, 4);
/** Interned infos: the table's keys. What no entry names any more stays until a reset. */
export const addressInfos = changetype<Table>(memory.data(32, 8));
const info: usize = memory.data(8, 8);
let nodeCount: u32 = 0;

// @ts-ignore: decorator
@inline
export function trieRoot(): usize {
  return <usize>load<u32>(root);
}

// @ts-ignore: decorator
@inline
function isChild(entry: u32): bool {
  return <i32>entry < 0;
}

/** The flag of a child is shifted out. */
// @ts-ignore: decorator
@inline
function nodeOf(entry: u32): usize {
  return <usize>(entry << 6);
}

// @ts-ignore: decorator
@inline
function lengthOf(entry: u32): u32 {
  return entry >> LENGTH_SHIFT;
}

/** Identity and slot of an address in network byte order. There is a trie. */
// @ts-ignore: decorator
@inline
export function trieLookup(address: u32): u64 {
  const top = (address & 0xFF) << 8 | (address >> 8 & 0xFF);
  let entry = load<u32>(trieRoot() + (<usize>top << 2));
  if (isChild(entry)) {
    entry = load<u32>(nodeOf(entry) + (<usize>(address >> 16 & 0xFF) << 2));
    if (isChild(entry)) entry = load<u32>(nodeOf(entry) + (<usize>(address >> 24) << 2));
  }
  return load<u64>(addressInfos.keys + (<usize>(entry & INFO_MASK) << 3));
}

/** The entry that a prefix of this length puts into its slots, or 0 if there are no more infos. */
export function trieEntry(prefixLength: u32, identitySlot: u64): u32 {
  store<u64>(info, identitySlot);
  const hash = hashKey(info, INFO_SIZE);
  let number = findHashed(addressInfos, info, INFO_SIZE, hash);
  if (number == NOT_FOUND) {
    const added = append(addressInfos, info, INFO_SIZE, 0, hash);
    if (added < 0) return 0;
    number = <u32>added;
  }
  return prefixLength << LENGTH_SHIFT | number;
}

/** Puts an entry into a slot, or all over the node behind it, where no longer prefix stands. */
function fill(slot: usize, entry: u32): void {
  const present = load<u32>(slot);
  if (isChild(present)) {
    fillRange(nodeOf(present), NODE_SLOTS, entry);
  } else if (lengthOf(present) <= lengthOf(entry)) {
    store<u32>(slot, entry);
  }
}

function fillRange(first: usize, count: u32, entry: u32): void {
  for (let i: u32 = 0; i < count; ++i) fill(first + (<usize>i << 2), entry);
}

/** The node behind a slot, made if there is none; 0 if memory is out. */
function childAt(slot: usize): usize {
  const present = load<u32>(slot);
  if (isChild(present)) return nodeOf(present);
  const node = allocate(NODE_BYTES);
  if (!node) return 0;
  for (let at: usize = 0; at < NODE_BYTES; at += 16) {
    v128.store(node + at, i32x4.splat(<i32>present));
  }
  store<u32>(slot, CHILD | <u32>(node >> 6));
  nodeCount += 1;
  return node;
}

/**
 * Adds a prefix, or gives it another entry.
 *
 * @param address Host byte order, zeros behind the prefix.
 * @param entry Of {@linkcode trieEntry}; holds the prefix's length.
 * @returns Whether memory sufficed; if not, the trie no longer tells the truth.
 */
export function trieInsert(address: u32, entry: u32): bool {
  const bits = min(lengthOf(entry), 32);
  const top = trieRoot() + (<usize>(address >> 16) << 2);
  if (bits <= 16) {
    fillRange(top, 1 << (16 - bits), entry);
    return true;
  }
  const middle = childAt(top);
  if (!middle) return false;
  const slot = middle + (<usize>(address >> 8 & 0xFF) << 2);
  if (bits <= 24) {
    fillRange(slot, 1 << (24 - bits), entry);
    return true;
  }
  const leaf = childAt(slot);
  if (!leaf) return false;
  fillRange(leaf + (<usize>(address & 0xFF) << 2), 1 << (32 - bits), entry);
  return true;
}

/** Whether all slots of a node say the same and lead nowhere. */
function isUniform(node: usize): bool {
  const first = load<u32>(node);
  if (isChild(first)) return false;
  const same = i32x4.splat(<i32>first);
  for (let at: usize = 0; at < NODE_BYTES; at += 16) {
    if (v128.any_true(v128.xor(v128.load(node + at), same))) return false;
  }
  return true;
}

/**
 * Takes away the node behind a slot if it says nothing that the slot cannot: a longer prefix than
 * the slot's own bits stays where it was put, since it may be removed alone.
 */
function collapse(slot: usize, bits: u32): void {
  const node = nodeOf(load<u32>(slot));
  if (lengthOf(load<u32>(node)) > bits || !isUniform(node)) return;
  store<u32>(slot, load<u32>(node));
  release(node, NODE_BYTES);
  nodeCount -= 1;
}

/** Gives a slot of a prefix, or all its slots in the node behind this one, to what covers it. */
function uncover(slot: usize, bits: u32, length: u32, cover: u32): void {
  const present = load<u32>(slot);
  if (isChild(present)) {
    uncoverRange(nodeOf(present), NODE_SLOTS, bits + 8, length, cover);
    collapse(slot, bits);
  } else if (lengthOf(present) == length) {
    store<u32>(slot, cover);
  }
}

function uncoverRange(first: usize, count: u32, bits: u32, length: u32, cover: u32): void {
  for (let i: u32 = 0; i < count; ++i) uncover(first + (<usize>i << 2), bits, length, cover);
}

/**
 * Removes a prefix, or an exact address, that is there.
 *
 * @param address Host byte order, zeros behind the prefix.
 * @param length Of the prefix, or {@linkcode EXACT}.
 * @param cover The entry of the longest prefix around it, 0 if there is none.
 */
export function trieRemove(address: u32, length: u32, cover: u32): void {
  const bits = min(length, 32);
  const top = trieRoot() + (<usize>(address >> 16) << 2);
  if (bits <= 16) return uncoverRange(top, 1 << (16 - bits), 16, length, cover);
  if (DEBUG) assert(isChild(load<u32>(top))); // it was inserted, and keeps its nodes
  const middle = nodeOf(load<u32>(top)) + (<usize>(address >> 8 & 0xFF) << 2);
  if (bits <= 24) {
    uncoverRange(middle, 1 << (24 - bits), 24, length, cover);
  } else {
    if (DEBUG) assert(isChild(load<u32>(middle)));
    const leaf = nodeOf(load<u32>(middle)) + (<usize>(address & 0xFF) << 2);
    uncoverRange(leaf, 1 << (32 - bits), 32, length, cover);
    collapse(middle, 24);
  }
  collapse(top, 16);
}

function releaseNodes(slots: usize, count: u32): void {
  for (let i: u32 = 0; i < count; ++i) {
    const entry = load<u32>(slots + (<usize>i << 2));
    if (!isChild(entry)) continue;
    releaseNodes(nodeOf(entry), NODE_SLOTS);
    release(nodeOf(entry), NODE_BYTES);
  }
}

/** Gives all memory back: no trie. */
export function dropTrie(): void {
  if (trieRoot()) {
    if (nodeCount) releaseNodes(trieRoot(), 65536);
    release(trieRoot(), ROOT_BYTES);
    store<u32>(root, 0);
  }
  nodeCount = 0;
  reset(addressInfos, INFO_SIZE, 0);
}

/** Makes an empty trie, in which every address has `world`. Returns whether memory sufficed. */
export function newTrie(world: u64): bool {
  dropTrie();
  addressInfos.limit = MAX_INFOS;
  trieEntry(0, world); // the first info
  const slots = addressInfos.count ? allocateZeroed(ROOT_BYTES) : 0;
  store<u32>(root, <u32>slots);
  return slots != 0;
}

/** Bytes of the trie and its infos. */
export function trieBytes(): usize {
  if (!trieRoot()) return 0;
  const infos = <usize>addressInfos.capacity * INFO_SIZE + ((<usize>addressInfos.mask + 1) << 2);
  return ROOT_BYTES + <usize>nodeCount * NODE_BYTES + infos;
}
