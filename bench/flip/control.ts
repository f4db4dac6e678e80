/**
 * What the threads of a flip test tell each other: 32-bit counters in shared memory.
 *
 * @module
 */

/** Indexes into the counters. */
export const CONTROL = {
  /** Not 0: everybody ends. */
  STOP: 0,
  /** Swaps made. */
  FLIPS: 1,
  /** Packets whose first event was read. Senders wait for it, so that the ring never overflows. */
  SEEN: 2,
  /** Packets sent, by all senders. */
  SENT: 3,
} as const;

/** Makes counters that threads can share. */
export function makeControl(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4 * Object.keys(CONTROL).length));
}
