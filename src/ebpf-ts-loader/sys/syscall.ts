import { ERRNO, SyscallError } from "./errno.ts";
import { SYS, type SyscallName } from "./numbers.ts";
import { THUNK_SYMBOL, thunkElf } from "./_thunk_elf.ts";

/**
 * How one argument travels. `i32`, `u32` and `buffer` are the fast ones; `usize` is for lengths
 * and addresses, which the kernel reads at full register width.
 */
export type ArgumentType = "i32" | "u32" | "usize" | "buffer";

/** What a caller passes for an argument of a type. */
export type ArgumentOf<T> = T extends "buffer" ? BufferSource | null
  : T extends "usize" ? number | bigint
  : number;

/** A system call with fixed argument types; returns the result, or −errno. */
export type TypedSyscall<P extends readonly ArgumentType[]> = (
  ...args: { -readonly [I in keyof P]: ArgumentOf<P[I]> }
) => number;

/** A system call that runs on Deno's blocking thread pool. */
export type AsyncSyscall<P extends readonly ArgumentType[]> = (
  ...args: { -readonly [I in keyof P]: ArgumentOf<P[I]> }
) => Promise<number>;

const MFD_CLOEXEC = 1;
const LIBC = "libc.so.6";

interface Backend {
  /** File given to dlopen() and the symbol inside it. */
  path: string;
  symbol: string;
  /** Address of errno where the symbol is libc's `syscall`; absent for the thunk. */
  errno?: Int32Array;
}

let backend: Backend | undefined;

function openThunk(): string {
  const libc = Deno.dlopen(LIBC, {
    memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
    write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  });
  // Deno.build.arch is x86_64 or aarch64 on every Linux build of Deno.
  const image = thunkElf(Deno.build.arch);
  const name = new TextEncoder().encode("raw_syscall\0");
  const fd = libc.symbols.memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) throw new Error("memfd_create failed");
  const written = libc.symbols.write(fd, image, BigInt(image.length));
  libc.close();
  if (Number(written) !== image.length) throw new Error("short write to memfd");
  // The fd stays open for the life of the process: defineSyscall() opens the path again.
  return `/proc/self/fd/${fd}`;
}

function libcErrno(): Int32Array {
  const { symbols } = Deno.dlopen(LIBC, {
    __errno_location: { parameters: [], result: "pointer" },
  });
  const pointer = symbols.__errno_location();
  if (pointer === null) throw new Error("__errno_location returned null");
  return new Int32Array(Deno.UnsafePointerView.getArrayBuffer(pointer, 4));
}

/**
 * Where `raw_syscall` comes from. Loaded on first use, so that importing this module needs no
 * permission.
 */
function getBackend(): Backend {
  if (backend) return backend;
  try {
    const path = openThunk();
    Deno.dlopen(path, { [THUNK_SYMBOL]: { parameters: ["i32"], result: "i32" } });
    backend = { path, symbol: THUNK_SYMBOL };
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    // No memfd or no /proc: libc's syscall() with errno read right after it.
    backend = { path: LIBC, symbol: "syscall", errno: libcErrno() };
  }
  return backend;
}

/**
 * Forces libc's `syscall()` plus errno instead of the thunk, as happens where /proc is missing.
 * For tests; affects system calls defined afterwards.
 */
export function useLibcSyscall(): void {
  backend = { path: LIBC, symbol: "syscall", errno: libcErrno() };
}

type Native = (...args: unknown[]) => unknown;

function openSymbol(
  name: SyscallName,
  parameters: readonly ArgumentType[],
  options: { nonblocking: boolean; result: "i32" | "i64" },
): { native: Native; errno: Int32Array | undefined } {
  if (parameters.length > 6) {
    throw new RangeError(
      `Cannot define "${name}": ${parameters.length} arguments, expected at most 6`,
    );
  }
  const { path, symbol, errno } = getBackend();
  const { symbols } = Deno.dlopen(path, {
    call: { name: symbol, parameters: ["i32", ...parameters], ...options },
  });
  return { native: symbols.call as unknown as Native, errno };
}

/**
 * Defines a blocking system call with fixed argument types: the way to make a *fast* one, since
 * only `i32`, `u32` and `buffer` arguments take V8's fast path. Define it once, at module level;
 * FFI is opened at the first call. A buffer must stay as it is (not detached or grown) during the
 * call only; a zero-length buffer arrives as NULL.
 *
 * Fast paths truncate numbers silently: validate them first.
 *
 * @example Usage
 * ```ts
 * import { defineSyscall } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * const close = defineSyscall("close", ["i32"]);
 * assertEquals(close(-1), -9); // −EBADF
 * ```
 */
export function defineSyscall<const P extends readonly ArgumentType[]>(
  name: SyscallName,
  parameters: P,
): TypedSyscall<P> {
  const nr = SYS[name];
  let call: ((...args: unknown[]) => number) | undefined;
  const open = () => {
    const { native, errno } = openSymbol(name, parameters, { nonblocking: false, result: "i32" });
    const raw = native as (...args: unknown[]) => number;
    if (!errno) return raw;
    return (...args: unknown[]) => {
      const result = raw(...args);
      return result === -1 ? -(errno[0] ?? ERRNO.EIO) : result;
    };
  };
  // Fixed arities: a rest parameter would allocate on each call and miss the fast path.
  const entries: readonly ((...args: unknown[]) => number)[] = [
    () => (call ??= open())(nr),
    (a) => (call ??= open())(nr, a),
    (a, b) => (call ??= open())(nr, a, b),
    (a, b, c) => (call ??= open())(nr, a, b, c),
    (a, b, c, d) => (call ??= open())(nr, a, b, c, d),
    (a, b, c, d, e) => (call ??= open())(nr, a, b, c, d, e),
    (a, b, c, d, e, f) => (call ??= open())(nr, a, b, c, d, e, f),
  ];
  return entries[parameters.length] as unknown as TypedSyscall<P>;
}

/**
 * Defines a system call that runs on a thread of Deno's blocking pool (32 threads) and so does
 * not hold up the event loop; a pending call keeps the process alive. The caller keeps every
 * buffer reachable and unchanged until the promise settles. Per-thread state (`setns`) does not
 * apply to it.
 *
 * @example Usage
 * ```ts
 * import { defineAsyncSyscall } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * const close = defineAsyncSyscall("close", ["i32"]);
 * assertEquals(await close(-1), -9);
 * ```
 */
export function defineAsyncSyscall<const P extends readonly ArgumentType[]>(
  name: SyscallName,
  parameters: P,
): AsyncSyscall<P> {
  const nr = SYS[name];
  let native: Native | undefined;
  let libc = false;
  const call = async (...args: unknown[]): Promise<number> => {
    if (!native) {
      const opened = openSymbol(name, parameters, { nonblocking: true, result: "i32" });
      native = opened.native;
      libc = opened.errno !== undefined;
    }
    const result = await (native(nr, ...args) as Promise<number>);
    // errno belongs to the pool's thread, out of reach.
    return libc && result === -1 ? -ERRNO.EIO : result;
  };
  return call as unknown as AsyncSyscall<P>;
}

type Wide = (...args: (number | bigint)[]) => bigint;
let wide: Wide | undefined;
// Holds the buffers of the call in flight: a bare address does not keep its buffer alive.
const inFlight: { args: readonly unknown[] } = { args: [] };

function openWide(): Wide {
  const { native, errno } = openSymbol(
    "close",
    ["usize", "usize", "usize", "usize", "usize", "usize"],
    { nonblocking: false, result: "i64" },
  );
  const raw = native as unknown as Wide;
  if (!errno) return raw;
  return (...args) => {
    const result = raw(...args);
    return result === -1n ? -BigInt(errno[0] ?? ERRNO.EIO) : result;
  };
}

/** An argument of {@linkcode syscall}. */
export type SyscallArgument = number | bigint | ArrayBufferLike | ArrayBufferView | null;

/**
 * The address of a buffer's first byte; the caller keeps the buffer reachable.
 *
 * @example Usage
 * ```ts
 * import { addressOf } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * const bytes = new Uint8Array(16);
 * assertEquals(addressOf(bytes.subarray(4)), addressOf(bytes) + 4n);
 * ```
 */
export function addressOf(buffer: ArrayBufferLike | ArrayBufferView): bigint {
  // Through the ArrayBuffer: V8 keeps small arrays on its heap, where they move, until asked for it.
  const [memory, offset] = ArrayBuffer.isView(buffer)
    ? [buffer.buffer, buffer.byteOffset]
    : [buffer, 0];
  // Shared memory has an address like any other; only Deno's type leaves it out.
  const pointer = Deno.UnsafePointer.of(memory as ArrayBuffer);
  return pointer === null ? 0n : Deno.UnsafePointer.value(pointer) + BigInt(offset);
}

function toRegister(argument: SyscallArgument): bigint {
  if (argument === null) return 0n;
  if (typeof argument === "bigint") return BigInt.asUintN(64, argument);
  if (typeof argument !== "number") return addressOf(argument);
  if (!Number.isSafeInteger(argument)) {
    throw new RangeError(`Cannot pass "${argument}": not an integer, expected a safe integer`);
  }
  return BigInt.asUintN(64, BigInt(argument));
}

/**
 * Makes any system call with any mix of numbers, addresses and buffers; missing arguments are 0.
 * Returns the full 64-bit result, or −errno. Costs a few microseconds: for cold paths.
 *
 * @example Usage
 * ```ts
 * import { SYS, syscall64 } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * assertEquals(syscall64(SYS.close, -1), -9n);
 * ```
 */
export function syscall64(nr: number, ...args: SyscallArgument[]): bigint {
  if (args.length > 6) {
    throw new RangeError(`Cannot call "${nr}": ${args.length} arguments, expected at most 6`);
  }
  wide ??= openWide();
  inFlight.args = args;
  const registers = [0n, 0n, 0n, 0n, 0n, 0n];
  args.forEach((argument, index) => registers[index] = toRegister(argument));
  const result = wide(nr, ...registers);
  inFlight.args = [];
  return result;
}

/**
 * Makes any system call with any mix of numbers, addresses and buffers; missing arguments are 0.
 * Returns the result, or −errno. Costs a few microseconds: use {@linkcode defineSyscall} on hot
 * paths and {@linkcode syscall64} where the result is an address.
 *
 * @example Usage
 * ```ts
 * import { syscall, SYS } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * assertEquals(syscall(SYS.close, -1), -9);
 * ```
 */
export function syscall(nr: number, ...args: SyscallArgument[]): number {
  return Number(syscall64(nr, ...args));
}

/**
 * Like {@linkcode syscall}, but throws {@linkcode SyscallError}.
 *
 * @example Usage
 * ```ts
 * import { mustSyscall, SyscallError } from "ebpf-ts-loader/sys";
 * import { assertThrows } from "@std/assert";
 * assertThrows(() => mustSyscall("close", -1), SyscallError, "EBADF");
 * ```
 */
export function mustSyscall(name: SyscallName, ...args: SyscallArgument[]): number {
  const result = syscall(SYS[name], ...args);
  if (result < 0) throw new SyscallError(name, -result);
  return result;
}
