import { START_OF_TIME } from "../verify/packet_maker.ts";

/** A century, in nanoseconds: no capture lasts longer, whatever its times say. */
const LONGEST = 100n * 365n * 86_400n * 1_000_000_000n;

/**
 * The programs' clock while a capture is replayed. It goes as the times of the packets do, from
 * the first one on, but never back, as the machine's clock does not; and each packet has a
 * nanosecond of its own, by which its events are known.
 */
export class CaptureClock {
  #first: bigint | undefined;
  #last = START_OF_TIME - 1n;

  /** The clock at the latest packet. */
  get now(): bigint {
    return this.#last;
  }

  /** The clock at the next packet; without a time of its own it comes right after the last. */
  at(time: bigint | undefined): bigint {
    this.#first ??= time;
    const passed = (time ?? 0n) - (this.#first ?? 0n);
    const shown = START_OF_TIME + (passed > LONGEST ? LONGEST : passed);
    this.#last = shown > this.#last ? shown : this.#last + 1n;
    return this.#last;
  }
}
