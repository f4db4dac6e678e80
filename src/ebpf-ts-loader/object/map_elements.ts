import { NotSupportedError } from "../errors.ts";
import { isPerCpu } from "../spec/map_types.ts";
import { ATTR, BPF, BpfAttr, ERRNO } from "../sys/mod.ts";
import { possibleCpus } from "./possible_cpus.ts";

/** Bytes of a key; a number stands for a u32 key in host byte order. */
export type MapKey = Uint8Array | number;

/** Bytes of a value; a number stands for a u32 value (an fd in map-in-maps and prog arrays). */
export type MapValue = Uint8Array | number;

/**
 * What an update may do.
 *
 * @example Usage
 * ```ts
 * import { type BpfMap, UpdateFlag } from "ebpf-ts-loader";
 * function claim(map: BpfMap, key: number, owner: number): void {
 *   map.update(key, owner, UpdateFlag.NOEXIST); // EEXIST if it is taken
 * }
 * ```
 */
export const UpdateFlag = {
  /** Create or replace. */
  ANY: 0,
  /** Only create; else EEXIST. */
  NOEXIST: 1,
  /** Only replace; else ENOENT. Of a queue or stack that is full: drop the oldest. */
  EXIST: 2,
  /** Take the value's spin lock. */
  LOCK: 4,
} as const;

// Above this size a copy costs more than taking the buffer's address.
const COPY_LIMIT = 4096;

/** The key of queues, stacks and bloom filters. */
export const NO_KEY: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** What element operations need to know about a map. */
export interface ElementLayout {
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
}

/** Bytes of a whole value: all CPUs' values, each rounded up to 8, for per-CPU maps. */
export function wholeValueSize({ type, valueSize }: ElementLayout): number {
  return isPerCpu(type) ? Math.ceil(valueSize / 8) * 8 * possibleCpus() : valueSize;
}

/**
 * Lookup, update and delete with one attr whose key and value buffers never move: no address is
 * taken and nothing allocated per call.
 */
export class MapElements {
  readonly #layout: ElementLayout;
  readonly #key: Uint8Array<ArrayBuffer>;
  readonly #keyWord: DataView;
  readonly #nextKey: Uint8Array<ArrayBuffer>;
  readonly #value: Uint8Array<ArrayBuffer>;
  readonly #lookup: BpfAttr;
  readonly #next: BpfAttr;
  readonly #update: BpfAttr;
  readonly #delete: BpfAttr;
  readonly #take: BpfAttr;

  constructor(fd: number, layout: ElementLayout) {
    this.#layout = layout;
    // Room for a number at least. The kernel wants NULL for the key of a map without keys.
    this.#key = new Uint8Array(Math.max(4, layout.keySize));
    this.#keyWord = new DataView(this.#key.buffer);
    this.#nextKey = new Uint8Array(Math.max(4, layout.keySize));
    this.#value = new Uint8Array(Math.max(4, wholeValueSize(layout)));
    const attr = (command: number, value: Uint8Array | null) =>
      new BpfAttr(command, ATTR.ELEMENT.size)
        .u32(ATTR.ELEMENT.fd, fd)
        .pointer(ATTR.ELEMENT.keyPtr, layout.keySize === 0 ? null : this.#key)
        .pointer(ATTR.ELEMENT.valuePtr, value);
    this.#lookup = attr(BPF.MAP_LOOKUP_ELEM, this.#value);
    this.#update = attr(BPF.MAP_UPDATE_ELEM, this.#value);
    this.#delete = attr(BPF.MAP_DELETE_ELEM, null);
    this.#take = attr(BPF.MAP_LOOKUP_AND_DELETE_ELEM, this.#value);
    this.#next = attr(BPF.MAP_GET_NEXT_KEY, this.#nextKey);
  }

  /** Bytes of a whole value. */
  get valueSize(): number {
    return wholeValueSize(this.#layout);
  }

  #context(action: string) {
    return { action, subject: this.#layout.name };
  }

  #setKey(key: MapKey): void {
    const { name, keySize } = this.#layout;
    if (typeof key === "number") {
      if (keySize !== 4 || !Number.isInteger(key) || key < 0 || key > 0xffffffff) {
        throw new RangeError(
          `Cannot use key of "${name}": ${key}, expected ${
            keySize === 4 ? "a u32" : `${keySize} bytes`
          }`,
        );
      }
      this.#keyWord.setUint32(0, key, true);
      return;
    }
    if (key.length !== keySize) {
      throw new RangeError(
        `Cannot use key of "${name}": ${key.length} bytes, expected ${keySize}`,
      );
    }
    this.#key.set(key);
  }

  /** Looks a key up into the reused buffer; false if it is absent. */
  #find(key: MapKey, flags: number): boolean {
    this.#setKey(key);
    this.#lookup.u32(ATTR.ELEMENT.flags64, flags);
    const result = this.#lookup.call();
    if (result >= 0) return true;
    if (result === -ERRNO.ENOENT) return false;
    throw this.#lookup.error(result, this.#context("look up in map"));
  }

  lookup(key: MapKey, flags: number): Uint8Array<ArrayBuffer> | undefined {
    return this.#find(key, flags) ? this.#value.slice(0, this.valueSize) : undefined;
  }

  lookupInto(key: MapKey, out: Uint8Array): boolean {
    if (out.length !== this.valueSize) throw this.#valueError(`${out.length} bytes`);
    if (!this.#find(key, 0)) return false;
    out.set(
      this.valueSize === this.#value.length ? this.#value : this.#value.subarray(0, out.length),
    );
    return true;
  }

  #valueError(state: string): RangeError {
    return new RangeError(
      `Cannot use value of "${this.#layout.name}": ${state}, expected ${this.valueSize} bytes`,
    );
  }

  update(key: MapKey, value: MapValue, flags: number): void {
    this.#setKey(key);
    this.#update.u32(ATTR.ELEMENT.flags64, flags);
    if (typeof value !== "number" && value.length > COPY_LIMIT) {
      if (value.length !== this.valueSize) throw this.#valueError(`${value.length} bytes`);
      this.#updateFrom(value);
      return;
    }
    this.#setValue(value);
    this.#update.must(this.#context("update map"));
  }

  #setValue(value: MapValue): void {
    if (typeof value !== "number") {
      if (value.length !== this.valueSize) throw this.#valueError(`${value.length} bytes`);
      this.#value.set(value);
      return;
    }
    if (this.valueSize !== 4 || !Number.isInteger(value) || value < 0 || value > 0xffffffff) {
      throw this.#valueError(`${value}`);
    }
    new DataView(this.#value.buffer).setUint32(0, value, true);
  }

  #updateFrom(value: Uint8Array): void {
    try {
      this.#update.pointer(ATTR.ELEMENT.valuePtr, value).must(this.#context("update map"));
    } finally {
      this.#update.pointer(ATTR.ELEMENT.valuePtr, this.#value);
    }
  }

  delete(key: MapKey): boolean {
    this.#setKey(key);
    const result = this.#delete.call();
    if (result === -ERRNO.ENOENT) return false;
    if (result < 0) throw this.#delete.error(result, this.#context("delete from map"));
    return true;
  }

  /** Removes an element and returns its value (a copy); undefined if it was absent. */
  take(key: MapKey, flags: number): Uint8Array<ArrayBuffer> | undefined {
    this.#setKey(key);
    const result = this.#take.u32(ATTR.ELEMENT.flags64, flags).call();
    if (result === -ERRNO.ENOENT) return undefined;
    if (result >= 0) return this.#value.slice(0, this.valueSize);
    const context = this.#context("look up and delete in map");
    const cause = this.#take.error(result, context);
    // A kernel that has it for other types answers ENOTSUPP.
    if (result !== -ERRNO.ENOTSUPP) throw cause;
    const feature = "lookup and delete for this map type";
    throw new NotSupportedError(context.action, context.subject, feature, "5.14", { cause });
  }

  /** Whether a bloom filter may have seen `value`: the kernel reads the value it looks up. */
  contains(value: MapValue): boolean {
    this.#setValue(value);
    return this.#find(NO_KEY, 0);
  }

  /** The key after `key` (the first one without it), or undefined at the end. */
  nextKey(key: MapKey | undefined): Uint8Array<ArrayBuffer> | undefined {
    if (key === undefined) this.#next.pointer(ATTR.ELEMENT.keyPtr, null);
    else this.#setKey(key);
    const result = this.#next.call();
    if (key === undefined) this.#next.pointer(ATTR.ELEMENT.keyPtr, this.#key);
    if (result === -ERRNO.ENOENT) return undefined;
    if (result < 0) throw this.#next.error(result, this.#context("iterate map"));
    return this.#nextKey.slice(0, this.#layout.keySize);
  }
}
