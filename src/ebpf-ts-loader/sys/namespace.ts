import { check } from "./errno.ts";
import { assertFd } from "./fd.ts";
import { SYS } from "./numbers.ts";
import { syscall } from "./syscall.ts";

/**
 * Namespace kinds of setns(2) and unshare(2).
 *
 * @example Usage
 * ```ts
 * import { CLONE, unshare } from "ebpf-ts-loader/sys";
 * const leaveNetwork = () => unshare(CLONE.NEWNET);
 * ```
 */
export const CLONE = { NEWNS: 0x00020000, NEWNET: 0x40000000 } as const;

/**
 * Moves the calling thread into a namespace. Only the main JavaScript thread moves: Deno's own
 * I/O threads stay, so enter, make the socket synchronously, and go back. `NEWNS` fails with
 * EINVAL in a process whose threads share file-system state, as Deno's do.
 *
 * @example Usage
 * ```ts
 * import { CLONE, Fd, open, setns } from "ebpf-ts-loader/sys";
 * function enterNetworkOf(pid: number): void {
 *   using namespace = new Fd(open(`/proc/${pid}/ns/net`));
 *   setns(namespace.fd, CLONE.NEWNET);
 * }
 * ```
 */
export function setns(fd: number, kind: number): void {
  assertFd(fd, "namespace");
  check(syscall(SYS.setns, fd, kind), "setns", { action: "enter namespace", subject: `fd ${fd}` });
}

/**
 * Gives the calling thread new namespaces; see {@linkcode setns} for what does not follow.
 *
 * @example Usage
 * ```ts
 * import { CLONE, SyscallError, unshare } from "ebpf-ts-loader/sys";
 * function canMakeNamespaces(): boolean {
 *   try {
 *     unshare(CLONE.NEWNET); // the thread stays in the new one: see createNetns()
 *     return true;
 *   } catch (error) {
 *     if (error instanceof SyscallError && error.code === "EPERM") return false;
 *     throw error;
 *   }
 * }
 * ```
 */
export function unshare(flags: number): void {
  check(syscall(SYS.unshare, flags), "unshare", {
    action: "unshare",
    subject: `flags 0x${flags.toString(16)}`,
  });
}
