import { BLOCK_BYTES } from "./image";
import {
  IMAGE_CHILD_STRIDE,
  IMAGE_KEYS_PER_LINE,
  IMAGE_LINE_BYTES,
  PROFILE_DEPTH_MASK,
} from "./layout";
import { appendRange, RANGE_SIZE, rangeEntry, rangeStart } from "./ranges";

/*
 * Ranges ↔ the blocks of a profile; the format is drawn in bpf/image.h. A profile names
 * its blocks relative to the first, so equal profiles have equal bytes wherever they
 * stand, which is what interning compares.
 *
 *   block  ┌ word 0: depth, flags ┬ starts 1–15 ┐ line 0
 *          ├ entry numbers 0–15 ────────────────┤ line 1
 */

/** Most ranges of a profile: three levels of 16. */
export const MAX_RANGES: u32 = 4096;
/** Ranges of a child of a depth-2 profile. */
const CHILD_RANGES: u32 = 256;
const UNUSED: i32 = -1;

// @ts-ignore: decorator
@inline
function leavesOf(ranges: u32): u32 {
  return (ranges + IMAGE_KEYS_PER_LINE - 1) / IMAGE_KEYS_PER_LINE;
}

/** Blocks that a profile of this many ranges takes. The last child is not filled up. */
export function blocksOf(ranges: u32): u32 {
  if (ranges <= IMAGE_KEYS_PER_LINE) return 1;
  if (ranges <= CHILD_RANGES) return 1 + leavesOf(ranges);
  const full = (ranges - 1) / CHILD_RANGES;
  return 1 + full * IMAGE_CHILD_STRIDE + 1 + leavesOf(ranges - full * CHILD_RANGES);
}

// @ts-ignore: decorator
@inline
function word(line: usize, index: u32): usize {
  return line + (<usize>index << 2);
}

/** Writes an index or leaf line with nothing in it. */
function emptyBlock(block: usize, word0: u32): void {
  for (let at: usize = 0; at < <usize>IMAGE_LINE_BYTES; at += 16) {
    v128.store(block + at, i32x4.splat(UNUSED));
  }
  memory.fill(block + <usize>IMAGE_LINE_BYTES, 0, <usize>IMAGE_LINE_BYTES);
  store<u32>(block, word0);
}

function writeLeaf(block: usize, word0: u32, range: usize, count: u32): void {
  emptyBlock(block, word0);
  const entries = block + <usize>IMAGE_LINE_BYTES;
  for (let i: u32 = 0; i < count; ++i) {
    if (i) store<u32>(word(block, i), rangeStart(range));
    store<u32>(word(entries, i), rangeEntry(range));
    range += RANGE_SIZE;
  }
}

/** Writes an index block and the leaves behind it. */
function writeIndex(block: usize, word0: u32, range: usize, count: u32): void {
  emptyBlock(block, word0);
  for (let leaf: u32 = 0; leaf < leavesOf(count); ++leaf) {
    const first = leaf * IMAGE_KEYS_PER_LINE;
    const at = range + <usize>first * RANGE_SIZE;
    if (leaf) store<u32>(word(block, leaf), rangeStart(at));
    writeLeaf(
      block + <usize>(leaf + 1) * BLOCK_BYTES,
      0,
      at,
      min(count - first, IMAGE_KEYS_PER_LINE),
    );
  }
}

/** Writes a profile of 1 to MAX_RANGES ranges; `blocksOf(count)` blocks. */
export function writeProfile(block: usize, flags: u32, range: usize, count: u32): void {
  if (count <= IMAGE_KEYS_PER_LINE) return writeLeaf(block, flags, range, count);
  if (count <= CHILD_RANGES) return writeIndex(block, flags | 1, range, count);
  emptyBlock(block, flags | 2);
  for (let child: u32 = 0, first: u32 = 0; first < count; ++child, first += CHILD_RANGES) {
    const at = range + <usize>first * RANGE_SIZE;
    if (child) store<u32>(word(block, child), rangeStart(at));
    writeIndex(
      block + <usize>(1 + child * IMAGE_CHILD_STRIDE) * BLOCK_BYTES,
      1,
      at,
      min(count - first, CHILD_RANGES),
    );
  }
}

/** Number of the words of a line that are in use. */
function usedWords(line: usize): u32 {
  let used: u32 = 1;
  while (used < IMAGE_KEYS_PER_LINE && load<u32>(word(line, used)) != <u32>UNUSED) ++used;
  return used;
}

/** Blocks that the profile at `block` takes, read from its bytes. */
export function writtenBlocks(block: usize): u32 {
  const depth = load<u32>(block) & PROFILE_DEPTH_MASK;
  if (!depth) return 1;
  const used = usedWords(block);
  if (depth == 1) return 1 + used;
  const last = 1 + (used - 1) * IMAGE_CHILD_STRIDE;
  return last + 1 + usedWords(block + <usize>last * BLOCK_BYTES);
}

function readLeaf(block: usize, start: u32, out: usize, end: usize): usize {
  const entries = block + <usize>IMAGE_LINE_BYTES;
  for (let i: u32 = 0, used = usedWords(block); i < used; ++i) {
    end = appendRange(out, end, i ? load<u32>(word(block, i)) : start, load<u32>(word(entries, i)));
  }
  return end;
}

function readIndex(block: usize, start: u32, out: usize, end: usize): usize {
  for (let leaf: u32 = 0, used = usedWords(block); leaf < used; ++leaf) {
    const first = leaf ? load<u32>(word(block, leaf)) : start;
    end = readLeaf(block + <usize>(leaf + 1) * BLOCK_BYTES, first, out, end);
  }
  return end;
}

/** Reads the ranges of a profile back; `out` has room for MAX_RANGES. Returns their end. */
export function readProfile(block: usize, out: usize): usize {
  const depth = load<u32>(block) & PROFILE_DEPTH_MASK;
  if (!depth) return readLeaf(block, 0, out, out);
  if (depth == 1) return readIndex(block, 0, out, out);
  let end = out;
  for (let child: u32 = 0, used = usedWords(block); child < used; ++child) {
    const first = child ? load<u32>(word(block, child)) : 0;
    end = readIndex(
      block + <usize>(1 + child * IMAGE_CHILD_STRIDE) * BLOCK_BYTES,
      first,
      out,
      end,
    );
  }
  return end;
}
