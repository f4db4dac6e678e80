import { check, SyscallError } from "./errno.ts";
import { SYS } from "./numbers.ts";
import { addressOf, syscall, syscall64 } from "./syscall.ts";

/**
 * Protection bits of mmap(2).
 *
 * @example Usage
 * ```ts
 * import { MappedMemory, PROT } from "ebpf-ts-loader/sys";
 * const mapWritable = (fd: number, length: number) =>
 *   new MappedMemory({ fd, length, protection: PROT.READ | PROT.WRITE });
 * ```
 */
export const PROT = { READ: 1, WRITE: 2 } as const;

/**
 * Flags of mmap(2).
 *
 * @example Usage
 * ```ts
 * import { MAP, MappedMemory, pageSize, PROT } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * using memory = new MappedMemory({
 *   fd: -1,
 *   length: pageSize(),
 *   flags: MAP.PRIVATE | MAP.ANONYMOUS,
 *   protection: PROT.READ | PROT.WRITE,
 * });
 * assertEquals(memory.bytes[0], 0);
 * ```
 */
export const MAP = { SHARED: 1, PRIVATE: 2, FIXED: 0x10, ANONYMOUS: 0x20 } as const;

let cachedPageSize = 0;

/**
 * The kernel's page size in bytes: 4096 on x86-64, up to 65536 on arm64.
 *
 * @example Usage
 * ```ts
 * import { pageSize } from "ebpf-ts-loader/sys";
 * import { assert } from "@std/assert";
 * assert([4096, 16384, 65536].includes(pageSize()));
 * ```
 */
export function pageSize(): number {
  if (cachedPageSize > 0) return cachedPageSize;
  const SC_PAGESIZE = 30;
  const libc = Deno.dlopen("libc.so.6", {
    sysconf: { parameters: ["i32"], result: "i64" },
  });
  cachedPageSize = Number(libc.symbols.sysconf(SC_PAGESIZE));
  libc.close();
  return cachedPageSize;
}

/**
 * Rounds a byte length up to whole pages.
 *
 * @example Usage
 * ```ts
 * import { pageSize, roundUpToPages } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * assertEquals(roundUpToPages(1), pageSize());
 * ```
 */
export function roundUpToPages(length: number): number {
  const page = pageSize();
  return Math.ceil(length / page) * page;
}

/** What {@linkcode mmap} maps. */
export interface MmapOptions {
  /** File descriptor; −1 with `MAP.ANONYMOUS`. */
  fd: number;
  /** Bytes to map. */
  length: number;
  /** `PROT` bits. @default READ */
  protection?: number;
  /** `MAP` bits. @default SHARED */
  flags?: number;
  /** Offset into the file, a multiple of the page size. @default 0 */
  offset?: number;
  /** Address for `MAP.FIXED`. @default 0n, the kernel's choice */
  address?: bigint;
}

/**
 * mmap(2): returns the address, which the caller must unmap. Throws `SyscallError`.
 *
 * @example Usage
 * ```ts
 * import { MAP, mmap, munmap, pageSize } from "ebpf-ts-loader/sys";
 * import { assert } from "@std/assert";
 * const address = mmap({ fd: -1, length: pageSize(), flags: MAP.PRIVATE | MAP.ANONYMOUS });
 * assert(address > 0n);
 * munmap(address, pageSize());
 * ```
 */
export function mmap(options: MmapOptions): bigint {
  const { fd, length, protection = PROT.READ, flags = MAP.SHARED, offset = 0, address = 0n } =
    options;
  const result = syscall64(SYS.mmap, address, length, protection, flags, fd, offset);
  if (result < 0n && result > -4096n) {
    throw new SyscallError("mmap", Number(-result), { action: "map", subject: `fd ${fd}` });
  }
  return result;
}

/**
 * munmap(2). Every JavaScript view of the range must be gone: a later access is a crash.
 *
 * @example Usage
 * ```ts
 * import { MAP, mmap, munmap, pageSize } from "ebpf-ts-loader/sys";
 * const length = pageSize();
 * munmap(mmap({ fd: -1, length, flags: MAP.PRIVATE | MAP.ANONYMOUS }), length);
 * ```
 */
export function munmap(address: bigint, length: number): void {
  check(syscall(SYS.munmap, address, length), "munmap", {
    action: "unmap",
    subject: `0x${address.toString(16)}`,
  });
}

/**
 * A mapping of its own, seen as an `ArrayBuffer`. Disposal detaches the buffer before it unmaps:
 * a forgotten view reads as empty instead of crashing the process.
 *
 * @example Usage
 * ```ts
 * import { MAP, MappedMemory, pageSize } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * const flags = MAP.PRIVATE | MAP.ANONYMOUS;
 * const memory = new MappedMemory({ fd: -1, length: pageSize(), flags });
 * const { bytes } = memory;
 * memory[Symbol.dispose]();
 * assertEquals(bytes.length, 0); // detached, not dangling
 * ```
 */
export class MappedMemory implements Disposable {
  readonly #address: bigint;
  readonly #length: number;
  #buffer: ArrayBuffer;

  /** Maps; throws `SyscallError` (ENODEV, EPERM, ENOMEM). */
  constructor(options: MmapOptions) {
    this.#address = mmap(options);
    this.#length = options.length;
    const pointer = Deno.UnsafePointer.create(this.#address);
    if (pointer === null) throw new SyscallError("mmap", 14, { action: "map" });
    this.#buffer = Deno.UnsafePointerView.getArrayBuffer(pointer, options.length);
  }

  /** The mapped bytes; detached (length 0) after disposal. */
  get buffer(): ArrayBuffer {
    return this.#buffer;
  }

  /** The mapped bytes. Writing to a read-only mapping is a crash (SIGSEGV), not an exception. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer);
  }

  /** Detaches the buffer and unmaps; a second call does nothing. */
  [Symbol.dispose](): void {
    if (this.#buffer.detached) return;
    this.#buffer.transfer();
    munmap(this.#address, this.#length);
  }
}

/**
 * Pages of a file that stand inside a `WebAssembly.Memory`.
 *
 * @example Usage
 * ```ts
 * import type { BpfMap } from "ebpf-ts-loader";
 * import { pageSize, type WasmMapping } from "ebpf-ts-loader/sys";
 * function share(map: BpfMap, memory: WebAssembly.Memory): WasmMapping {
 *   return map.mmapInto(memory, pageSize());
 * }
 * ```
 */
export class WasmMapping implements Disposable {
  readonly #memory: WebAssembly.Memory;
  /** Byte offset inside the memory. */
  readonly offset: number;
  /** Mapped bytes, a multiple of the page size. */
  readonly length: number;
  #open = true;

  /**
   * Puts `length` bytes of `fd` over the pages at `offset` (MAP_SHARED | MAP_FIXED). Wasm, kernel
   * and JavaScript then see the same bytes; it survives `memory.grow`. The old contents are lost.
   * `offset` must be a multiple of the page size and the range must lie inside the memory.
   */
  constructor(memory: WebAssembly.Memory, offset: number, options: MmapOptions) {
    const page = pageSize();
    const length = roundUpToPages(options.length);
    const total = memory.buffer.byteLength;
    if (!Number.isSafeInteger(offset) || offset < 0 || offset % page !== 0) {
      throw new RangeError(
        `Cannot map "WebAssembly.Memory": offset ${offset}, expected a multiple of ${page}`,
      );
    }
    if (!Number.isSafeInteger(length) || length <= 0 || offset + length > total) {
      throw new RangeError(
        `Cannot map "WebAssembly.Memory": ${offset} + ${length} bytes, expected at most ${total}`,
      );
    }
    this.#memory = memory;
    this.offset = offset;
    this.length = length;
    mmap({
      ...options,
      length,
      flags: MAP.SHARED | MAP.FIXED,
      address: this.#address(),
    });
  }

  #address(): bigint {
    return addressOf(new Uint8Array(this.#memory.buffer)) + BigInt(this.offset);
  }

  /** The mapped bytes. Take it anew after `memory.grow`. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.#memory.buffer, this.offset, this.length);
  }

  /** Puts zeroed private pages back, so that the memory stays valid; a second call does nothing. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    mmap({
      fd: -1,
      length: this.length,
      protection: PROT.READ | PROT.WRITE,
      flags: MAP.PRIVATE | MAP.FIXED | MAP.ANONYMOUS,
      address: this.#address(),
    });
  }
}
