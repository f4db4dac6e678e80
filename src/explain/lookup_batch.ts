import type { DatapathMemory } from "../datapath/datapath_memory.ts";

/** Words of a query: policy, direction, slot, protocol << 16 | port. */
const QUERY_WORDS = 4;
/** Words of an answer: cookie, then verdict in the low byte and drop reason above it. */
const ANSWER_WORDS = 2;
const WORD = 4;

/** Policy lookups that the emulator answers in one call. */
export class LookupBatch implements Disposable {
  readonly #memory: DatapathMemory;
  readonly #capacity: number;
  readonly #address: number;
  #words: Uint32Array;
  #count = 0;

  /** @throws {RangeError} If the memory cannot grow. */
  constructor(memory: DatapathMemory, capacity: number) {
    this.#memory = memory;
    this.#capacity = capacity;
    this.#address = memory.wasm.exports.allocate(this.#bytes) >>> 0;
    if (this.#address === 0) {
      throw new RangeError(
        `Cannot make a batch of "${capacity}" lookups: out of memory, expected ${this.#bytes} bytes`,
      );
    }
    this.#words = this.#view();
  }

  /** Adds a lookup. Numbers are in host order. */
  add(policy: number, direction: number, slot: number, protocol: number, port: number): void {
    if (this.#count === this.#capacity) {
      throw new RangeError(
        `Cannot add lookup "${this.#count}": batch is full, expected at most ${this.#capacity}`,
      );
    }
    // Growth of the memory, for a policy image, detaches the words.
    if (this.#words.length === 0) this.#words = this.#view();
    const at = this.#count++ * QUERY_WORDS;
    this.#words[at] = policy;
    this.#words[at + 1] = direction;
    this.#words[at + 2] = slot;
    this.#words[at + 3] = protocol << 16 | port;
  }

  /** Answers every lookup of the batch. */
  run(): void {
    const { exports } = this.#memory.wasm;
    exports.lookupPolicies(this.#address, this.#count, this.#answers * WORD + this.#address);
    if (this.#words.length === 0) this.#words = this.#view();
  }

  /** `VERDICT_*` of a lookup that has run. */
  verdict(lookup: number): number {
    return (this.#words[this.#answers + lookup * ANSWER_WORDS + 1] ?? 0) & 0xff;
  }

  /** Cookie of the entry that matched; 0 where none did. */
  cookie(lookup: number): number {
    return this.#words[this.#answers + lookup * ANSWER_WORDS] ?? 0;
  }

  /** Removes every lookup. */
  clear(): void {
    this.#count = 0;
  }

  /** Gives the memory back. */
  [Symbol.dispose](): void {
    this.#memory.wasm.exports.release(this.#address, this.#bytes);
  }

  /** Word at which the answers begin. */
  get #answers(): number {
    return this.#capacity * QUERY_WORDS;
  }

  get #bytes(): number {
    return this.#capacity * (QUERY_WORDS + ANSWER_WORDS) * WORD;
  }

  #view(): Uint32Array {
    const words = this.#bytes / WORD;
    return new Uint32Array(this.#memory.wasm.memory.buffer, this.#address, words);
  }
}
