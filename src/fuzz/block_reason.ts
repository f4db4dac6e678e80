/**
 * Why basic blocks are not reached: a table that is kept by hand, so that a block that nobody has
 * looked at stands out.
 *
 * @module
 */

/** A reason, and the blocks that it is the reason of. */
export interface BlockReason {
  readonly text: string;
  /** Lines of C, without white space around. */
  readonly lines: readonly string[];
  /** Programs in which it holds. @default all of them */
  readonly programs?: readonly string[];
  /** Blocks of one line in one function of one program that it holds for. @default {1} */
  readonly most?: number;
}

/** Every reason. */
export const BLOCK_REASONS: readonly BlockReason[] = [];
