import type { DatapathMemory } from "./datapath_memory.ts";

/** Answers asked for at once. */
const BATCH = 256;
const ANSWER_BYTES = 8;

/**
 * What the tables in Wasm memory say of addresses: identity in bits 0 to 31, slot in bits 32 to
 * 63, as bpf/ipcache.h has it.
 */
export class AddressAnswers implements Disposable {
  readonly #memory: DatapathMemory;
  readonly #size: 4 | 16;
  readonly #address: number;
  readonly #bytes: number;

  /** @throws {RangeError} If the memory cannot grow. */
  constructor(memory: DatapathMemory, family: 4 | 6) {
    this.#memory = memory;
    this.#size = family === 4 ? 4 : 16;
    this.#bytes = BATCH * (this.#size + ANSWER_BYTES);
    this.#address = memory.wasm.exports.allocate(this.#bytes) >>> 0;
    if (this.#address !== 0) return;
    throw new RangeError(
      `Cannot ask for addresses: out of memory, expected ${this.#bytes} bytes of Wasm memory`,
    );
  }

  /**
   * Fills `answers` with those of `answers.length` addresses.
   *
   * @param write Writes the address with this index, in network byte order, at an offset.
   */
  fill(
    answers: BigUint64Array,
    write: (view: DataView, offset: number, index: number) => void,
  ): void {
    const { exports } = this.#memory.wasm;
    const output = this.#address + BATCH * this.#size;
    for (let first = 0; first < answers.length; first += BATCH) {
      const count = Math.min(BATCH, answers.length - first);
      const asked = this.#memory.bytes(this.#address, count * this.#size);
      const view = new DataView(asked.buffer, asked.byteOffset, asked.byteLength);
      for (let i = 0; i < count; i++) write(view, i * this.#size, first + i);
      exports.lookupAddresses(this.#address, count, this.#size === 4 ? 4 : 6, output);
      const answered = this.#memory.bytes(output, count * ANSWER_BYTES);
      answers.set(new BigUint64Array(answered.buffer, answered.byteOffset, count), first);
    }
  }

  [Symbol.dispose](): void {
    this.#memory.wasm.exports.release(this.#address, this.#bytes);
  }
}
