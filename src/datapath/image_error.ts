import { IMAGE_L_SLOTS } from "./layout.ts";
import type { MapStateEntry } from "../policy/map_state.ts";

/** Ranges of a profile: three levels of 16. */
const MAX_RANGES = 4096;
const SIZE_CLASSES = ["S", "M", "L"];

/** Results of the builder, as in asm/build_error.ts. */
const CODE = {
  MEMORY: -1,
  ORDER: -2,
  RECORD: -3,
  SLOT: -4,
  SLOT_TAKEN: -5,
  RANGES: -6,
  ENTRIES: -7,
  BLOCKS: -8,
  TABLES: -9,
  NO_IMAGE: -10,
  IMAGE_FULL: -11,
} as const;

function keyOf(entry: MapStateEntry | undefined): string {
  if (!entry) return "unknown entry";
  const { direction, identity, protocol, port, portPrefix } = entry;
  return `${direction} identity ${identity} protocol ${protocol} port ${port}/${portPrefix}`;
}

/**
 * Turns a result of the builder (asm/build_error.ts) into an error that names the limit.
 *
 * @param action What was tried, as in `build image`.
 * @param subject Whose image it is.
 * @param code The negative result.
 * @param detail What `errorDetail()` says about it.
 * @param entries The entries that were given, in order.
 */
export function imageError(
  action: string,
  subject: string,
  code: number,
  detail: number,
  entries: readonly MapStateEntry[],
): Error {
  const cannot = `Cannot ${action} "${subject}":`;
  const key = keyOf(entries[detail]);
  switch (code) {
    case CODE.MEMORY:
      return new RangeError(`${cannot} out of memory, expected a memory that can grow`);
    case CODE.ORDER:
      return new TypeError(
        `${cannot} entry ${detail} (${key}) is out of order or there twice, ` +
          `expected entries sorted by compareEntries`,
      );
    case CODE.RECORD:
      return new TypeError(
        `${cannot} entry ${detail} (${key}) has a field out of range, ` +
          `expected a canonical map state`,
      );
    case CODE.SLOT:
      return new RangeError(
        `${cannot} identity of entry ${detail} (${key}) has no slot, ` +
          `expected a slot of 1 to ${IMAGE_L_SLOTS - 1}`,
      );
    case CODE.SLOT_TAKEN:
      return new RangeError(`${cannot} slot ${detail} is given to two identities, expected one`);
    case CODE.RANGES:
      return new RangeError(
        `${cannot} profile of identity ${detail} has too many ranges, ` +
          `expected at most ${MAX_RANGES}`,
      );
    case CODE.ENTRIES:
      return new RangeError(`${cannot} too many different entries, expected at most ${detail}`);
    case CODE.BLOCKS:
      return new RangeError(`${cannot} profiles take too many blocks, expected at most ${detail}`);
    case CODE.TABLES:
      return new RangeError(
        `${cannot} no free table of size class ${SIZE_CLASSES[detail]}, ` +
          `expected at least one`,
      );
    case CODE.NO_IMAGE:
      return new RangeError(`${cannot} no image in table ${detail}, expected one`);
    case CODE.IMAGE_FULL:
      return new ImageFullError(
        `${cannot} size class ${SIZE_CLASSES[detail]} is full, ` +
          `expected room for the new profiles`,
      );
    default:
      return new Error(`${cannot} result ${code}, expected a table`);
  }
}

/** What is added does not fit the image: a whole new one must be built. */
export class ImageFullError extends RangeError {
  override readonly name = "ImageFullError";
}
