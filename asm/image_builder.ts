import { allocateZeroed, release } from "./arena";
import {
  BUILT,
  ERROR_MEMORY,
  ERROR_RANGES,
  ERROR_BLOCKS,
  ERROR_SLOT_TAKEN,
  ERROR_TABLES,
  fail,
} from "./build_error";
import {
  blocksOfClass,
  CELL_BLOCK_OFF,
  CELL_SIZE,
  CELL_SLOT_OFF,
  Draft,
  newDraft,
  startDraft,
} from "./draft";
import { BLOCK_BYTES, blocksLine, entriesLine, imageBytes, storeCell } from "./image";
import { addImage, CLASSES, entriesOf, linesOf, slotsOf } from "./image_store";
import {
  IMAGE_CELLS_LINE,
  IMAGE_HEADER_BLOCKS_OFF,
  IMAGE_HEADER_BROAD_BLOCK_OFF,
  IMAGE_HEADER_ENTRIES_OFF,
  IMAGE_HEADER_FLAGS_OFF,
  IMAGE_HEADER_LINES_OFF,
  IMAGE_HEADER_MAGIC_OFF,
  IMAGE_HEADER_POLICY_OFF,
  IMAGE_HEADER_REVISION_OFF,
  IMAGE_HEADER_SLOTS_OFF,
  IMAGE_HEADER_USED_BLOCKS_OFF,
  IMAGE_HEADER_USED_ENTRIES_OFF,
  IMAGE_HEADER_VERSION_OFF,
  IMAGE_LINE_BYTES,
  IMAGE_MAGIC,
  IMAGE_VERSION,
  POLICY_ENTRY_SIZE,
} from "./layout";
import { buildProfiles, COMPACT, MERGED } from "./profile_builder";
import { checkRecords, internRecords } from "./records";

/*
 * Records of one policy → an image in a table of the smallest class that holds it.
 *
 * When to merge: the broad entries are merged into every profile, unless leaving
 * profiles unmerged where merging costs blocks needs a smaller size class, or merging
 * exceeds a limit. One lookup is always as fast as another within a class; what counts
 * is whether the image stays in the cache and in its class.
 */

/** Merge or not as the rule above says; MERGED, COMPACT and UNMERGED force one way. */
const MODE_AUTO: u32 = 3;

let draftA: Draft | null = null;
let draftB: Draft | null = null;

export function initImageBuilder(): bool {
  draftA = newDraft();
  draftB = newDraft();
  return draftA != null && draftB != null;
}

function buildDraft(draft: Draft, records: usize, count: u32, mode: u32): i32 {
  let error = startDraft(draft);
  if (error < 0) return error;
  error = internRecords(draft, records, count);
  if (error < 0) return error;
  return buildProfiles(draft, records, count, mode);
}

/** Smallest class that holds the draft; CLASSES if none does, which limits exclude. */
function classOf(draft: Draft): u32 {
  for (let sizeClass: u32 = 0; sizeClass < CLASSES; ++sizeClass) {
    const slots = slotsOf(sizeClass);
    const entries = entriesOf(sizeClass);
    if (
      draft.maxSlot < slots && draft.entries.count <= entries &&
      draft.usedBlocks <= blocksOfClass(slots, entries, linesOf(sizeClass))
    ) return sizeClass;
  }
  return CLASSES;
}

/** Writes the cells of a draft into an image. A cell that is taken is an error if `fresh`. */
export function writeCells(draft: Draft, image: usize, slots: u32, fresh: bool): i32 {
  const first = image + <usize>IMAGE_CELLS_LINE * <usize>IMAGE_LINE_BYTES;
  for (let i: u32 = 0; i < draft.cellCount; ++i) {
    const cell = draft.cells.base + <usize>i * CELL_SIZE;
    const slot = load<u32>(cell, CELL_SLOT_OFF);
    const at = first + (<usize>(load<u32>(cell) * slots + slot) << 1);
    if (fresh && load<u16>(at)) return fail(ERROR_SLOT_TAKEN, slot);
    storeCell(at, load<u32>(cell, CELL_BLOCK_OFF));
  }
  return BUILT;
}

/** Writes what of the header changes when an image is extended. */
export function writeUsed(draft: Draft, image: usize): void {
  store<u32>(image, draft.entries.count, IMAGE_HEADER_USED_ENTRIES_OFF);
  store<u32>(image, draft.usedBlocks, IMAGE_HEADER_USED_BLOCKS_OFF);
}

function writeHeader(
  draft: Draft,
  image: usize,
  sizeClass: u32,
  policy: u32,
  revision: u32,
  mode: u32,
): void {
  const slots = slotsOf(sizeClass);
  const entries = entriesOf(sizeClass);
  const lines = linesOf(sizeClass);
  store<u32>(image, IMAGE_MAGIC, IMAGE_HEADER_MAGIC_OFF);
  store<u32>(image, IMAGE_VERSION, IMAGE_HEADER_VERSION_OFF);
  store<u32>(image, policy, IMAGE_HEADER_POLICY_OFF);
  store<u32>(image, revision, IMAGE_HEADER_REVISION_OFF);
  store<u32>(image, slots, IMAGE_HEADER_SLOTS_OFF);
  store<u32>(image, entries, IMAGE_HEADER_ENTRIES_OFF);
  store<u32>(image, lines, IMAGE_HEADER_LINES_OFF);
  store<u32>(image, blocksOfClass(slots, entries, lines), IMAGE_HEADER_BLOCKS_OFF);
  store<u16>(image, <u16>draft.broadBlock0, IMAGE_HEADER_BROAD_BLOCK_OFF);
  store<u16>(image, <u16>draft.broadBlock1, IMAGE_HEADER_BROAD_BLOCK_OFF + 2);
  store<u32>(image, mode, IMAGE_HEADER_FLAGS_OFF); // an extension goes on in this mode
  writeUsed(draft, image);
}

/** Draft → image in a table. Returns the table's number or a negative error. */
function publish(draft: Draft, policy: u32, revision: u32, mode: u32): i32 {
  const sizeClass = classOf(draft);
  const slots = slotsOf(sizeClass);
  const entries = entriesOf(sizeClass);
  const bytes = imageBytes(linesOf(sizeClass));
  const image = allocateZeroed(bytes);
  if (!image) return ERROR_MEMORY;
  writeHeader(draft, image, sizeClass, policy, revision, mode);
  memory.copy(
    image + imageBytes(entriesLine(slots)),
    draft.entries.keys,
    <usize>draft.entries.count * POLICY_ENTRY_SIZE,
  );
  memory.copy(
    image + imageBytes(blocksLine(slots, entries)),
    draft.blocks.base,
    <usize>draft.usedBlocks * BLOCK_BYTES,
  );
  const error = writeCells(draft, image, slots, true);
  const table = error < 0 ? 0 : addImage(sizeClass, image);
  if (table) return <i32>table;
  release(image, bytes);
  return error < 0 ? error : fail(ERROR_TABLES, sizeClass);
}

/** Builds an image. Returns its table's number or a negative error; then nothing is left. */
export function buildImage(records: usize, count: u32, policy: u32, revision: u32, mode: u32): i32 {
  let error = checkRecords(records, count);
  if (error < 0) return error;
  const first = draftA!;
  error = buildDraft(first, records, count, mode == MODE_AUTO ? MERGED : mode);
  if (mode != MODE_AUTO) return error < 0 ? error : publish(first, policy, revision, mode);

  if (error < 0 && error != ERROR_RANGES && error != ERROR_BLOCKS) return error;
  const mergedClass = error < 0 ? CLASSES : classOf(first);
  if (!mergedClass) return publish(first, policy, revision, MERGED);
  const second = draftB!;
  error = buildDraft(second, records, count, COMPACT);
  if (error >= 0 && classOf(second) < mergedClass) {
    return publish(second, policy, revision, COMPACT);
  }
  return mergedClass < CLASSES ? publish(first, policy, revision, MERGED) : error;
}
