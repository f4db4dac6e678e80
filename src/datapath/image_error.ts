import { IMAGE_L_SLOTS } from "./layout.ts";
import type { MapStateEntry } from "../policy/map_state.ts";

/** Ranges of a profile: three levels of 16. */
const MAX_RANGES = 4096;
const SIZE_CLASSES = ["S", "M", "L"];

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
    case -1:
      return new RangeError(`${cannot} out of memory, expected a memory that can grow`);
    case -2:
      return new TypeError(
        `${cannot} entry ${detail} (${key}) is out of order or there twice, ` +
          `expected entries sorted by compareEntries`,
      );
    case -3:
      return new TypeError(
        `${cannot} entry ${detail} (${key}) has a field out of range, ` +
          `expected a canonical map state`,
      );
    case -4:
      return new RangeError(
        `${cannot} identity of entry ${detail} (${key}) has no slot, ` +
          `expected a slot of 1 to ${IMAGE_L_SLOTS - 1}`,
      );
    case -5:
      return new RangeError(`${cannot} slot ${detail} is given to two identities, expected one`);
    case -6:
      return new RangeError(
        `${cannot} profile of identity ${detail} has too many ranges, ` +
          `expected at most ${MAX_RANGES}`,
      );
    case -7:
      return new RangeError(`${cannot} too many different entries, expected at most ${detail}`);
    case -8:
      return new RangeError(`${cannot} profiles take too many blocks, expected at most ${detail}`);
    case -9:
      return new RangeError(
        `${cannot} no free table of size class ${SIZE_CLASSES[detail]}, ` +
          `expected at least one`,
      );
    case -10:
      return new RangeError(`${cannot} no image in table ${detail}, expected one`);
    case -11:
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
