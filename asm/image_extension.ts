import {
  BUILT,
  ERROR_IMAGE_FULL,
  ERROR_MEMORY,
  ERROR_NO_IMAGE,
  ERROR_RECORD,
  fail,
} from "./build_error";
import {
  adoptBlocks,
  blocksOfClass,
  CELL_SIZE,
  CELL_SLOT_OFF,
  Draft,
  internEntry,
  startDraft,
} from "./draft";
import { BLOCK_BYTES, blocksLine, entriesLine, imageBytes } from "./image";
import { firstDraft, writeCells, writeUsed } from "./image_builder";
import { entriesOf, imageOf, linesOf, slotsOf } from "./image_store";
import {
  IMAGE_CELLS_LINE,
  IMAGE_CELLS_PER_LINE,
  IMAGE_CLASS_SHIFT,
  IMAGE_ENTRIES_PER_LINE,
  IMAGE_HEADER_BROAD_BLOCK_OFF,
  IMAGE_HEADER_FLAGS_OFF,
  IMAGE_HEADER_USED_BLOCKS_OFF,
  IMAGE_HEADER_USED_ENTRIES_OFF,
  IMAGE_LINE_BYTES,
  POLICY_ENTRY_SIZE,
} from "./layout";
import { extendProfiles } from "./profile_builder";
import { checkRecords, internRecords, recordAt, recordIdentity } from "./records";
import { ensure, Scratch } from "./scratch";

/*
 * More peers in an image that is in use. Blocks and entries are appended, then cells
 * are pointed at them: a reader sees a cell of before or of after, and what either
 * names is complete.
 *
 * The lines that changed are listed in the order in which a copy of the image (the
 * kernel's) must take them over:
 *
 *   span  ┌ first line (u32) ┬ lines (u32) ┐   entries, blocks, header, then cells
 */

const spans = changetype<Scratch>(memory.data(8, 8));
let spanCount: u32 = 0;
const SPAN_SIZE: usize = 8;

export function changedSpans(): usize {
  return spans.base;
}

export function changedSpanCount(): u32 {
  return spanCount;
}

function addSpan(line: u32, lines: u32): void {
  if (!lines) return;
  const span = spans.base + <usize>spanCount * SPAN_SIZE;
  // Cells come in order of slots: neighbours often share a line.
  if (spanCount && load<u32>(span - SPAN_SIZE) == line) return;
  store<u32>(span, line);
  store<u32>(span, lines, 4);
  spanCount += 1;
}

/** Reads an image back into a draft. */
function adoptImage(draft: Draft, image: usize, sizeClass: u32): i32 {
  let error = startDraft(draft);
  if (error < 0) return error;
  const slots = slotsOf(sizeClass);
  const entries = image + imageBytes(entriesLine(slots));
  for (let i: u32 = 0, used = load<u32>(image, IMAGE_HEADER_USED_ENTRIES_OFF); i < used; ++i) {
    error = internEntry(draft, entries + <usize>i * POLICY_ENTRY_SIZE);
    if (error < 0) return error;
  }
  draft.broadBlock0 = <u32>load<u16>(image, IMAGE_HEADER_BROAD_BLOCK_OFF);
  draft.broadBlock1 = <u32>load<u16>(image, IMAGE_HEADER_BROAD_BLOCK_OFF + 2);
  return adoptBlocks(
    draft,
    image + imageBytes(blocksLine(slots, entriesOf(sizeClass))),
    load<u32>(image, IMAGE_HEADER_USED_BLOCKS_OFF),
  );
}

/** Copies what is new into the image and lists the lines. */
function takeOver(draft: Draft, image: usize, sizeClass: u32): i32 {
  const slots = slotsOf(sizeClass);
  const firstEntriesLine = entriesLine(slots);
  const firstBlocksLine = blocksLine(slots, entriesOf(sizeClass));
  const oldEntries = load<u32>(image, IMAGE_HEADER_USED_ENTRIES_OFF);
  const oldBlocks = load<u32>(image, IMAGE_HEADER_USED_BLOCKS_OFF);
  const newEntries = draft.entries.count;
  const newBlocks = draft.usedBlocks;
  if (!ensure(spans, 0, <usize>(draft.cellCount + 3) * SPAN_SIZE)) return ERROR_MEMORY;

  memory.copy(
    image + imageBytes(firstEntriesLine) + <usize>oldEntries * POLICY_ENTRY_SIZE,
    draft.entries.keys + <usize>oldEntries * POLICY_ENTRY_SIZE,
    <usize>(newEntries - oldEntries) * POLICY_ENTRY_SIZE,
  );
  memory.copy(
    image + imageBytes(firstBlocksLine) + <usize>oldBlocks * BLOCK_BYTES,
    draft.blocks.base + <usize>oldBlocks * BLOCK_BYTES,
    <usize>(newBlocks - oldBlocks) * BLOCK_BYTES,
  );
  writeUsed(draft, image);
  writeCells(draft, image, slots, false);

  spanCount = 0;
  const line = oldEntries / IMAGE_ENTRIES_PER_LINE;
  const lastLine = (newEntries + IMAGE_ENTRIES_PER_LINE - 1) / IMAGE_ENTRIES_PER_LINE;
  addSpan(firstEntriesLine + line, newEntries == oldEntries ? 0 : lastLine - line);
  addSpan(firstBlocksLine + oldBlocks * 2, (newBlocks - oldBlocks) * 2);
  addSpan(0, 1);
  for (let i: u32 = 0; i < draft.cellCount; ++i) {
    const cell = draft.cells.base + <usize>i * CELL_SIZE;
    const index = load<u32>(cell) * slots + load<u32>(cell, CELL_SLOT_OFF);
    addSpan(IMAGE_CELLS_LINE + index / IMAGE_CELLS_PER_LINE, 1);
  }
  return BUILT;
}

/**
 * Adds the profiles of more peers to an image; `records` holds their entries alone, in
 * order, none of the broad identity. On an error the image is as before.
 */
export function extendImage(table: u32, records: usize, count: u32): i32 {
  const image = imageOf(table);
  if (!image) return fail(ERROR_NO_IMAGE, table);
  let error = checkRecords(records, count);
  if (error < 0) return error;
  for (let i: u32 = 0; i < count; ++i) {
    if (!recordIdentity(recordAt(records, i))) return fail(ERROR_RECORD, i);
  }
  const sizeClass = table >> IMAGE_CLASS_SHIFT;
  const draft = firstDraft();
  error = adoptImage(draft, image, sizeClass);
  if (error < 0) return error;
  error = internRecords(draft, records, count);
  if (error < 0) return error;
  error = extendProfiles(draft, records, count, load<u32>(image, IMAGE_HEADER_FLAGS_OFF));
  if (error < 0) return error;
  const slots = slotsOf(sizeClass);
  const entries = entriesOf(sizeClass);
  if (
    draft.maxSlot >= slots || draft.entries.count > entries ||
    draft.usedBlocks > blocksOfClass(slots, entries, linesOf(sizeClass))
  ) return fail(ERROR_IMAGE_FULL, sizeClass);
  return takeOver(draft, image, sizeClass);
}

/** Points both cells of a slot back to the broad profile, and lists the lines. */
export function clearSlot(table: u32, slot: u32): i32 {
  const image = imageOf(table);
  if (!image) return fail(ERROR_NO_IMAGE, table);
  spanCount = 0;
  const slots = slotsOf(table >> IMAGE_CLASS_SHIFT);
  if (slot >= slots) return BUILT; // it has no cell
  if (!ensure(spans, 0, 2 * SPAN_SIZE)) return ERROR_MEMORY;
  for (let direction: u32 = 0; direction < 2; ++direction) {
    const index = direction * slots + slot;
    const line = IMAGE_CELLS_LINE + index / IMAGE_CELLS_PER_LINE;
    store<u16>(image + <usize>IMAGE_CELLS_LINE * <usize>IMAGE_LINE_BYTES + (<usize>index << 1), 0);
    addSpan(line, 1);
  }
  return BUILT;
}
