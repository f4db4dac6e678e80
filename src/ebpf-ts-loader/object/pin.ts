import { ATTR, BPF, BpfAttr, ERRNO, pathBytes, SYS, syscall, SyscallError } from "../sys/mod.ts";

/**
 * Pins an object at a path in a BPF file system, where it outlives the process. Fails with EEXIST
 * if the path is taken and EPERM if its last part contains a `.`.
 */
export function pinObject(fd: number, path: string): void {
  new BpfAttr(BPF.OBJ_PIN, ATTR.OBJ.size)
    .pointer(ATTR.OBJ.pathPtr, pathBytes(path))
    .u32(ATTR.OBJ.fd, fd)
    .must({ action: "pin object at", subject: path });
}

/** Opens a pinned object; the caller owns the fd. */
export function openPinnedObject(path: string): number {
  return new BpfAttr(BPF.OBJ_GET, ATTR.OBJ.size)
    .pointer(ATTR.OBJ.pathPtr, pathBytes(path))
    .must({ action: "open pinned object", subject: path });
}

/** Removes a pin; false if there was none. The object lives on while anything refers to it. */
export function unpin(path: string): boolean {
  const AT_FDCWD = -100;
  const result = syscall(SYS.unlinkat, AT_FDCWD, pathBytes(path), 0);
  if (result === -ERRNO.ENOENT) return false;
  if (result < 0) {
    throw new SyscallError("unlinkat", -result, { action: "unpin", subject: path });
  }
  return true;
}
