import {
  ATTR,
  BPF,
  BpfAttr,
  close,
  ERRNO,
  pathBytes,
  SYS,
  syscall,
  SyscallError,
} from "../sys/mod.ts";
import { type ObjectKind, objectKind } from "./fd_info.ts";

const BPF_FS_MAGIC = 0xcafe4a11;
const STATFS_BYTES = 120;
const AT_FDCWD = -100;

/**
 * Pins an object at a path in a BPF file system, where it outlives the process. `SyscallError`
 * with EEXIST if the path is taken and EPERM if its last part contains a `.` or it is on another
 * file system; the message says which.
 */
export function pinObject(fd: number, path: string): void {
  const attr = new BpfAttr(BPF.OBJ_PIN, ATTR.OBJ.size)
    .pointer(ATTR.OBJ.pathPtr, pathBytes(path))
    .u32(ATTR.OBJ.fd, fd);
  const result = attr.call();
  if (result >= 0) return;
  const expected = remedy(result, path);
  throw attr.error(result, {
    action: "pin object at",
    subject: path,
    ...(expected === undefined ? {} : { expected }),
  });
}

function remedy(result: number, path: string): string | undefined {
  if (result === -ERRNO.EEXIST) return "a path that is free";
  if (result === -ERRNO.ENOENT) return `the folder "${folderOf(path)}" to exist`;
  if (result !== -ERRNO.EPERM && result !== -ERRNO.EINVAL) return undefined;
  if (!isBpffs(folderOf(path))) {
    return 'a path in a BPF file system ("mount -t bpf bpf /sys/fs/bpf")';
  }
  return path.slice(path.lastIndexOf("/")).includes(".") ? 'a name without "."' : undefined;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || (path.startsWith("/") ? "/" : ".");
}

function isBpffs(folder: string): boolean {
  const result = new Uint8Array(STATFS_BYTES);
  if (syscall(SYS.statfs, pathBytes(folder), result) < 0) return false;
  return new DataView(result.buffer).getUint32(0, true) === BPF_FS_MAGIC;
}

/**
 * Opens a pinned object of a kind; the caller owns the fd. Throws `SyscallError` (ENOENT), and
 * `TypeError` if something else is pinned there.
 */
export function openPinnedObject(path: string, kind: ObjectKind): number {
  const fd = new BpfAttr(BPF.OBJ_GET, ATTR.OBJ.size)
    .pointer(ATTR.OBJ.pathPtr, pathBytes(path))
    .must({ action: `open pinned ${kind}`, subject: path });
  const actual = objectKind(fd) ?? kind;
  if (actual === kind) return fd;
  close(fd);
  throw new TypeError(`Cannot open pinned ${kind} "${path}": a ${actual}, expected a ${kind}`);
}

/**
 * Removes a pin; false if there was none. The object lives on while anything refers to it.
 *
 * @example Usage
 * ```ts
 * import { unpin } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * assertEquals(unpin("/sys/fs/bpf/nothing_is_pinned_here"), false);
 * ```
 */
export function unpin(path: string): boolean {
  const result = syscall(SYS.unlinkat, AT_FDCWD, pathBytes(path), 0);
  if (result === -ERRNO.ENOENT) return false;
  if (result < 0) {
    throw new SyscallError("unlinkat", -result, { action: "unpin", subject: path });
  }
  return true;
}
