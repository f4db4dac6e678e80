import {
  blockCount,
  blocksLine,
  broadBlock,
  cellsAt,
  entriesLine,
  entryCount,
  imageLookup,
  lineAt,
} from "./image";
import { entriesOf, imageOf, linesOf, slotsOf } from "./image_store";
import { IMAGE_CLASS_SHIFT } from "./layout";
import { OPEN_IMAGE_OFF, own } from "./worker";

/*
 * An image whose parts have been found, for a run of packets of one policy. It is as good as
 * the announcement of the epoch in which it was opened (asm/epoch.ts): later the image may be
 * another policy's.
 */
@unmanaged
class OpenImage {
  /** Of one direction. */
  cells: usize;
  slots: u32;
  broad: u32;
  blocks: usize;
  blockCount: u32;
  entries: usize;
  entryCount: u32;
}

// @ts-ignore: decorator
@inline
function opened(): OpenImage {
  return changetype<OpenImage>(own + OPEN_IMAGE_OFF);
}

/** Finds the parts of a policy table's image. Without an image no lookup finds an entry. */
export function openImage(table: u32, direction: u32): void {
  const image = imageOf(table);
  const sizeClass = table >> IMAGE_CLASS_SHIFT;
  const slots = slotsOf(sizeClass);
  const entries = entriesOf(sizeClass);
  const lines = linesOf(sizeClass);
  opened().cells = cellsAt(image, slots, direction);
  opened().slots = slots;
  opened().broad = broadBlock(image, direction);
  opened().blocks = lineAt(image, blocksLine(slots, entries));
  opened().blockCount = image ? blockCount(slots, entries, lines) : 0;
  opened().entries = lineAt(image, entriesLine(slots));
  opened().entryCount = entryCount(slots, lines);
}

/** The deciding entry of the open image, or 0 if it is damaged. */
// @ts-ignore: decorator
@inline
export function openImageLookup(slot: u32, key: u32): usize {
  return imageLookup(
    opened().cells,
    opened().slots,
    opened().broad,
    opened().blocks,
    opened().blockCount,
    opened().entries,
    opened().entryCount,
    slot,
    key,
  );
}
