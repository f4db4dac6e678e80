/*
 * Why an image could not be built. src/datapath/image_builder.ts turns the numbers into
 * messages; `build_error_detail()` says where or how much.
 */

export const BUILT: i32 = 0;
export const ERROR_MEMORY: i32 = -1;
/** A record is not behind the one before it; detail: its index. */
export const ERROR_ORDER: i32 = -2;
/** A record's field is out of range; detail: its index. */
export const ERROR_RECORD: i32 = -3;
/** A record's identity has no slot, or one too large; detail: the record's index. */
export const ERROR_SLOT: i32 = -4;
/** Two identities with one slot; detail: the slot. */
export const ERROR_SLOT_TAKEN: i32 = -5;
/** A profile has more than MAX_RANGES ranges; detail: the peer's identity. */
export const ERROR_RANGES: i32 = -6;
/** More entries than the largest class has; detail: the limit. */
export const ERROR_ENTRIES: i32 = -7;
/** More blocks than the largest class has; detail: the limit. */
export const ERROR_BLOCKS: i32 = -8;
/** No free table in the size class; detail: the class. */
export const ERROR_TABLES: i32 = -9;
/** No such image; detail: the table. */
export const ERROR_NO_IMAGE: i32 = -10;
/** What is added does not fit the image's size class: build it anew; detail: the class. */
export const ERROR_IMAGE_FULL: i32 = -11;

let detail: u32 = 0;

/** Remembers the detail and returns the error. */
export function fail(error: i32, about: u32): i32 {
  detail = about;
  return error;
}

/** Detail of the last error. */
export function errorDetail(): u32 {
  return detail;
}
