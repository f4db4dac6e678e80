import { allocateZeroed, release } from "./arena";
import {
  IMAGE_CLASS_SHIFT,
  IMAGE_INDEX_MASK,
  IMAGE_L_ENTRIES,
  IMAGE_L_LINES,
  IMAGE_L_SLOTS,
  IMAGE_L_TABLES,
  IMAGE_LINE_BYTES,
  IMAGE_M_ENTRIES,
  IMAGE_M_LINES,
  IMAGE_M_SLOTS,
  IMAGE_M_TABLES,
  IMAGE_S_ENTRIES,
  IMAGE_S_LINES,
  IMAGE_S_SLOTS,
  IMAGE_S_TABLES,
} from "./layout";

/*
 * Table number → image, as the kernel's three maps of maps: an array of addresses per
 * size class, 0 where there is no image. Index 0 of a class is never used.
 */

/** Size classes, smallest first. */
export const CLASSES: u32 = 3;
/** Tables of all classes. */
export const TABLES: u32 = IMAGE_S_TABLES + IMAGE_M_TABLES + IMAGE_L_TABLES;

/** Address of the array, in memory: every worker reads it. */
const directory: usize = memory.data(4, 4);
/** What extends each image, in an array like that; the writer's alone. See image_extension.ts. */
let extensions: usize = 0;

export function slotsOf(sizeClass: u32): u32 {
  return sizeClass == 0 ? IMAGE_S_SLOTS : sizeClass == 1 ? IMAGE_M_SLOTS : IMAGE_L_SLOTS;
}

export function entriesOf(sizeClass: u32): u32 {
  return sizeClass == 0 ? IMAGE_S_ENTRIES : sizeClass == 1 ? IMAGE_M_ENTRIES : IMAGE_L_ENTRIES;
}

export function linesOf(sizeClass: u32): u32 {
  return sizeClass == 0 ? IMAGE_S_LINES : sizeClass == 1 ? IMAGE_M_LINES : IMAGE_L_LINES;
}

function tablesOf(sizeClass: u32): u32 {
  return sizeClass == 0 ? IMAGE_S_TABLES : sizeClass == 1 ? IMAGE_M_TABLES : IMAGE_L_TABLES;
}

/** First directory entry of a class. */
// @ts-ignore: decorator
@inline
function firstOf(sizeClass: u32): u32 {
  return sizeClass == 0 ? 0 : sizeClass == 1 ? IMAGE_S_TABLES : IMAGE_S_TABLES + IMAGE_M_TABLES;
}

export function initImageStore(): bool {
  const array = allocateZeroed(<usize>TABLES << 2);
  store<u32>(directory, <u32>array);
  extensions = allocateZeroed(<usize>TABLES << 2);
  return array != 0 && extensions != 0;
}

/** Address of the images' addresses, u32 each: class S, then M, then L. */
// @ts-ignore: decorator
@inline
export function imageDirectory(): usize {
  return <usize>load<u32>(directory);
}

// @ts-ignore: decorator
@inline
function directoryEntry(sizeClass: u32, index: u32): usize {
  return imageDirectory() + (<usize>(firstOf(sizeClass) + index) << 2);
}

/** Address of a table's image, or 0. */
// @ts-ignore: decorator
@inline
export function imageOf(table: u32): usize {
  const sizeClass = table >> IMAGE_CLASS_SHIFT;
  const index = table & IMAGE_INDEX_MASK;
  if (sizeClass >= CLASSES || index >= tablesOf(sizeClass)) return 0;
  return <usize>load<u32>(directoryEntry(sizeClass, index));
}

/** Where the address of what extends a table's image is kept; the table has an image. */
// @ts-ignore: decorator
@inline
export function extensionOf(table: u32): usize {
  const first = firstOf(table >> IMAGE_CLASS_SHIFT);
  return extensions + (<usize>(first + (table & IMAGE_INDEX_MASK)) << 2);
}

/** Puts an image into the first free table of its class. Returns its number, 0 if none is free. */
export function addImage(sizeClass: u32, image: usize): u32 {
  for (let index: u32 = 1, tables = tablesOf(sizeClass); index < tables; ++index) {
    const entry = directoryEntry(sizeClass, index);
    if (load<u32>(entry)) continue;
    store<u32>(entry, <u32>image);
    return sizeClass << IMAGE_CLASS_SHIFT | index;
  }
  return 0;
}

/** Takes an image out of its table and gives its memory back. Nothing extends it any more. */
export function removeImage(table: u32): void {
  const image = imageOf(table);
  if (!image) return;
  const sizeClass = table >> IMAGE_CLASS_SHIFT;
  store<u32>(directoryEntry(sizeClass, table & IMAGE_INDEX_MASK), 0);
  release(image, <usize>linesOf(sizeClass) * <usize>IMAGE_LINE_BYTES);
}
