import { check, Fd, open, SYS, syscall } from "../sys/mod.ts";

const CHUNK = 1024 * 1024;

/**
 * A file of /proc or /sys as bytes, read by system calls: Deno's own file functions want all
 * permissions there. Throws `SyscallError`.
 */
export function readKernelFile(path: string): Uint8Array<ArrayBuffer> {
  using file = new Fd(open(path));
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (;;) {
    const chunk = new Uint8Array(CHUNK);
    const result = syscall(SYS.read, file.fd, chunk, chunk.length);
    const length = check(result, "read", { action: "read", subject: path });
    if (length === 0) break;
    chunks.push(chunk.subarray(0, length));
  }
  return concatenate(chunks);
}

/** {@linkcode readKernelFile} as text. */
export function readKernelText(path: string): string {
  return new TextDecoder().decode(readKernelFile(path));
}

function concatenate(chunks: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
