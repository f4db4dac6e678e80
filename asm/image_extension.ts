import {
  BUILT,
  ERROR_BLOCKS,
  ERROR_ENTRIES,
  ERROR_IMAGE_FULL,
  ERROR_MEMORY,
  ERROR_NO_IMAGE,
  ERROR_RECORD,
  fail,
} from "./build_error";
import {
  blocksOfClass,
  CELL_SIZE,
  CELL_SLOT_OFF,
  Draft,
  indexProfiles,
  newDraft,
  releaseView,
} from "./draft";
import { BLOCK_BYTES, blocksLine, entriesLine, imageBytes, storeCell } from "./image";
import { writeCells, writeUsed } from "./image_builder";
import { entriesOf, extensionOf, imageOf, linesOf, removeImage, slotsOf } from "./image_store";
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
import { adopt } from "./table";

/*
 * More peers in an image that is in use. Blocks and entries are appended, then cells
 * are pointed at them: a reader sees a cell of before or of after, and what either
 * names is complete.
 *
 * The lines that changed are listed in the order in which a copy of the image (the
 * kernel's) must take them over, each after those before it:
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

/**
 * The draft whose arrays are those of the image, made when an image is extended first: so an
 * extension costs what it adds, not what is there. Null if memory is out.
 */
function viewOf(table: u32, image: usize): Draft | null {
  const place = extensionOf(table);
  const known = load<u32>(place);
  if (known) return changetype<Draft>(<usize>known);
  const draft = newDraft();
  if (draft == null) return null;
  const sizeClass = table >> IMAGE_CLASS_SHIFT;
  const slots = slotsOf(sizeClass);
  const entries = entriesOf(sizeClass);
  const adopted = adopt(
    draft.entries,
    image + imageBytes(entriesLine(slots)),
    POLICY_ENTRY_SIZE,
    load<u32>(image, IMAGE_HEADER_USED_ENTRIES_OFF),
    entries,
  );
  draft.maxBlocks = blocksOfClass(slots, entries, linesOf(sizeClass));
  draft.blocks.base = image + imageBytes(blocksLine(slots, entries));
  draft.blocks.capacity = <usize>draft.maxBlocks * BLOCK_BYTES;
  draft.broadBlock0 = <u32>load<u16>(image, IMAGE_HEADER_BROAD_BLOCK_OFF);
  draft.broadBlock1 = <u32>load<u16>(image, IMAGE_HEADER_BROAD_BLOCK_OFF + 2);
  if (adopted < 0 || indexProfiles(draft, load<u32>(image, IMAGE_HEADER_USED_BLOCKS_OFF)) < 0) {
    releaseView(draft);
    return null;
  }
  store<u32>(place, <u32>changetype<usize>(draft));
  return draft;
}

function dropView(table: u32): void {
  const place = extensionOf(table);
  const known = load<u32>(place);
  if (!known) return;
  store<u32>(place, 0);
  releaseView(changetype<Draft>(<usize>known));
}

/** Takes back what an extension that failed has written behind what is in use. */
function undo(draft: Draft, table: u32, image: usize): void {
  const entries = load<u32>(image, IMAGE_HEADER_USED_ENTRIES_OFF);
  const blocks = load<u32>(image, IMAGE_HEADER_USED_BLOCKS_OFF);
  memory.fill(
    draft.entries.keys + <usize>entries * POLICY_ENTRY_SIZE,
    0,
    <usize>(draft.entries.count - entries) * POLICY_ENTRY_SIZE,
  );
  memory.fill(
    draft.blocks.base + <usize>blocks * BLOCK_BYTES,
    0,
    <usize>(draft.usedBlocks - blocks) * BLOCK_BYTES,
  );
  dropView(table);
}

/** Puts what is new in force and lists the lines. */
function takeOver(draft: Draft, image: usize, sizeClass: u32): void {
  const slots = slotsOf(sizeClass);
  const firstEntriesLine = entriesLine(slots);
  const firstBlocksLine = blocksLine(slots, entriesOf(sizeClass));
  const oldEntries = load<u32>(image, IMAGE_HEADER_USED_ENTRIES_OFF);
  const oldBlocks = load<u32>(image, IMAGE_HEADER_USED_BLOCKS_OFF);
  const newEntries = draft.entries.count;
  const newBlocks = draft.usedBlocks;
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
}

/** Writes new entries and profiles behind those in use. */
function append(draft: Draft, records: usize, count: u32, mode: u32, slots: u32): i32 {
  draft.cellCount = draft.maxSlot = 0;
  const error = internRecords(draft, records, count);
  if (error < 0) return error;
  const extended = extendProfiles(draft, records, count, mode);
  if (extended < 0) return extended;
  if (draft.maxSlot >= slots) return ERROR_IMAGE_FULL;
  return ensure(spans, 0, <usize>(draft.cellCount + 3) * SPAN_SIZE) ? BUILT : ERROR_MEMORY;
}

/**
 * Adds the profiles of more peers to an image; `records` holds their entries alone, in
 * order, none of the broad identity. On an error the image is as before.
 */
export function extendImage(table: u32, records: usize, count: u32): i32 {
  const image = imageOf(table);
  if (!image) return fail(ERROR_NO_IMAGE, table);
  const error = checkRecords(records, count);
  if (error < 0) return error;
  for (let i: u32 = 0; i < count; ++i) {
    if (!recordIdentity(recordAt(records, i))) return fail(ERROR_RECORD, i);
  }
  const draft = viewOf(table, image);
  if (draft == null) return ERROR_MEMORY;
  const sizeClass = table >> IMAGE_CLASS_SHIFT;
  const mode = load<u32>(image, IMAGE_HEADER_FLAGS_OFF);
  const appended = append(draft, records, count, mode, slotsOf(sizeClass));
  if (appended < 0) {
    undo(draft, table, image);
    const full = appended == ERROR_ENTRIES || appended == ERROR_BLOCKS ||
      appended == ERROR_IMAGE_FULL;
    return full ? fail(ERROR_IMAGE_FULL, sizeClass) : appended;
  }
  takeOver(draft, image, sizeClass);
  return BUILT;
}

/** Takes an image out of its table and gives its memory back. */
export function freeImage(table: u32): void {
  if (!imageOf(table)) return;
  dropView(table);
  removeImage(table);
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
    const cells = image + <usize>IMAGE_CELLS_LINE * <usize>IMAGE_LINE_BYTES;
    storeCell(cells + (<usize>index << 1), 0);
    addSpan(line, 1);
  }
  return BUILT;
}
