import { check, Fd, open, SYS, syscall, SyscallError } from "../sys/mod.ts";

/** What a BPF descriptor stands for. */
export type ObjectKind = "map" | "program" | "link" | "BTF";

const READ_BYTES = 4096;
const KIND_BY_FIELD: readonly (readonly [field: string, kind: ObjectKind])[] = [
  ["map_type", "map"],
  ["prog_type", "program"],
  ["link_type", "link"],
  ["btf_id", "BTF"], // last: maps have it too
];

/**
 * The fields of /proc/self/fdinfo: what the kernel tells about an object nowhere else. Undefined
 * where /proc is not mounted.
 */
export function readFdInfo(fd: number): ReadonlyMap<string, string> | undefined {
  let text: string;
  try {
    // thread-self: a thread may have its own table of descriptors.
    using file = new Fd(open(`/proc/thread-self/fdinfo/${fd}`));
    const bytes = new Uint8Array(READ_BYTES);
    const length = check(syscall(SYS.read, file.fd, bytes, READ_BYTES), "read");
    text = new TextDecoder().decode(bytes.subarray(0, length));
  } catch (error) {
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
  const lines = text.split("\n").map((line) => /^([^:]+):\s*(.*)$/.exec(line));
  return new Map(lines.flatMap((match) => match ? [[match[1] ?? "", match[2] ?? ""]] : []));
}

/** What a descriptor is, or undefined if it cannot be told. */
export function objectKind(fd: number): ObjectKind | undefined {
  const fields = readFdInfo(fd);
  return KIND_BY_FIELD.find(([field]) => fields?.has(field))?.[1];
}
