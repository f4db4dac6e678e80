/**
 * Map state in bulk: `struct map_state_entry` records, packed. A workload has up to 24
 * million entries, so they are never JavaScript objects.
 *
 * @module
 */
import {
  LPM_POLICY_ENTRY_SIZE,
  LPM_POLICY_KEY_SIZE,
  MAP_STATE_ENTRY_SIZE,
  VERDICT_DENY,
} from "../src/datapath/layout.ts";

/** 32-bit words of a record. */
export const RECORD_WORDS = MAP_STATE_ENTRY_SIZE / 4;

const LPM_KEY_WORDS = LPM_POLICY_KEY_SIZE / 4;
const LPM_ENTRY_WORDS = LPM_POLICY_ENTRY_SIZE / 4;
/** Bits of identity and direction, which count in every key. */
const LPM_FIXED_BITS = 40;

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

/** Entries of Cilium's policy map; entry i has key i and value i. */
export interface LpmEntries {
  /** `struct lpm_policy_key` */
  readonly keys: Uint8Array<ArrayBuffer>;
  /** `struct lpm_policy_entry` */
  readonly values: Uint8Array<ArrayBuffer>;
  readonly count: number;
}

/** The same entries in the LPM twin's layout. */
export function toLpmEntries(records: Uint32Array): LpmEntries {
  const count = records.length / RECORD_WORDS;
  const keys = new Uint32Array(count * LPM_KEY_WORDS);
  const values = new Uint32Array(count * LPM_ENTRY_WORDS);
  for (let i = 0; i < count; i++) {
    const [record, key, value] = [i * RECORD_WORDS, i * LPM_KEY_WORDS, i * LPM_ENTRY_WORDS];
    const portAndProtocol = records[record + 2] ?? 0;
    const directionAndVerdict = records[record + 3] ?? 0;
    const protocol = portAndProtocol >>> 24;
    const prefixLength = protocol === 0 ? 0 : 8 + (portAndProtocol >>> 16 & 0xFF);
    const port = portAndProtocol & 0xFFFF;
    const deny = (directionAndVerdict >>> 8 & 0xFF) === VERDICT_DENY ? 1 : 0;

    keys[key] = LPM_FIXED_BITS + prefixLength;
    keys[key + 1] = records[record] ?? 0;
    keys[key + 2] = directionAndVerdict & 0xFF | protocol << 8 | port >>> 8 << 16 | port << 24;
    values[value] = deny << 16 | prefixLength << 24;
    values[value + 2] = records[record + 5] ?? 0;
    values[value + 3] = records[record + 6] ?? 0;
  }
  return { keys: new Uint8Array(keys.buffer), values: new Uint8Array(values.buffer), count };
}
