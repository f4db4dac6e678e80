import { bpf, bpfAsync, bpfCommandName } from "./bpf.ts";
import { ERRNO, SyscallError, type SyscallErrorContext } from "./errno.ts";
import { addressOf } from "./syscall.ts";

/**
 * Byte offsets inside `union bpf_attr` (linux/bpf.h) by command; `size` is how much of it the
 * command takes. Fields are u32 unless the name ends in `Ptr` or `64`.
 *
 * @example Usage
 * ```ts
 * import { ATTR } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * assertEquals([ATTR.PROG_LOAD.size, ATTR.PROG_LOAD.logLevel], [144, 24]);
 * ```
 */
export const ATTR = {
  MAP_CREATE: {
    size: 72,
    type: 0,
    keySize: 4,
    valueSize: 8,
    maxEntries: 12,
    flags: 16,
    innerFd: 20,
    numaNode: 24,
    name: 28,
    btfFd: 48,
    keyTypeId: 52,
    valueTypeId: 56,
    extra64: 64,
  },
  ELEMENT: { size: 32, fd: 0, keyPtr: 8, valuePtr: 16, flags64: 24 },
  BATCH: {
    size: 56,
    inPtr: 0,
    outPtr: 8,
    keysPtr: 16,
    valuesPtr: 24,
    count: 32,
    fd: 36,
    elementFlags64: 40,
    flags64: 48,
  },
  PROG_LOAD: {
    size: 144,
    type: 0,
    count: 4,
    instructionsPtr: 8,
    licensePtr: 16,
    logLevel: 24,
    logSize: 28,
    logPtr: 32,
    flags: 44,
    name: 48,
    expectedAttachType: 68,
    btfFd: 72,
    functionRecordSize: 76,
    functionInfoPtr: 80,
    functionCount: 88,
    lineRecordSize: 92,
    lineInfoPtr: 96,
    lineCount: 104,
    attachBtfId: 108,
    coreCount: 116,
    corePtr: 128,
    coreRecordSize: 136,
    logTrueSize: 140,
  },
  OBJ: { size: 16, pathPtr: 0, fd: 8, flags: 12 },
  TEST_RUN: {
    size: 80,
    fd: 0,
    returnValue: 4,
    dataSizeIn: 8,
    dataSizeOut: 12,
    dataInPtr: 16,
    dataOutPtr: 24,
    repeat: 32,
    duration: 36,
    contextSizeIn: 40,
    contextSizeOut: 44,
    contextInPtr: 48,
    contextOutPtr: 56,
    flags: 64,
    cpu: 68,
    batchSize: 72,
  },
  INFO: { size: 16, fd: 0, length: 4, infoPtr: 8 },
  PROG_QUERY: {
    size: 64,
    target: 0,
    attachType: 4,
    flags: 8,
    programIdsPtr: 16,
    count: 24,
    linkIdsPtr: 40,
    revision64: 56,
  },
  BTF_LOAD: {
    size: 32,
    btfPtr: 0,
    logPtr: 8,
    btfSize: 16,
    logSize: 20,
    logLevel: 24,
    trueSize: 28,
  },
  FREEZE: { size: 4, fd: 0 },
  LINK_CREATE: {
    size: 32,
    programFd: 0,
    target: 4,
    attachType: 8,
    flags: 12,
    relativeFd: 16,
    revision64: 24,
  },
  LINK_UPDATE: { size: 16, linkFd: 0, newProgramFd: 4, flags: 8, oldProgramFd: 12 },
  LINK_DETACH: { size: 4, linkFd: 0 },
  GET_ID: { size: 12, id: 0, nextId: 4, openFlags: 8 },
  ENABLE_STATS: { size: 4, type: 0 },
} as const;

/**
 * A `union bpf_attr` for one command, in host byte order. Keeps every buffer it points at
 * reachable, and computes an address only when a buffer is set: reuse the attr on hot paths.
 *
 * @example Usage
 * ```ts
 * import { ATTR, BPF, BpfAttr } from "ebpf-ts-loader/sys";
 * function freeze(map: number): void {
 *   new BpfAttr(BPF.MAP_FREEZE, ATTR.FREEZE.size)
 *     .u32(ATTR.FREEZE.fd, map)
 *     .must({ action: "freeze map", subject: `fd ${map}` });
 * }
 * ```
 */
export class BpfAttr {
  /** The attr itself; buffers it points at are elsewhere. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #command: number;
  readonly #buffers = new Map<number, unknown>();

  /** `size` is how many bytes of the attr the command takes; see {@linkcode ATTR}. */
  constructor(command: number, size: number) {
    this.#command = command;
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Sets a u32 field. A DataView would truncate what does not fit: 2 ** 32 + 5 would be 5. */
  u32(offset: number, value: number): this {
    if (value >>> 0 !== value) {
      throw new RangeError(
        `Cannot set field ${offset} of "${bpfCommandName(this.#command)}": ${value}, ` +
          "expected a u32",
      );
    }
    this.#view.setUint32(offset, value, true);
    return this;
  }

  /** Sets a u64 field. */
  u64(offset: number, value: bigint): this {
    this.#view.setBigUint64(offset, value, true);
    return this;
  }

  /** Points a field at a buffer; null is NULL. */
  pointer(offset: number, buffer: ArrayBufferLike | ArrayBufferView | null): this {
    this.#buffers.set(offset, buffer);
    return this.u64(offset, buffer === null ? 0n : addressOf(buffer));
  }

  /** Copies bytes into the attr itself (object names). */
  inline(offset: number, bytes: Uint8Array): this {
    this.bytes.set(bytes, offset);
    return this;
  }

  /** Reads a u32 field: what the kernel wrote. */
  getU32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  /** Reads a u64 field: what the kernel wrote. */
  getU64(offset: number): bigint {
    return this.#view.getBigUint64(offset, true);
  }

  /** Calls bpf(2); returns the result or −errno. */
  call(): number {
    return bpf(this.#command, this.bytes, this.bytes.length);
  }

  /** Calls bpf(2) off the main thread; leave the attr and its buffers alone until it settles. */
  async callAsync(): Promise<number> {
    return await bpfAsync(this.#command, this.bytes, this.bytes.length);
  }

  /** Calls bpf(2); throws `SyscallError` with what was tried. */
  must(context: SyscallErrorContext): number {
    const result = this.call();
    if (result < 0) throw this.error(result, context);
    return result;
  }

  /** The error of a failed creation, where EPERM means a missing privilege. */
  creationError(result: number, context: SyscallErrorContext): SyscallError {
    const missing = result === -ERRNO.EPERM
      ? { expected: "CAP_BPF and CAP_NET_ADMIN, or root" }
      : {};
    return this.error(result, { ...context, ...missing });
  }

  /** The error of a result that is −errno. */
  error(result: number, context: SyscallErrorContext): SyscallError {
    return new SyscallError(bpfCommandName(this.#command), -result, context);
  }
}

/**
 * A kernel object name: at most 15 of the characters the kernel allows.
 *
 * @example Usage
 * ```ts
 * import { objectName } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * assertEquals(new TextDecoder().decode(objectName("ipcache-v4 addresses")), "ipcache_v4_addr");
 * ```
 */
export function objectName(name: string): Uint8Array {
  return new TextEncoder().encode(name.replace(/[^A-Za-z0-9_.]/g, "_").slice(0, 15));
}
