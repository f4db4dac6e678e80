/**
 * Map state in bulk: `struct map_state_entry` records, packed. A workload has up to 24
 * million entries, so they are never JavaScript objects.
 *
 * @module
 */
import { MAP_STATE_ENTRY_SIZE } from "../src/datapath/layout.ts";

/** 32-bit words of a record. */
export const RECORD_WORDS = MAP_STATE_ENTRY_SIZE / 4;

/** What an entry says of one peer's traffic; see `MapStateEntry` in src/policy. */
export interface PortEntry {
  readonly protocol: number;
  /** First port, host byte order. */
  readonly port: number;
  /** Leading bits of the port that count. */
  readonly portPrefix: number;
  readonly verdict: number;
  readonly precedence: number;
  readonly cookie: number;
}

/** Appends records to a block of memory. They must come in canonical order. */
export class RecordWriter {
  readonly #words: Uint32Array;
  #count = 0;

  /** @param words Where the records go; not copied. */
  constructor(words: Uint32Array) {
    this.#words = words;
  }

  /** Records written. */
  get count(): number {
    return this.#count;
  }

  /** Appends one record. */
  add(identity: number, slot: number, direction: number, entry: PortEntry): void {
    const at = this.#count * RECORD_WORDS;
    const words = this.#words;
    if (at + RECORD_WORDS > words.length) {
      throw new RangeError(
        `Cannot add record "${this.#count}": memory is full, expected at most ${
          words.length / RECORD_WORDS
        } records`,
      );
    }
    words[at] = identity;
    words[at + 1] = slot;
    words[at + 2] = entry.port | entry.portPrefix << 16 | entry.protocol << 24;
    words[at + 3] = direction | entry.verdict << 8;
    words[at + 4] = 0;
    words[at + 5] = entry.precedence;
    words[at + 6] = entry.cookie;
    words[at + 7] = 0;
    this.#count++;
  }
}
