/**
 * System call numbers of x86-64, as far as this package needs them.
 *
 * @example Usage
 * ```ts
 * import { SYS_X86_64 } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * assertEquals(SYS_X86_64.bpf, 321);
 * ```
 */
export const SYS_X86_64 = {
  read: 0,
  write: 1,
  close: 3,
  mmap: 9,
  mprotect: 10,
  munmap: 11,
  ioctl: 16,
  socket: 41,
  connect: 42,
  sendto: 44,
  recvfrom: 45,
  sendmsg: 46,
  recvmsg: 47,
  shutdown: 48,
  bind: 49,
  listen: 50,
  getsockname: 51,
  getpeername: 52,
  socketpair: 53,
  setsockopt: 54,
  getsockopt: 55,
  fcntl: 72,
  statfs: 137,
  mount: 165,
  umount2: 166,
  gettid: 186,
  epoll_ctl: 233,
  openat: 257,
  mkdirat: 258,
  unlinkat: 263,
  unshare: 272,
  epoll_pwait: 281,
  accept4: 288,
  eventfd2: 290,
  epoll_create1: 291,
  dup3: 292,
  pipe2: 293,
  perf_event_open: 298,
  recvmmsg: 299,
  sendmmsg: 307,
  setns: 308,
  memfd_create: 319,
  bpf: 321,
  pidfd_open: 434,
} as const;

/** Name of a system call this package knows the number of. */
export type SyscallName = keyof typeof SYS_X86_64;

/**
 * System call numbers of arm64.
 *
 * @example Usage
 * ```ts
 * import { SYS_ARM64 } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * assertEquals(SYS_ARM64.bpf, 280);
 * ```
 */
export const SYS_ARM64: Readonly<Record<SyscallName, number>> = {
  read: 63,
  write: 64,
  close: 57,
  mmap: 222,
  mprotect: 226,
  munmap: 215,
  ioctl: 29,
  socket: 198,
  connect: 203,
  sendto: 206,
  recvfrom: 207,
  sendmsg: 211,
  recvmsg: 212,
  shutdown: 210,
  bind: 200,
  listen: 201,
  getsockname: 204,
  getpeername: 205,
  socketpair: 199,
  setsockopt: 208,
  getsockopt: 209,
  fcntl: 25,
  statfs: 43,
  mount: 40,
  umount2: 39,
  gettid: 178,
  epoll_ctl: 21,
  openat: 56,
  mkdirat: 34,
  unlinkat: 35,
  unshare: 97,
  epoll_pwait: 22,
  accept4: 242,
  eventfd2: 19,
  epoll_create1: 20,
  dup3: 24,
  pipe2: 59,
  perf_event_open: 241,
  recvmmsg: 243,
  sendmmsg: 269,
  setns: 268,
  memfd_create: 279,
  bpf: 280,
  pidfd_open: 434,
};

/**
 * System call numbers of the architecture this process runs on.
 *
 * @example Usage
 * ```ts
 * import { SYS } from "ebpf-ts-loader/sys";
 * import { assert } from "@std/assert";
 * assert(SYS.bpf > 0);
 * ```
 */
export const SYS: Readonly<Record<SyscallName, number>> = Deno.build.arch === "aarch64"
  ? SYS_ARM64
  : SYS_X86_64;
