import type { BtfValue } from "../btf/value.ts";
import type { VariableSpec } from "../spec/collection_spec.ts";
import { decodeVariable, encodeVariable, type VariableTypes } from "../spec/variable_value.ts";
import { MapFlags } from "../spec/map_types.ts";
import type { MappedMemory } from "../sys/mod.ts";
import type { BpfMap } from "./bpf_map.ts";

/**
 * A global variable of loaded programs, in memory shared with them: reading and writing is no
 * system call. The memory is mapped at the first use and given back at disposal; a later use maps
 * it anew, unless the collection is closed.
 *
 * Aligned integers of 4 and 8 bytes are read and written whole; larger values may be seen half
 * written by a program that runs meanwhile.
 *
 * @example Usage
 * ```ts
 * import { type Collection } from "ebpf-ts-loader";
 * function reset(collection: Collection): number | bigint {
 *   using total = collection.variable<bigint>("total");
 *   const before = total.get();
 *   total.set(0n);
 *   return before;
 * }
 * ```
 */
export class Variable<T extends BtfValue = BtfValue> implements Disposable {
  /** Where it lies, and its type. */
  readonly spec: VariableSpec;
  readonly #map: BpfMap;
  readonly #types: VariableTypes;
  readonly #readOnly: boolean;
  #memory: MappedMemory | undefined;

  /** `map` holds the variable's section; `readOnly` says that it is frozen. */
  constructor(
    spec: VariableSpec,
    { map, types, readOnly }: { map: BpfMap; types: VariableTypes; readOnly: boolean },
  ) {
    this.spec = spec;
    this.#map = map;
    this.#types = types;
    this.#readOnly = readOnly;
  }

  /** Its name. */
  get name(): string {
    return this.spec.name;
  }

  /** True for constants (`.rodata`), which cannot change after loading. */
  get readOnly(): boolean {
    return this.#readOnly;
  }

  /**
   * Its bytes as they are now: a live view of the shared memory, which is empty after disposal.
   * Writing to a read-only variable's bytes is a crash, not an exception.
   */
  bytes(): Uint8Array<ArrayBuffer> {
    const { offset, size } = this.spec;
    return new Uint8Array(this.#mapped().buffer, offset, size);
  }

  /** Its value now; a copy. */
  get(): T {
    return decodeVariable(this.spec, loadWhole(this.bytes()), this.#types) as T;
  }

  /**
   * Changes it. Throws `TypeError` for a read-only variable and for a value of another shape,
   * `RangeError` for one that does not fit.
   */
  set(value: T): void {
    if (this.#readOnly) {
      throw new TypeError(
        `Cannot set variable "${this.name}": constant in "${this.spec.section}", ` +
          "expected a variable outside .rodata, or a value given before loading",
      );
    }
    storeWhole(this.bytes(), encodeVariable(this.spec, value, this.#types));
  }

  #mapped(): MappedMemory {
    if (this.#memory) return this.#memory;
    if ((this.#map.flags & MapFlags.MMAPABLE) === 0) {
      throw new TypeError(
        `Cannot map variable "${this.name}": map "${this.#map.name}" cannot be mapped, ` +
          "expected flag MMAPABLE",
      );
    }
    return this.#memory = this.#map.mmap({ writable: !this.#readOnly });
  }

  /** Gives the mapping back; views of it become empty. */
  [Symbol.dispose](): void {
    this.#memory?.[Symbol.dispose]();
    this.#memory = undefined;
  }
}

/** A copy of the bytes; of an aligned word by one load, so that no reader sees half of it. */
function loadWhole(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = bytes;
  if (byteOffset % length === 0 && length === 8) {
    return new Uint8Array(
      new BigUint64Array([new BigUint64Array(buffer, byteOffset, 1)[0] ?? 0n]).buffer,
    );
  }
  if (byteOffset % length === 0 && length === 4) {
    return new Uint8Array(new Uint32Array([new Uint32Array(buffer, byteOffset, 1)[0] ?? 0]).buffer);
  }
  return bytes.slice();
}

/** Copies `from` into shared memory; an aligned word by one store. */
function storeWhole(to: Uint8Array<ArrayBuffer>, from: Uint8Array<ArrayBuffer>): void {
  const { buffer, byteOffset, length } = to;
  if (byteOffset % length === 0 && length === 8) {
    new BigUint64Array(buffer, byteOffset, 1)[0] = new BigUint64Array(from.buffer)[0] ?? 0n;
  } else if (byteOffset % length === 0 && length === 4) {
    new Uint32Array(buffer, byteOffset, 1)[0] = new Uint32Array(from.buffer)[0] ?? 0;
  } else {
    to.set(from);
  }
}
