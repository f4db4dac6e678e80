import {
  IDENTITY_REMOTE_NODE,
  IDENTITY_RESERVED_MAX,
  IDENTITY_SCOPE_LOCAL,
  IDENTITY_SCOPE_REMOTE_NODE,
  IDENTITY_SCOPE_SHIFT,
  IDENTITY_WORLD_IPV4,
  IDENTITY_WORLD_IPV6,
  IPCACHE4_CIDR_KEY_ADDRESS_OFF,
  IPCACHE4_CIDR_KEY_SIZE,
  IPCACHE4_KEY_SIZE,
  IPCACHE6_CIDR_KEY_ADDRESS_OFF,
  IPCACHE6_CIDR_KEY_SIZE,
  IPCACHE6_KEY_SIZE,
  IPCACHE_INFO_IDENTITY_SLOT_OFF,
  IPCACHE_INFO_SIZE,
  MARK_IDENTITY,
  MAX_IDENTITIES,
  MAX_IPCACHE,
} from "./layout";
import {
  dropTrie,
  EXACT,
  newTrie,
  trieBytes,
  trieEntry,
  trieInsert,
  trieLookup,
  trieRemove,
  trieRoot,
} from "./address_trie";
import { mix32 } from "./hash";
import { find, findHashed, NOT_FOUND, remove, reset, Table, tableBytes, upsert } from "./table";
import { CIDR_KEY_OFF, own } from "./worker";

/*
 * bpf/ipcache.h in AssemblyScript: exact addresses first, then CIDRs from the longest
 * prefix length in use to the shortest, each one probe of a hash table (Waldvogel et
 * al., 1997, without the binary search: few lengths are in use). With a trie beside them
 * (asm/address_trie.ts) IPv4 lookups ask that instead, and get the same answers.
 *
 *   length list  ┌ count (u32) ┬ prefix lengths, longest first (u32 each) … ┐
 */

export const ipcache4 = changetype<Table>(memory.data(32, 8));
export const ipcache6 = changetype<Table>(memory.data(32, 8));
export const ipcache4Cidr = changetype<Table>(memory.data(32, 8));
export const ipcache6Cidr = changetype<Table>(memory.data(32, 8));
export const identities = changetype<Table>(memory.data(32, 8));

const IDENTITY_KEY_SIZE: usize = 4;
const IDENTITY_VALUE_SIZE: usize = 4;

const info: usize = memory.data(16, 8);
const lengths4: usize = memory.data(4 + 33 * 4, 8);
const lengths6: usize = memory.data(4 + 129 * 4, 8);
/** CIDRs of each length (u32 each). */
const counts4: usize = memory.data(33 * 4, 8);
const counts6: usize = memory.data(129 * 4, 8);

export function resetIpcache(): void {
  reset(ipcache4, IPCACHE4_KEY_SIZE, IPCACHE_INFO_SIZE);
  reset(ipcache6, IPCACHE6_KEY_SIZE, IPCACHE_INFO_SIZE);
  reset(ipcache4Cidr, IPCACHE4_CIDR_KEY_SIZE, IPCACHE_INFO_SIZE);
  reset(ipcache6Cidr, IPCACHE6_CIDR_KEY_SIZE, IPCACHE_INFO_SIZE);
  reset(identities, IDENTITY_KEY_SIZE, IDENTITY_VALUE_SIZE);
  ipcache4.limit = ipcache6.limit = ipcache4Cidr.limit = ipcache6Cidr.limit = MAX_IPCACHE;
  identities.limit = MAX_IDENTITIES;
  store<u32>(lengths4, 0);
  store<u32>(lengths6, 0);
  memory.fill(counts4, 0, 33 * 4);
  memory.fill(counts6, 0, 129 * 4);
  if (wantsTrie) newTrie(WORLD4);
}

/** What an address without an entry is. */
const WORLD4: u64 = <u64>IDENTITY_WORLD_IPV4 << 32 | <u64>IDENTITY_WORLD_IPV4;

/** Whether IPv4 lookups are to be fast, at the price of memory. */
let wantsTrie: bool = false;

/**
 * Chooses between the compact and the fast mode, for what is stored now and later. Without
 * memory for the trie the mode stays compact.
 */
export function useAddressTrie(wanted: bool): void {
  wantsTrie = wanted;
  if (wanted) buildTrie();
  else dropTrie();
}

/** Builds the trie anew from the tables: needed once, and when infos that are gone fill it. */
function buildTrie(): void {
  if (!newTrie(WORLD4)) return;
  for (let i: u32 = 0; i < ipcache4Cidr.count; ++i) {
    const prefix = ipcache4Cidr.keys + <usize>i * IPCACHE4_CIDR_KEY_SIZE;
    const address = load<u32>(prefix, IPCACHE4_CIDR_KEY_ADDRESS_OFF);
    if (!addToTrie(address, load<u32>(prefix), valueAt(ipcache4Cidr, i))) return dropTrie();
  }
  for (let i: u32 = 0; i < ipcache4.count; ++i) {
    const address = load<u32>(ipcache4.keys + <usize>i * IPCACHE4_KEY_SIZE);
    if (!addToTrie(address, EXACT, valueAt(ipcache4, i))) return dropTrie();
  }
}

function addToTrie(address: u32, length: u32, identitySlot: u64): bool {
  const entry = trieEntry(length, identitySlot);
  return entry != 0 && trieInsert(bswap<u32>(address), entry);
}

/** Takes over what a table has just stored. */
function follow(address: u32, length: u32, value: usize): void {
  if (!trieRoot()) return;
  if (!addToTrie(address, length, load<u64>(value))) buildTrie();
}

/** Stores the identity of an address (network byte order). Returns 0 or an error of the table. */
export function upsertAddress4(address: usize, value: usize): i32 {
  const error = upsert(ipcache4, address, value, IPCACHE4_KEY_SIZE, IPCACHE_INFO_SIZE);
  if (!error) follow(load<u32>(address), EXACT, value);
  return error;
}

/** Forgets an address. Returns whether it was known. */
export function removeAddress4(address: usize): bool {
  if (!remove(ipcache4, address, IPCACHE4_KEY_SIZE, IPCACHE_INFO_SIZE)) return false;
  uncover(load<u32>(address), EXACT);
  return true;
}

/** Gives the addresses of a prefix that is no more to what is around it, in the trie as well. */
function uncover(address: u32, length: u32): void {
  if (trieRoot()) trieRemove(bswap<u32>(address), length, coverOf(address, length));
}

/** The trie's entry of the longest prefix around one of this length, 0 if there is none. */
function coverOf(address: u32, length: u32): u32 {
  for (let i: u32 = 0, count = load<u32>(lengths4); i < count; ++i) {
    if (lengthAt(lengths4, i) >= length) continue;
    const position = findCidr4(address, lengthAt(lengths4, i));
    if (position == NOT_FOUND) continue;
    return trieEntry(lengthAt(lengths4, i), valueAt(ipcache4Cidr, position));
  }
  return 0;
}

/** Bytes that the addresses and CIDRs of both families take, with what finds them. */
export function ipcacheBytes(): usize {
  return tableBytes(ipcache4, IPCACHE4_KEY_SIZE, IPCACHE_INFO_SIZE) +
    tableBytes(ipcache6, IPCACHE6_KEY_SIZE, IPCACHE_INFO_SIZE) +
    tableBytes(ipcache4Cidr, IPCACHE4_CIDR_KEY_SIZE, IPCACHE_INFO_SIZE) +
    tableBytes(ipcache6Cidr, IPCACHE6_CIDR_KEY_SIZE, IPCACHE_INFO_SIZE) + trieBytes();
}

// @ts-ignore: decorator
@inline
export function identitySlot(identity: u32, slot: u32): u64 {
  return <u64>slot << 32 | <u64>identity;
}

/** Writes the struct ipcache_info that the next upsert stores. */
// @ts-ignore: decorator
@inline
export function setInfo(identity: u32, slot: u32): usize {
  store<u64>(info, identitySlot(identity, slot), IPCACHE_INFO_IDENTITY_SLOT_OFF);
  store<u64>(info, 0, IPCACHE_INFO_IDENTITY_SLOT_OFF + 8); // tunnel endpoint, flags
  return info;
}

/** Address of a family's list of prefix lengths in use. */
export function prefixLengths(family: u32): usize {
  return family == 4 ? lengths4 : lengths6;
}

/** Counts a new CIDR. Keeps the list sorted, longest first. */
function addLength(lengths: usize, counts: usize, prefixLength: u32): void {
  if (countOf(counts, prefixLength, 1) > 1) return;
  const count = load<u32>(lengths);
  const at = positionOf(lengths, prefixLength);
  const gap = lengths + 4 + (<usize>at << 2);
  memory.copy(gap + 4, gap, <usize>(count - at) << 2);
  store<u32>(gap, prefixLength);
  store<u32>(lengths, count + 1);
}

/** Counts a CIDR that is no more; the last one takes its length with it. */
function removeLength(lengths: usize, counts: usize, prefixLength: u32): void {
  if (countOf(counts, prefixLength, -1) > 0) return;
  const count = load<u32>(lengths) - 1;
  const at = positionOf(lengths, prefixLength);
  const gap = lengths + 4 + (<usize>at << 2);
  memory.copy(gap, gap + 4, <usize>(count - at) << 2);
  store<u32>(lengths, count);
}

/** Where a length stands in the list, or would. */
function positionOf(lengths: usize, prefixLength: u32): u32 {
  const count = load<u32>(lengths);
  let at: u32 = 0;
  while (at < count && lengthAt(lengths, at) > prefixLength) ++at;
  return at;
}

/** Changes the count of a length, and returns it. */
function countOf(counts: usize, prefixLength: u32, change: i32): u32 {
  const at = counts + (<usize>prefixLength << 2);
  const count = load<u32>(at) + change;
  store<u32>(at, count);
  return count;
}

// @ts-ignore: decorator
@inline
function lengthAt(lengths: usize, index: u32): u32 {
  return load<u32>(lengths + (<usize>index << 2), 4);
}

/** The first `bits` bits of a word in network byte order; 32 and more keep it whole. */
// @ts-ignore: decorator
@inline
function maskWord(word: u32, bits: i32): u32 {
  // In 64 bits, since a 32-bit shift by 32 would be a shift by 0.
  const mask = <u32>(<u64>0xFFFFFFFF << <u64>(32 - min(max(bits, 0), 32)));
  return word & bswap<u32>(mask);
}

/** Writes a CIDR's key. */
// @ts-ignore: decorator
@inline
function writeCidr4(address: u32, prefixLength: u32): usize {
  const key = own + CIDR_KEY_OFF;
  store<u32>(key, prefixLength);
  store<u32>(key, maskWord(address, prefixLength), IPCACHE4_CIDR_KEY_ADDRESS_OFF);
  return key;
}

/** Stores the identity of a CIDR. Returns 0 or an error of the table. */
export function upsertCidr4(address: u32, prefixLength: u32, value: usize): i32 {
  const key = writeCidr4(address, prefixLength);
  const before = ipcache4Cidr.count;
  const error = upsert(ipcache4Cidr, key, value, IPCACHE4_CIDR_KEY_SIZE, IPCACHE_INFO_SIZE);
  if (ipcache4Cidr.count != before) addLength(lengths4, counts4, prefixLength);
  if (!error) follow(load<u32>(key, IPCACHE4_CIDR_KEY_ADDRESS_OFF), prefixLength, value);
  return error;
}

/** Forgets a CIDR. Returns whether it was known. */
export function removeCidr4(address: u32, prefixLength: u32): bool {
  const key = writeCidr4(address, prefixLength);
  if (!remove(ipcache4Cidr, key, IPCACHE4_CIDR_KEY_SIZE, IPCACHE_INFO_SIZE)) return false;
  removeLength(lengths4, counts4, prefixLength);
  uncover(maskWord(address, prefixLength), prefixLength);
  return true;
}

export function upsertCidr6(address: usize, prefixLength: u32, value: usize): i32 {
  const key = writeCidr6(address, prefixLength);
  const before = ipcache6Cidr.count;
  const error = upsert(ipcache6Cidr, key, value, IPCACHE6_CIDR_KEY_SIZE, IPCACHE_INFO_SIZE);
  if (ipcache6Cidr.count != before) addLength(lengths6, counts6, prefixLength);
  return error;
}

export function removeCidr6(address: usize, prefixLength: u32): bool {
  const key = writeCidr6(address, prefixLength);
  if (!remove(ipcache6Cidr, key, IPCACHE6_CIDR_KEY_SIZE, IPCACHE_INFO_SIZE)) return false;
  removeLength(lengths6, counts6, prefixLength);
  return true;
}

/** Mask of the first `bits` bits of a word in network byte order; all of 64 and more. */
// @ts-ignore: decorator
@inline
function maskWord64(bits: i32): u64 {
  // Two shifts, since one by 64 would be a shift by 0.
  const rest = <u64>(64 - min(max(bits, 0), 64));
  return bswap<u64>(<u64>-1 << (rest >> 1) << (rest - (rest >> 1)));
}

/** Writes a CIDR's key, in the words in which it is read: a load of two stores waits for both. */
// @ts-ignore: decorator
@inline
function writeCidr6(address: usize, prefixLength: u32): usize {
  const key = own + CIDR_KEY_OFF;
  const low = load<u64>(address) & maskWord64(prefixLength);
  const high = load<u64>(address, 8) & maskWord64(<i32>prefixLength - 64);
  store<u64>(key, <u64>prefixLength | low << 32);
  store<u64>(key, low >> 32 | high << 32, 8);
  store<u32>(key, <u32>(high >> 32), 16);
  return key;
}

/** Identity and slot of a table's value. */
// @ts-ignore: decorator
@inline
function valueAt(table: Table, position: u32): u64 {
  return load<u64>(
    table.values + <usize>position * IPCACHE_INFO_SIZE,
    IPCACHE_INFO_IDENTITY_SLOT_OFF,
  );
}

// @ts-ignore: decorator
@inline
function findCidr4(address: u32, prefixLength: u32): u32 {
  return find(ipcache4Cidr, writeCidr4(address, prefixLength), IPCACHE4_CIDR_KEY_SIZE);
}

function lookupCidr4(address: u32): u64 {
  for (let i: u32 = 0, count = load<u32>(lengths4); i < count; ++i) {
    const position = findCidr4(address, lengthAt(lengths4, i));
    if (position != NOT_FOUND) return valueAt(ipcache4Cidr, position);
  }
  return WORLD4;
}

function lookupCidr6(address: usize): u64 {
  for (let i: u32 = 0, count = load<u32>(lengths6); i < count; ++i) {
    const key = writeCidr6(address, lengthAt(lengths6, i));
    const position = find(ipcache6Cidr, key, IPCACHE6_CIDR_KEY_SIZE);
    if (position != NOT_FOUND) return valueAt(ipcache6Cidr, position);
  }
  return identitySlot(IDENTITY_WORLD_IPV6, IDENTITY_WORLD_IPV6);
}

/** Identity and slot of an address (network byte order, 4 or 16 bytes at `address`). */
// @ts-ignore: decorator
@inline
export function ipcacheLookup(family: u32, address: usize): u64 {
  if (family == 4) {
    const word = load<u32>(address);
    if (trieRoot()) return trieLookup(word);
    const position = findHashed(ipcache4, address, IPCACHE4_KEY_SIZE, mix32(word));
    return position != NOT_FOUND ? valueAt(ipcache4, position) : lookupCidr4(word);
  }
  const position = find(ipcache6, address, IPCACHE6_KEY_SIZE);
  return position != NOT_FOUND ? valueAt(ipcache6, position) : lookupCidr6(address);
}

/** Identity and slot of each of `count` addresses, one struct ipcache key after another. */
export function lookupAddresses(addresses: usize, count: u32, family: u32, output: usize): void {
  const size = family == 4 ? IPCACHE4_KEY_SIZE : IPCACHE6_KEY_SIZE;
  for (let i: u32 = 0; i < count; ++i) {
    store<u64>(output + (<usize>i << 3), ipcacheLookup(family, addresses + <usize>i * size));
  }
}

/** The slot that stands for an identity without one: its scope's. */
export function scopeFallback(identity: u32, family: u32): u32 {
  switch (identity >> IDENTITY_SCOPE_SHIFT) {
    case IDENTITY_SCOPE_LOCAL:
      return family == 4 ? IDENTITY_WORLD_IPV4 : IDENTITY_WORLD_IPV6;
    case IDENTITY_SCOPE_REMOTE_NODE:
      return IDENTITY_REMOTE_NODE;
    default:
      return identity <= IDENTITY_RESERVED_MAX ? identity : 0;
  }
}

/** The slot of an identity that came without one; 0: none. */
export function identityToSlot(identity: u32): u32 {
  store<u32>(own, identity, CIDR_KEY_OFF);
  const position = find(identities, own + CIDR_KEY_OFF, IDENTITY_KEY_SIZE);
  return position == NOT_FOUND ? 0 : load<u32>(identities.values + (<usize>position << 2));
}

// @ts-ignore: decorator
@inline
export function markIdentity(mark: u32): u32 {
  return mark >> 16 | (mark & 0xFF) << 16;
}

// @ts-ignore: decorator
@inline
export function identityMark(identity: u32): u32 {
  return identity << 16 | MARK_IDENTITY | (identity >> 16 & 0xFF);
}
