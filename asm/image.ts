import {
  IMAGE_CELLS_LINE,
  IMAGE_CELLS_PER_LINE,
  IMAGE_CHILD_STRIDE,
  IMAGE_CLASS_SHIFT,
  IMAGE_ENTRIES_PER_LINE,
  IMAGE_HEADER_BROAD_BLOCK_OFF,
  IMAGE_L_ENTRIES,
  IMAGE_L_LINES,
  IMAGE_L_SLOTS,
  IMAGE_LINE_BYTES,
  IMAGE_M_ENTRIES,
  IMAGE_M_LINES,
  IMAGE_M_SLOTS,
  IMAGE_S_ENTRIES,
  IMAGE_S_LINES,
  IMAGE_S_SLOTS,
  POLICY_ENTRY_PRECEDENCE_OFF,
  POLICY_ENTRY_PREFIX_LEN_OFF,
  POLICY_ENTRY_SIZE,
  POLICY_ENTRY_VERDICT_OFF,
  PROFILE_DEPTH_MASK,
  PROFILE_UNMERGED,
  VERDICT_NONE,
} from "./layout";
import { imageOf } from "./image_store";

/*
 * bpf/image.h in AssemblyScript, statement by statement; the format is described there.
 * A line beyond the image gives no entry, as the kernel's map lookup does.
 */

/** Bytes of a block: two lines. */
export const BLOCK_BYTES: usize = 128;
const LINE_SHIFT: usize = 6;

// @ts-ignore: decorator
@inline
export function entriesLine(slots: u32): u32 {
  return IMAGE_CELLS_LINE + 2 * slots / IMAGE_CELLS_PER_LINE;
}

// @ts-ignore: decorator
@inline
export function blocksLine(slots: u32, entries: u32): u32 {
  return entriesLine(slots) + entries / IMAGE_ENTRIES_PER_LINE;
}

// @ts-ignore: decorator
@inline
export function policyKey(protocol: u32, port: u32): u32 {
  return protocol << 16 | port;
}

// @ts-ignore: decorator
@inline
export function lineAt(image: usize, line: u32): usize {
  return image + (<usize>line << LINE_SHIFT);
}

/** All bits of the starts that are ≤ their keys. i32x4.le_u is an instruction more in V8. */
// @ts-ignore: decorator
@inline
function notAbove(starts: v128, keys: v128): v128 {
  return i32x4.eq(i32x4.min_u(starts, keys), starts);
}

/** Number of starts in words 1–15 that are ≤ key: four compares, one bit per word. */
// @ts-ignore: decorator
@inline
function searchLine(line: usize, first: v128, key: u32): u32 {
  const keys = i32x4.splat(<i32>key);
  const low = i16x8.narrow_i32x4_s(
    notAbove(first, keys),
    notAbove(v128.load(line, 16), keys),
  );
  const high = i16x8.narrow_i32x4_s(
    notAbove(v128.load(line, 32), keys),
    notAbove(v128.load(line, 48), keys),
  );
  const found = i8x16.bitmask(i8x16.narrow_i16x8_s(low, high));
  return <u32>popcnt<i32>(found & 0xFFFE); // word 0 is not a start
}

/** Number of the entry that a leaf has for a key. */
// @ts-ignore: decorator
@inline
function leafEntry(leaf: usize, first: v128, key: u32): u32 {
  return load<u32>(leaf + (<usize>searchLine(leaf, first, key) << 2), <usize>IMAGE_LINE_BYTES);
}

// @ts-ignore: decorator
@inline
function blockAt(blocks: usize, block: u32): usize {
  return blocks + <usize>block * BLOCK_BYTES;
}

/** Follows one profile. Returns the address of its entry for the key, or 0. */
function profileLookup(
  blocks: usize,
  blockCount: u32,
  entries: usize,
  entryCount: u32,
  block: u32,
  key: u32,
): usize {
  if (block >= blockCount) return 0;
  let line = blockAt(blocks, block);
  for (let depth = load<u32>(line) & PROFILE_DEPTH_MASK; depth; --depth) {
    const child = searchLine(line, v128.load(line), key);
    block += 1 + (depth == 1 ? child : child * IMAGE_CHILD_STRIDE);
    if (block >= blockCount) return 0;
    line = blockAt(blocks, block);
  }
  const entry = leafEntry(line, v128.load(line), key);
  return entry < entryCount ? entries + <usize>entry * POLICY_ENTRY_SIZE : 0;
}

/** SEMANTICS "Lookup": whether the broad entry wins over the peer's own. */
// @ts-ignore: decorator
@inline
export function broadWins(own: usize, broad: usize): bool {
  if (load<u8>(broad, POLICY_ENTRY_VERDICT_OFF) == VERDICT_NONE) return false;
  if (load<u8>(own, POLICY_ENTRY_VERDICT_OFF) == VERDICT_NONE) return true;
  const ownPrecedence = load<u32>(own, POLICY_ENTRY_PRECEDENCE_OFF);
  const broadPrecedence = load<u32>(broad, POLICY_ENTRY_PRECEDENCE_OFF);
  if (broadPrecedence != ownPrecedence) return broadPrecedence > ownPrecedence;
  return load<u8>(broad, POLICY_ENTRY_PREFIX_LEN_OFF) > load<u8>(own, POLICY_ENTRY_PREFIX_LEN_OFF);
}

// @ts-ignore: decorator
@inline
export function broadBlock(image: usize, direction: u32): u32 {
  return <u32>load<u16>(image + (<usize>(direction & 1) << 1), IMAGE_HEADER_BROAD_BLOCK_OFF);
}

/** Address of a direction's cells. */
// @ts-ignore: decorator
@inline
export function cellsAt(image: usize, slots: u32, direction: u32): usize {
  return lineAt(image, IMAGE_CELLS_LINE) + (<usize>(direction * slots) << 1);
}

/** The entry of a peer's profile, or the broad one's where that wins. */
function unmergedLookup(
  blocks: usize,
  blockCount: u32,
  entries: usize,
  entryCount: u32,
  block: u32,
  broadBlock: u32,
  key: u32,
): usize {
  const own = profileLookup(blocks, blockCount, entries, entryCount, block, key);
  if (!own) return 0;
  if (!(load<u32>(blockAt(blocks, block)) & PROFILE_UNMERGED)) return own;
  const broad = profileLookup(blocks, blockCount, entries, entryCount, broadBlock, key);
  if (!broad) return 0;
  return broadWins(own, broad) ? broad : own;
}

/** Reads a cell that may be stored meanwhile: what it names was complete before. */
// @ts-ignore: decorator
@inline
function loadCell(at: usize): u32 {
  return ASC_FEATURE_THREADS ? <u32>atomic.load<u16>(at) : <u32>load<u16>(at);
}

/** Stores the cell of an image in use, after what it names. */
// @ts-ignore: decorator
@inline
export function storeCell(at: usize, block: u32): void {
  if (ASC_FEATURE_THREADS) atomic.store<u16>(at, <u16>block);
  else store<u16>(at, <u16>block);
}

/**
 * The deciding entry of a direction, or 0 if the image is damaged. The first six say where the
 * image's parts are and what they hold: literals, or an {@linkcode openImage}.
 *
 * @param cells Of the direction.
 * @param broad Block of the direction's broad profile.
 */
// @ts-ignore: decorator
@inline
export function imageLookup(
  cells: usize,
  slots: u32,
  broad: u32,
  blocks: usize,
  blockCount: u32,
  entries: usize,
  entryCount: u32,
  slot: u32,
  key: u32,
): usize {
  // A slot beyond this class has no cell of its own, which is what cell 0 says.
  if (slot >= slots) slot = 0;
  const own = loadCell(cells + (<usize>slot << 1));
  // Arithmetic instead of a branch: no predictor knows which peers have a profile.
  const block = own | broad & (<u32>(own != 0) - 1);
  if (block >= blockCount) return 0;
  const line = blockAt(blocks, block);
  const first = v128.load(line);
  if (i32x4.extract_lane(first, 0) & (PROFILE_DEPTH_MASK | PROFILE_UNMERGED)) {
    return unmergedLookup(blocks, blockCount, entries, entryCount, block, broad, key);
  }
  const entry = leafEntry(line, first, key);
  return entry < entryCount ? entries + <usize>entry * POLICY_ENTRY_SIZE : 0;
}

/** Blocks between a class's blocks line and its end. */
// @ts-ignore: decorator
@inline
export function blockCount(slots: u32, entries: u32, lines: u32): u32 {
  return (lines - blocksLine(slots, entries)) / 2;
}

/** Entries between a class's entries line and its end: no line beyond the image is read. */
// @ts-ignore: decorator
@inline
export function entryCount(slots: u32, lines: u32): u32 {
  return (lines - entriesLine(slots)) * IMAGE_ENTRIES_PER_LINE;
}

/** In an image of a known class; the class's numbers fold away. */
// @ts-ignore: decorator
@inline
function classLookup(
  image: usize,
  slots: u32,
  entries: u32,
  lines: u32,
  direction: u32,
  slot: u32,
  key: u32,
): usize {
  return imageLookup(
    cellsAt(image, slots, direction),
    slots,
    broadBlock(image, direction),
    lineAt(image, blocksLine(slots, entries)),
    blockCount(slots, entries, lines),
    lineAt(image, entriesLine(slots)),
    entryCount(slots, lines),
    slot,
    key,
  );
}

/** The entry that a policy table has for (direction, peer's slot, key); 0 if it is damaged. */
export function policyTableLookup(table: u32, direction: u32, slot: u32, key: u32): usize {
  const at = imageOf(table);
  if (!at) return 0;
  switch (table >> IMAGE_CLASS_SHIFT) {
    case 0:
      return classLookup(at, IMAGE_S_SLOTS, IMAGE_S_ENTRIES, IMAGE_S_LINES, direction, slot, key);
    case 1:
      return classLookup(at, IMAGE_M_SLOTS, IMAGE_M_ENTRIES, IMAGE_M_LINES, direction, slot, key);
    default:
      return classLookup(at, IMAGE_L_SLOTS, IMAGE_L_ENTRIES, IMAGE_L_LINES, direction, slot, key);
  }
}

/** Bytes of an image with this many lines. */
// @ts-ignore: decorator
@inline
export function imageBytes(lines: u32): usize {
  return <usize>lines * <usize>IMAGE_LINE_BYTES;
}
