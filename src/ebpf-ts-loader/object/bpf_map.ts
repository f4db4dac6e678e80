import type { MapSpec } from "../spec/collection_spec.ts";
import { isPerCpu, MapFlags, MapType, mapTypeName } from "../spec/map_types.ts";
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
import { readFdInfo } from "./fd_info.ts";
import { type MapInfo, mapInfo } from "./info.ts";
import {
  type BatchCursor,
  type BatchOptions,
  type BatchResult,
  deleteBatch,
  type DeleteBatchOptions,
  lookupBatch,
  updateBatch,
  updateBatchAsync,
} from "./map_batch.ts";
import { MapElements, type MapKey, type MapValue, NO_KEY, UpdateFlag } from "./map_elements.ts";
import { type NextKey, walkMap } from "./map_walk.ts";
import { pinObject } from "./pin.ts";

/** The properties of an open map. */
export type MapShape = Pick<
  MapSpec,
  "name" | "type" | "keySize" | "valueSize" | "maxEntries" | "flags"
>;

const QUEUES = [MapType.QUEUE, MapType.STACK];
const KEYLESS = [...QUEUES, MapType.BLOOM_FILTER];

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
  /** As declared; the kernel's is cut to 15 characters. */
  readonly name: string;
  /** `enum bpf_map_type`. */
  readonly type: number;
  /** Bytes; 0 for types without keys. */
  readonly keySize: number;
  /** Bytes; of one CPU's value for per-CPU maps. */
  readonly valueSize: number;
  /** Most elements; bytes of a ring buffer. */
  readonly maxEntries: number;
  /** Flags of BPF_MAP_CREATE. */
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

  /** True until disposed. */
  get isOpen(): boolean {
    return this.#fd.open;
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
   * Removes an element and returns its value, as one step; undefined if it was absent. Hash maps
   * only: {@linkcode NotSupportedError} for other types and before Linux 5.14.
   */
  lookupAndDelete(key: MapKey, flags = 0): Uint8Array<ArrayBuffer> | undefined {
    this.#requireOpen();
    return this.#elements.take(key, flags);
  }

  /**
   * Adds a value to a queue, stack or bloom filter. E2BIG if it is full; a queue or stack drops
   * its oldest value instead with `UpdateFlag.EXIST`.
   */
  push(value: MapValue, flags: number = UpdateFlag.ANY): void {
    this.#requireType("push to", KEYLESS);
    this.#elements.update(NO_KEY, value, flags);
  }

  /** Takes the oldest value of a queue, the youngest of a stack; undefined if it is empty. */
  pop(): Uint8Array<ArrayBuffer> | undefined {
    this.#requireType("pop from", QUEUES);
    return this.#elements.take(NO_KEY, 0);
  }

  /** The value that {@linkcode pop} would take. */
  peek(): Uint8Array<ArrayBuffer> | undefined {
    this.#requireType("peek at", QUEUES);
    return this.#elements.lookup(NO_KEY, 0);
  }

  /** False if a bloom filter has never seen the value; true if it may have. */
  mayContain(value: MapValue): boolean {
    this.#requireType("look up value in", [MapType.BLOOM_FILTER]);
    return this.#elements.contains(value);
  }

  #requireType(action: string, types: readonly number[]): void {
    this.#requireOpen();
    if (types.includes(this.type)) return;
    throw new TypeError(
      `Cannot ${action} map "${this.name}": ${mapTypeName(this.type)}, expected ` +
        types.map(mapTypeName).join(" or "),
    );
  }

  /**
   * The keys, each a copy. Every element that is there from beginning to end comes exactly once,
   * whatever is added or removed meanwhile, by programs too; what comes or goes meanwhile may or
   * may not be seen.
   *
   * Hash maps are read bucket by bucket with batches (Linux 5.6). Others are walked from key to
   * key; there the kernel starts again when the key just read was removed, so keys already seen
   * are remembered and left out. If the walk makes no progress for four times `maxEntries` keys,
   * because removals are faster than it is, it throws.
   */
  *keys(): Generator<Uint8Array<ArrayBuffer>> {
    for (const { key } of walkMap(this, this.#walker())) yield key;
  }

  /** Keys and values, each a copy, under the rules of {@linkcode keys}. */
  *entries(): Generator<[Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>]> {
    for (const { key, value = this.lookup(key) } of walkMap(this, this.#walker())) {
      if (value) yield [key, value]; // else removed since
    }
  }

  #walker(): NextKey {
    return (key) => {
      this.#requireOpen();
      return this.#elements.nextKey(key);
    };
  }

  /** A per-CPU element's values, one for each possible CPU (copies); undefined if it is absent. */
  lookupPerCpu(key: MapKey): Uint8Array<ArrayBuffer>[] | undefined {
    this.#requirePerCpu();
    const value = this.lookup(key);
    return value && this.perCpuValues(value);
  }

  /** Sets a per-CPU element: one value for each possible CPU, in order. */
  updatePerCpu(key: MapKey, values: readonly Uint8Array[], flags: number = UpdateFlag.ANY): void {
    this.#requirePerCpu();
    const whole = new Uint8Array(this.wholeValueSize);
    const cpus = this.perCpuValues(whole);
    const wrong = values.find((value) => value.length !== this.valueSize);
    if (values.length !== cpus.length || wrong) {
      throw new RangeError(
        `Cannot use values of "${this.name}": ${values.length} of ` +
          `${wrong?.length ?? this.valueSize} bytes, expected ${cpus.length} of ${this.valueSize}`,
      );
    }
    values.forEach((value, cpu) => cpus[cpu]?.set(value));
    this.update(key, whole, flags);
  }

  #requirePerCpu(): void {
    if (isPerCpu(this.type)) return;
    throw new TypeError(
      `Cannot use map "${this.name}": ${mapTypeName(this.type)}, expected a per-CPU type`,
    );
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
   * lie. Throws `BatchError` with how many were done, to go on from there.
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

  /**
   * Deletes many elements and returns how many. Throws `BatchError` (ENOENT) at the first absent
   * one, unless `absent` is `"skip"`.
   */
  deleteBatch(keys: Uint8Array, options?: DeleteBatchOptions): number {
    return deleteBatch(this, keys, options);
  }

  /**
   * Reads elements into the caller's packed arrays, from `cursor` on. Hash maps answer ENOSPC if a
   * bucket does not fit; the cursor stays where it was: give more room.
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

  /** Whether the map is frozen; undefined where /proc, which tells, is not mounted. */
  isFrozen(): boolean | undefined {
    const frozen = readFdInfo(this.fd)?.get("frozen");
    return frozen === undefined ? undefined : frozen === "1";
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
