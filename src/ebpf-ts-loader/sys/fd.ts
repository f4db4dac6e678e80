import { check } from "./errno.ts";
import { fdClosed, fdOpened } from "./fd_origins.ts";
import { SYS } from "./numbers.ts";
import { defineSyscall, syscall } from "./syscall.ts";

const closeCall = defineSyscall("close", ["i32"]);

/**
 * Flags of open(2) that differ by name only; values hold on x86-64 and arm64.
 *
 * @example Usage
 * ```ts
 * import { Fd, OPEN, open } from "ebpf-ts-loader/sys";
 * using file = new Fd(open("/dev/null", OPEN.RDWR));
 * ```
 */
export const OPEN = { RDONLY: 0, WRONLY: 1, RDWR: 2, CLOEXEC: 0o2000000 } as const;

const AT_FDCWD = -100;

/**
 * Checks that `fd` is a descriptor number before it meets an FFI path that would truncate it.
 *
 * @example Usage
 * ```ts
 * import { assertFd } from "ebpf-ts-loader/sys";
 * import { assertThrows } from "@std/assert";
 * assertFd(3);
 * assertThrows(() => assertFd(2 ** 32 + 3), RangeError);
 * ```
 */
export function assertFd(fd: number, what = "fd"): void {
  if (!Number.isInteger(fd) || fd < 0 || fd > 0x7fffffff) {
    throw new RangeError(`Cannot use "${what}": ${fd}, expected an open file descriptor`);
  }
}

/**
 * Closes a file descriptor. Throws `SyscallError` (EBADF) if it is not open.
 *
 * @example Usage
 * ```ts
 * import { close, open } from "ebpf-ts-loader/sys";
 * import { assertThrows } from "@std/assert";
 * const fd = open("/dev/null");
 * close(fd);
 * assertThrows(() => close(-1), RangeError);
 * ```
 */
export function close(fd: number): void {
  assertFd(fd);
  check(closeCall(fd), "close", { action: "close", subject: `fd ${fd}` });
}

/**
 * A NUL-terminated path; refuses paths the kernel would cut short.
 *
 * @example Usage
 * ```ts
 * import { pathBytes } from "ebpf-ts-loader/sys";
 * import { assertEquals, assertThrows } from "@std/assert";
 * assertEquals(pathBytes("/a"), Uint8Array.of(47, 97, 0));
 * assertThrows(() => pathBytes("/a\0b"), TypeError);
 * ```
 */
export function pathBytes(path: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(`${path}\0`);
  if (path === "" || path.includes("\0") || bytes.length > 4096) {
    throw new TypeError(
      `Cannot use path "${path.slice(0, 64).replaceAll("\0", "\\0")}": ${bytes.length} bytes, ` +
        "expected 1 to 4095 without NUL",
    );
  }
  return bytes;
}

/**
 * Opens a path, close-on-exec always set. The caller owns the fd.
 *
 * @example Usage
 * ```ts
 * import { Fd, open, SyscallError } from "ebpf-ts-loader/sys";
 * import { assertThrows } from "@std/assert";
 * using _file = new Fd(open("/dev/null"));
 * assertThrows(() => open("/no/such/file"), SyscallError, "ENOENT");
 * ```
 */
export function open(path: string, flags: number = OPEN.RDONLY): number {
  const fd = syscall(SYS.openat, AT_FDCWD, pathBytes(path), flags | OPEN.CLOEXEC, 0);
  return check(fd, "openat", { action: "open", subject: path });
}

/**
 * A file descriptor that closes with its scope.
 *
 * @example Usage
 * ```ts
 * import { Fd, open } from "ebpf-ts-loader/sys";
 * import { assert } from "@std/assert";
 * using file = new Fd(open("/dev/null"));
 * assert(file.fd >= 0);
 * ```
 */
export class Fd implements Disposable {
  #fd: number;

  /** Takes ownership of `fd`. */
  constructor(fd: number) {
    assertFd(fd);
    this.#fd = fd;
    fdOpened(fd);
  }

  /** The descriptor; throws `TypeError` once it is closed. */
  get fd(): number {
    if (this.#fd < 0) throw new TypeError('Cannot use "fd": closed, expected open');
    return this.#fd;
  }

  /** True until disposed. */
  get open(): boolean {
    return this.#fd >= 0;
  }

  /** Gives the descriptor away; disposal then does nothing. */
  release(): number {
    const fd = this.fd;
    this.#fd = -1;
    fdClosed(fd);
    return fd;
  }

  /** Closes the descriptor; a second call does nothing. */
  [Symbol.dispose](): void {
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    fdClosed(fd);
    close(fd);
  }
}
