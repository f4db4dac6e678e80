import type { MapSpec } from "../spec/collection_spec.ts";
import { isPerCpu, MapFlags } from "../spec/map_types.ts";
import {
  ATTR,
  BPF,
  BpfAttr,
  Fd,
  MappedMemory,
  PROT,
  roundUpToPages,
  WasmMapping,
} from "../sys/mod.ts";
import { type MapInfo, mapInfo } from "./info.ts";
import {
  type BatchCursor,
  type BatchOptions,
  type BatchResult,
  deleteBatch,
  lookupBatch,
  updateBatch,
  updateBatchAsync,
} from "./map_batch.ts";
import { MapElements, type MapKey, type MapValue, UpdateFlag } from "./map_elements.ts";
import { pinObject } from "./pin.ts";

/** The properties of an open map. */
export type MapShape = Pick<
  MapSpec,
  "name" | "type" | "keySize" | "valueSize" | "maxEntries" | "flags"
>;

/** Options of {@linkcode BpfMap.mmap}. */
export interface MapMmapOptions {
  /** Allow writing; frozen maps refuse it with EPERM. @default true */
  writable?: boolean;
}

/**
 * An open map; owns its fd. Keys and values are raw bytes in the struct's own byte order; views of
 * a `WebAssembly.Memory` are taken as they are. Methods block unless they return a promise, and
 * throw `SyscallError`; wrong sizes are a `RangeError` before any system call.
 *
 * @example Usage
 * ```ts
 * import { type BpfMap } from "ebpf-ts-loader";
 * function increment(map: BpfMap, key: number): bigint {
 *   const value = map.lookup(key) ?? new Uint8Array(8);
 *   const counter = new BigUint64Array(value.buffer);
 *   counter[0] = (counter[0] ?? 0n) + 1n;
 *   map.update(key, value);
 *   return counter[0];
 * }
 * ```
 */
export class BpfMap implements Disposable {
  readonly name: string;
  /** `enum bpf_map_type`. */
  readonly type: number;
  readonly keySize: number;
  /** Bytes; of one CPU's value for per-CPU maps. */
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly #fd: Fd;
  #cachedElements: MapElements | undefined;

  /** Takes ownership of `fd`; `shape` must be what the kernel has. */
  constructor(fd: number, shape: MapShape) {
    this.#fd = new Fd(fd);
    this.name = shape.name;
    this.type = shape.type;
    this.keySize = shape.keySize;
    this.valueSize = shape.valueSize;
    this.maxEntries = shape.maxEntries;
    this.flags = shape.flags;
  }

  /** The descriptor; stays owned by the map. Throws `TypeError` after disposal. */
  get fd(): number {
    return this.#fd.fd;
  }

  get #elements(): MapElements {
    // A closed fd's number may belong to something else by now.
    return this.#cachedElements ??= new MapElements(this.fd, this);
  }

  /** Bytes that lookup returns and update takes: all CPUs' values for per-CPU maps. */
  get wholeValueSize(): number {
    return this.#elements.valueSize;
  }

  /** The value of a key (a copy), or undefined. Per-CPU maps: see {@linkcode perCpuValues}. */
  lookup(key: MapKey, flags = 0): Uint8Array<ArrayBuffer> | undefined {
    this.#requireOpen();
    return this.#elements.lookup(key, flags);
  }

  /** Copies the value of a key into `out`, which has exactly its size; false if it is absent. */
  lookupInto(key: MapKey, out: Uint8Array): boolean {
    this.#requireOpen();
    return this.#elements.lookupInto(key, out);
  }

  /**
   * Creates or replaces an element. In a map-in-map or prog array the value is an fd (or pass the
   * map or program as {@linkcode updateSlot} does), and it waits for an RCU grace period there:
   * prefer {@linkcode updateBatchAsync}.
   */
  update(key: MapKey, value: MapValue, flags: number = UpdateFlag.ANY): void {
    this.#requireOpen();
    this.#elements.update(key, value, flags);
  }

  /** Puts a map or program into a slot of a map-in-map or prog array. */
  updateSlot(key: MapKey, object: { readonly fd: number }): void {
    this.update(key, object.fd);
  }

  /** Deletes an element; false if it was absent. Arrays refuse it (EINVAL). */
  delete(key: MapKey): boolean {
    this.#requireOpen();
    return this.#elements.delete(key);
  }

  #requireOpen(): void {
    if (!this.#fd.open) this.#fd.fd; // throws
  }

  /**
   * The keys, each a copy. Elements added or removed meanwhile may or may not be seen; throws if
   * removals made the walk start again more often than the map has room.
   */
  *keys(): Generator<Uint8Array<ArrayBuffer>> {
    let key: Uint8Array<ArrayBuffer> | undefined;
    for (let count = 0; count <= this.maxEntries; count++) {
      this.#requireOpen();
      key = this.#elements.nextKey(key);
      if (key === undefined) return;
      if (count < this.maxEntries) yield key;
    }
    throw new Error(
      `Cannot iterate map "${this.name}": more keys than ${this.maxEntries}, ` +
        "expected no removal during iteration",
    );
  }

  /** Keys and values; elements removed meanwhile are left out. */
  *entries(): Generator<[Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>]> {
    for (const key of this.keys()) {
      const value = this.lookup(key);
      if (value) yield [key, value];
    }
  }

  /** Splits a per-CPU map's value into one view per possible CPU. */
  perCpuValues(value: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
    if (!isPerCpu(this.type) || value.length !== this.wholeValueSize) {
      throw new RangeError(
        `Cannot split value of "${this.name}": ${value.length} bytes, ` +
          `expected a per-CPU value of ${this.wholeValueSize}`,
      );
    }
    const stride = Math.ceil(this.valueSize / 8) * 8;
    return Array.from(
      { length: value.length / stride },
      (_, cpu) => value.subarray(cpu * stride, cpu * stride + this.valueSize),
    );
  }

  /**
   * Updates many elements with one call; keys and values are packed arrays and are read where they
   * lie. Throws `BatchError` with how many were done.
   */
  updateBatch(keys: Uint8Array, values: Uint8Array, options?: BatchOptions): void {
    updateBatch(this, keys, values, options);
  }

  /**
   * {@linkcode updateBatch} on a thread of the pool: for map-in-maps, where the kernel waits for
   * one RCU grace period per call (8 ms idle, 100 ms under load). Leave the buffers unchanged and
   * the map (and any maps inside the values) open until it settles.
   */
  updateBatchAsync(keys: Uint8Array, values: Uint8Array, options?: BatchOptions): Promise<void> {
    return updateBatchAsync(this, keys, values, options);
  }

  /** Deletes many elements; throws `BatchError` (ENOENT) at the first absent one. */
  deleteBatch(keys: Uint8Array, options?: BatchOptions): void {
    deleteBatch(this, keys, options);
  }

  /**
   * Reads elements into the caller's packed arrays, from `cursor` on. Hash maps answer ENOSPC if a
   * bucket does not fit: give more room.
   */
  lookupBatch(keys: Uint8Array, values: Uint8Array, cursor: BatchCursor): BatchResult {
    return lookupBatch(this, { keys, values, cursor, remove: false });
  }

  /** {@linkcode lookupBatch} that removes what it read. Tries refuse it (ENOTSUPP). */
  lookupAndDeleteBatch(keys: Uint8Array, values: Uint8Array, cursor: BatchCursor): BatchResult {
    return lookupBatch(this, { keys, values, cursor, remove: true });
  }

  /** Makes the map read-only for this and other processes; programs may still write. */
  freeze(): void {
    new BpfAttr(BPF.MAP_FREEZE, ATTR.FREEZE.size)
      .u32(ATTR.FREEZE.fd, this.fd)
      .must({ action: "freeze map", subject: this.name });
  }

  /** Bytes that mmap shows: elements at a stride of 8-byte multiples, in whole pages. */
  get mmapLength(): number {
    return roundUpToPages(Math.ceil(this.valueSize / 8) * 8 * this.maxEntries);
  }

  #requireMmapable(): void {
    if ((this.flags & MapFlags.MMAPABLE) !== 0) return;
    throw new TypeError(
      `Cannot mmap map "${this.name}": flags 0x${this.flags.toString(16)}, expected MMAPABLE`,
    );
  }

  #mmapOptions(options: MapMmapOptions) {
    this.#requireMmapable();
    const { writable = true } = options;
    const protection = PROT.READ | (writable ? PROT.WRITE : 0);
    return { fd: this.fd, length: this.mmapLength, protection };
  }

  /** Maps a mmapable array as an `ArrayBuffer` shared with programs. */
  mmap(options: MapMmapOptions = {}): MappedMemory {
    return new MappedMemory(this.#mmapOptions(options));
  }

  /**
   * Maps a mmapable array over the pages at `offset` of a `WebAssembly.Memory` (a multiple of the
   * page size): Wasm, kernel and JavaScript then share its bytes.
   */
  mmapInto(memory: WebAssembly.Memory, offset: number, options: MapMmapOptions = {}): WasmMapping {
    return new WasmMapping(memory, offset, this.#mmapOptions(options));
  }

  /** Pins the map at a path in a BPF file system. */
  pin(path: string): void {
    pinObject(this.fd, path);
  }

  /** What the kernel says about the map. */
  info(): MapInfo {
    return mapInfo(this.fd);
  }

  /** Closes the fd; the map lives on while a program, pin or map-in-map refers to it. */
  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}
