import { defineAsyncSyscall, defineSyscall } from "./syscall.ts";

/**
 * Commands of bpf(2) used by this package; see `enum bpf_cmd` in linux/bpf.h.
 *
 * @example Usage
 * ```ts
 * import { BPF, bpfCommandName } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * assertEquals(bpfCommandName(BPF.LINK_CREATE), "BPF_LINK_CREATE");
 * ```
 */
export const BPF = {
  MAP_CREATE: 0,
  MAP_LOOKUP_ELEM: 1,
  MAP_UPDATE_ELEM: 2,
  MAP_DELETE_ELEM: 3,
  MAP_GET_NEXT_KEY: 4,
  PROG_LOAD: 5,
  OBJ_PIN: 6,
  OBJ_GET: 7,
  PROG_TEST_RUN: 10,
  PROG_GET_NEXT_ID: 11,
  MAP_GET_NEXT_ID: 12,
  PROG_GET_FD_BY_ID: 13,
  MAP_GET_FD_BY_ID: 14,
  OBJ_GET_INFO_BY_FD: 15,
  PROG_QUERY: 16,
  BTF_LOAD: 18,
  BTF_GET_FD_BY_ID: 19,
  MAP_LOOKUP_AND_DELETE_ELEM: 21,
  MAP_FREEZE: 22,
  BTF_GET_NEXT_ID: 23,
  MAP_LOOKUP_BATCH: 24,
  MAP_LOOKUP_AND_DELETE_BATCH: 25,
  MAP_UPDATE_BATCH: 26,
  MAP_DELETE_BATCH: 27,
  LINK_CREATE: 28,
  LINK_UPDATE: 29,
  LINK_GET_FD_BY_ID: 30,
  LINK_GET_NEXT_ID: 31,
  ENABLE_STATS: 32,
  LINK_DETACH: 34,
} as const;

/** Name of a bpf(2) command, for error messages: `BPF_MAP_CREATE`. */
export function bpfCommandName(command: number): string {
  const entry = Object.entries(BPF).find(([, value]) => value === command);
  return entry ? `BPF_${entry[0]}` : `bpf command ${command}`;
}

const call = defineSyscall("bpf", ["i32", "buffer", "u32"]);
const callAsync = defineAsyncSyscall("bpf", ["i32", "buffer", "u32"]);

/** One call of bpf(2), for {@linkcode traceBpf}. */
export interface BpfTrace {
  /** The command; {@linkcode bpfCommandName} names it. */
  readonly command: number;
  /** The result, or −errno. */
  readonly result: number;
  /** How long it took, the way into the kernel and back included. */
  readonly nanoseconds: number;
}

let tracer: ((trace: BpfTrace) => void) | undefined;

/**
 * Reports every blocking call of bpf(2) that this package makes until the handle is disposed: to
 * see what the loader does, and how much of the time is the kernel's. One tracer at a time; a
 * later one takes over.
 *
 * @example Usage
 * ```ts
 * import { type CollectionSpec, loadCollection } from "ebpf-ts-loader";
 * import { bpfCommandName, traceBpf } from "ebpf-ts-loader/sys";
 * function loadLoudly(spec: CollectionSpec) {
 *   using _trace = traceBpf(({ command, result, nanoseconds }) => {
 *     console.error(`${bpfCommandName(command)} = ${result}, ${nanoseconds} ns`);
 *   });
 *   return loadCollection(spec);
 * }
 * ```
 */
export function traceBpf(onCall: (trace: BpfTrace) => void): Disposable {
  tracer = onCall;
  return {
    [Symbol.dispose]: () => {
      if (tracer === onCall) tracer = undefined;
    },
  };
}

function traced(
  command: number,
  attr: Uint8Array<ArrayBuffer>,
  size: number,
  report: (trace: BpfTrace) => void,
): number {
  const start = performance.now();
  const result = call(command, attr, size);
  report({ command, result, nanoseconds: (performance.now() - start) * 1e6 });
  return result;
}

/**
 * Calls bpf(2). Returns the result (often an fd, owned by the caller), or −errno. `attr` holds at
 * least `size` bytes of `union bpf_attr` in host byte order; buffers whose addresses it carries
 * must be kept reachable by the caller.
 */
export function bpf(command: number, attr: Uint8Array<ArrayBuffer>, size: number): number {
  if (tracer) return traced(command, attr, size, tracer);
  return call(command, attr, size);
}

/**
 * Calls bpf(2) off the main thread: for commands that wait for an RCU grace period. The caller
 * keeps `attr` and everything it points to reachable and unchanged until the promise settles.
 */
export function bpfAsync(
  command: number,
  attr: Uint8Array<ArrayBuffer>,
  size: number,
): Promise<number> {
  return callAsync(command, attr, size);
}
