import {
  IMAGE_CELLS_LINE,
  IMAGE_CELLS_PER_LINE,
  IMAGE_CHILD_STRIDE,
  IMAGE_CLASS_SHIFT,
  IMAGE_ENTRIES_PER_LINE,
  IMAGE_HEADER_BROAD_BLOCK_OFF,
  IMAGE_KEYS_PER_LINE,
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
function lineAt(image: usize, line: u32): usize {
  return image + (<usize>line << LINE_SHIFT);
}

/** Number of starts in words 1–15 that are ≤ key: four compares, one bit per word. */
// @ts-ignore: decorator
@inline
function searchLine(line: usize, key: u32): u32 {
  const keys = i32x4.splat(<i32>key);
  const low = i16x8.narrow_i32x4_s(
    i32x4.le_u(v128.load(line), keys),
    i32x4.le_u(v128.load(line, 16), keys),
  );
  const high = i16x8.narrow_i32x4_s(
    i32x4.le_u(v128.load(line, 32), keys),
    i32x4.le_u(v128.load(line, 48), keys),
  );
  const found = i8x16.bitmask(i8x16.narrow_i16x8_s(low, high));
  return <u32>popcnt<i32>(found & 0xFFFE); // word 0 is not a start
}

/** Follows one profile. Returns the address of its entry for the key, or 0. */
// @ts-ignore: decorator
@inline
function profileLookup(
  image: usize,
  entries: u32,
  blocks: u32,
  lines: u32,
  block: u32,
  key: u32,
): usize {
  let line = blocks + block * 2;
  if (line >= lines) return 0;
  const depth = load<u32>(lineAt(image, line)) & PROFILE_DEPTH_MASK;
  if (depth) {
    if (depth == 2) {
      block += 1 + searchLine(lineAt(image, line), key) * IMAGE_CHILD_STRIDE;
      line = blocks + block * 2;
      if (line >= lines) return 0;
    }
    block += 1 + searchLine(lineAt(image, line), key);
    line = blocks + block * 2;
    if (line >= lines) return 0;
  }
  const index = searchLine(lineAt(image, line), key) & (IMAGE_KEYS_PER_LINE - 1);
  if (line + 1 >= lines) return 0;
  const entry = load<u32>(lineAt(image, line + 1) + (<usize>index << 2));
  if (entries + entry / IMAGE_ENTRIES_PER_LINE >= lines) return 0;
  return lineAt(image, entries) + <usize>entry * POLICY_ENTRY_SIZE;
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
function broadBlock(image: usize, direction: u32): u32 {
  return <u32>load<u16>(image + (<usize>(direction & 1) << 1), IMAGE_HEADER_BROAD_BLOCK_OFF);
}

/** The deciding entry in an image of a known class; the class's numbers fold away. */
// @ts-ignore: decorator
@inline
function imageLookup(
  image: usize,
  slots: u32,
  entries: u32,
  lines: u32,
  direction: u32,
  slot: u32,
  key: u32,
): usize {
  // A slot beyond this class has no cell of its own, which is what cell 0 says.
  if (slot >= slots) slot = 0;
  const cell = lineAt(image, IMAGE_CELLS_LINE) + (<usize>(direction * slots + slot) << 1);
  let block = <u32>load<u16>(cell);
  if (!block) block = broadBlock(image, direction);
  const own = profileLookup(
    image,
    entriesLine(slots),
    blocksLine(slots, entries),
    lines,
    block,
    key,
  );
  if (!own) return 0;
  const flags = load<u32>(lineAt(image, blocksLine(slots, entries) + block * 2));
  if (!(flags & PROFILE_UNMERGED)) return own;

  const broad = profileLookup(
    image,
    entriesLine(slots),
    blocksLine(slots, entries),
    lines,
    broadBlock(image, direction),
    key,
  );
  if (!broad) return 0;
  return broadWins(own, broad) ? broad : own;
}

/** The entry that a policy table has for (direction, peer's slot, key); 0 if it is damaged. */
export function policyTableLookup(table: u32, direction: u32, slot: u32, key: u32): usize {
  const at = imageOf(table);
  if (!at) return 0;
  switch (table >> IMAGE_CLASS_SHIFT) {
    case 0:
      return imageLookup(at, IMAGE_S_SLOTS, IMAGE_S_ENTRIES, IMAGE_S_LINES, direction, slot, key);
    case 1:
      return imageLookup(at, IMAGE_M_SLOTS, IMAGE_M_ENTRIES, IMAGE_M_LINES, direction, slot, key);
    default:
      return imageLookup(at, IMAGE_L_SLOTS, IMAGE_L_ENTRIES, IMAGE_L_LINES, direction, slot, key);
  }
}

/** Bytes of an image with this many lines. */
// @ts-ignore: decorator
@inline
export function imageBytes(lines: u32): usize {
  return <usize>lines * <usize>IMAGE_LINE_BYTES;
}
