import { check } from "./errno.ts";
import { assertFd } from "./fd.ts";
import { SYS } from "./numbers.ts";
import { syscall } from "./syscall.ts";

/** Namespace kinds of setns(2) and unshare(2). */
export const CLONE = { NEWNS: 0x00020000, NEWNET: 0x40000000 } as const;

/**
 * Moves the calling thread into a namespace. Only the main JavaScript thread moves: Deno's own
 * I/O threads stay, so enter, make the socket synchronously, and go back. `NEWNS` fails with
 * EINVAL in a process whose threads share file-system state, as Deno's do.
 */
export function setns(fd: number, kind: number): void {
  assertFd(fd, "namespace");
  check(syscall(SYS.setns, fd, kind), "setns", { action: "enter namespace", subject: `fd ${fd}` });
}

/** Gives the calling thread new namespaces; see {@linkcode setns} for what does not follow. */
export function unshare(flags: number): void {
  check(syscall(SYS.unshare, flags), "unshare", {
    action: "unshare",
    subject: `flags 0x${flags.toString(16)}`,
  });
}
