import { type BenchOptions, mustAgree } from "./benchmark.ts";
import { type Contender, measureRace, warmContender } from "./measure.ts";
import { NativeLibrary } from "./native.ts";
import type { PolicyMemory } from "./policy_memory.ts";
import { type BenchResult, benchResult } from "./result.ts";

const ANSWER_BYTES = 8;
/** A pass takes some milliseconds: far above the clock's resolution. */
const OPERATIONS_PER_PASS = 1 << 20;

/** A batch function of the module or of the library: addresses in the memory. */
export type BatchFunction = (input: number, count: number, answers: number) => void;

/** The same function of the module and of the library. */
export interface BatchFunctions {
  readonly emulator: BatchFunction;
  readonly native: BatchFunction;
}

/** Emulator and native C, asked the same in the same memory. */
export class EmulatorLookups implements Disposable {
  readonly native: NativeLibrary;
  readonly #memory: PolicyMemory;
  readonly #input: number;
  readonly #count: number;
  readonly #address: number;

  /** @param input Address of `count` queries or packets. */
  constructor(memory: PolicyMemory, input: number, count: number) {
    this.#memory = memory;
    this.#input = input;
    this.#count = count;
    this.#address = memory.allocate(count * ANSWER_BYTES); // may grow: before the library opens
    this.native = NativeLibrary.open(memory.datapath.wasm);
  }

  /**
   * Checks that the module's function and the library's answer alike, then measures them.
   *
   * @throws {DisagreementError} If one query is answered differently.
   */
  race(name: string, functions: BatchFunctions, options: BenchOptions): BenchResult {
    const { emulator, native } = functions;
    mustAgree(name, this.#answers(emulator), this.#answers(native));
    options.progress.show(`${name}: measuring`);
    const times = measureRace({
      subject: this.#contender(emulator),
      baseline: this.#contender(native),
    }, options.rounds);
    return benchResult(name, times.subject, { name: "native C", value: times.baseline });
  }

  /** All answers of a function, a copy. */
  #answers(batch: BatchFunction): BigUint64Array<ArrayBuffer> {
    const bytes = this.#memory.datapath.bytes(this.#address, this.#count * ANSWER_BYTES).fill(0xFF);
    batch(this.#input, this.#count, this.#address);
    return new BigUint64Array(bytes.slice().buffer);
  }

  /** A warm contender; its time is that of one query or packet. */
  #contender(batch: BatchFunction): Contender {
    const batches = Math.ceil(OPERATIONS_PER_PASS / this.#count);
    return warmContender(() => {
      for (let i = 0; i < batches; i++) batch(this.#input, this.#count, this.#address);
    }, batches * this.#count);
  }

  [Symbol.dispose](): void {
    this.native[Symbol.dispose]();
  }
}
