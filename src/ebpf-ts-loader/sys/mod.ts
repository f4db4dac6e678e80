/**
 * Raw Linux system calls for Deno: the only folder of the project that opens FFI.
 *
 * Calls go through a 500-byte shared object generated in memory, which returns −errno instead of
 * losing it in thread-local storage. Nothing is opened until the first call, so importing needs no
 * permission; calling needs `--allow-ffi` and `--allow-read`.
 *
 * - {@linkcode syscall} takes any mix of numbers and buffers (cold paths);
 * - {@linkcode defineSyscall} fixes the argument types once (hot paths);
 * - {@linkcode defineAsyncSyscall} runs on a thread of the pool (grace periods, epoll);
 * - {@linkcode createNetns} makes a network namespace that vanishes with the process;
 * - {@linkcode openSocket} opens a TCP, UDP or ICMP socket inside any of them;
 * - {@linkcode traceBpf} reports every bpf(2) with its result and its time;
 * - {@linkcode recordFdOrigins} remembers where each descriptor was made, to find a leak.
 *
 * @example Usage
 * ```ts
 * import { check, Fd, syscall, SYS } from "ebpf-ts-loader/sys";
 * import { assert } from "@std/assert";
 *
 * const AF_UNIX = 1, SOCK_DGRAM = 2;
 * using socket = new Fd(check(syscall(SYS.socket, AF_UNIX, SOCK_DGRAM, 0), "socket"));
 * assert(socket.fd > 2);
 * ```
 *
 * @module
 */

export { BPF, bpf, bpfAsync, bpfCommandName, type BpfTrace, traceBpf } from "./bpf.ts";
export { ATTR, BpfAttr, objectName } from "./bpf_attr.ts";
export { defaultEpoll, EPOLL, Epoll } from "./epoll.ts";
export { check, ERRNO, errnoName, SyscallError, type SyscallErrorContext } from "./errno.ts";
export { assertFd, close, Fd, OPEN, open, pathBytes } from "./fd.ts";
export { type FdOrigin, FdOrigins, recordFdOrigins } from "./fd_origins.ts";
export {
  MAP,
  MappedMemory,
  mmap,
  type MmapOptions,
  munmap,
  pageSize,
  PROT,
  roundUpToPages,
  WasmMapping,
} from "./memory.ts";
export { CLONE, setns, unshare } from "./namespace.ts";
export { createNetns, currentNetns, Netns } from "./netns.ts";
export { SYS, type SyscallName } from "./numbers.ts";
export {
  openSocket,
  type Received,
  Socket,
  type SocketOptions,
  type SocketProtocol,
} from "./socket.ts";
export {
  AF,
  decodeSocketAddress,
  encodeSocketAddress,
  type SocketAddress,
} from "./socket_address.ts";
export {
  addressOf,
  type ArgumentType,
  type AsyncSyscall,
  defineAsyncSyscall,
  defineSyscall,
  mustSyscall,
  syscall,
  syscall64,
  type SyscallArgument,
  type TypedSyscall,
} from "./syscall.ts";
