import { DEBUG } from "./debug";

/*
 * The only allocator of the module: blocks of raw linear memory, never moved and
 * never scanned. Sizes are rounded up to a size class with four steps per power of
 * two (at most a quarter is lost), a freed block waits in the list of its class and
 * the owner keeps the size. Nothing here runs on the packet path.
 *
 *   free block   ┌ u32 next ┬ left as it was … ┐
 */

/** Every block starts on a cache line. */
const ALIGNMENT: usize = 64;
const ALIGNMENT_BITS: u32 = 6;
/** Four steps for each power of two from 64 bytes to 4 GiB. */
const CLASSES: u32 = 128;
const PAGE_BITS: u32 = 16;
/** Memory grows by at least 1 MiB, since each growth detaches the host's views. */
const GROWTH_PAGES: i32 = 16;

const freeLists: usize = memory.data(CLASSES << 2, 8);
let top: usize = (__heap_base + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
/** What lies above was added by memory.grow, which adds zeros; the host's own pages may not be. */
const grownFrom: usize = <usize>memory.size() << PAGE_BITS;

/** Rounds a size up to its class. Of sizes above 2 GiB nothing good can come: returns 0. */
function classSize(size: usize): usize {
  if (size <= ALIGNMENT) return ALIGNMENT;
  if (size > 1 << 31) return 0;
  const power: u32 = 31 - <u32>clz<u32>(<u32>size);
  const step: usize = max<usize>(<usize>1 << (power - 2), ALIGNMENT);
  return (size + step - 1) & ~(step - 1);
}

/** Index of the free list of a rounded size. */
function classIndex(rounded: usize): u32 {
  const power: u32 = 31 - <u32>clz<u32>(<u32>rounded);
  return ((power - ALIGNMENT_BITS) << 2) + (<u32>(rounded >> (power - 2)) & 3);
}

/** Takes fresh memory, growing if need be. Returns 0 if the memory cannot grow. */
function bump(size: usize, alignment: usize): usize {
  const start = (top + alignment - 1) & ~(alignment - 1);
  const end = <u64>start + <u64>size;
  const have = <u64>(<u32>memory.size()) << PAGE_BITS;
  if (end > have) {
    const pages = <i32>((end - have + 0xFFFF) >> PAGE_BITS);
    if (memory.grow(max(pages, GROWTH_PAGES)) < 0 && memory.grow(pages) < 0) return 0;
  }
  top = <usize>end;
  return start;
}

/** Returns a block of at least `size` bytes with undefined content, or 0 if memory is out. */
export function allocate(size: usize): usize {
  const rounded = classSize(size);
  if (!rounded) return 0;
  const list = freeLists + (<usize>classIndex(rounded) << 2);
  const head = <usize>load<u32>(list);
  if (!head) return bump(rounded, ALIGNMENT);
  store<u32>(list, load<u32>(head));
  return head;
}

/** Returns a block of zeros, or 0 if memory is out. Fresh pages are not touched. */
export function allocateZeroed(size: usize): usize {
  const unused = top;
  const block = allocate(size);
  if (block && !(block >= unused && block >= grownFrom)) memory.fill(block, 0, size);
  return block;
}

/**
 * Returns a block of zeros that starts on a 64 KiB boundary, or 0. It is never freed:
 * the host may map kernel pages over it.
 */
export function allocatePages(size: usize): usize {
  const bytes = (size + 0xFFFF) & ~(<usize>0xFFFF);
  const block = bump(bytes, 0x10000);
  if (block && block < grownFrom) memory.fill(block, 0, bytes);
  return block;
}

/** Gives a block back. `size` is what was asked for. */
export function release(block: usize, size: usize): void {
  if (!block) return;
  if (DEBUG) assert((block & (ALIGNMENT - 1)) == 0); // blocks start on a cache line
  const list = freeLists + (<usize>classIndex(classSize(size)) << 2);
  store<u32>(block, load<u32>(list));
  store<u32>(list, <u32>block);
}
