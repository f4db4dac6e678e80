import { SyscallError } from "ebpf-ts-loader/sys";
import { createArray } from "./array_map.ts";
import { COMPILERS, findCompiler } from "./native.ts";

/** What a benchmark cannot do without. */
export interface Requirement {
  readonly name: "kernel" | "clang" | "memory";
  /** Why it is missing, or undefined if it is there. */
  readonly missing: () => string | undefined;
}

/** errno names that mean: not here, or not for this user. */
const REFUSALS = ["EPERM", "EACCES", "ENOSYS"];

/** BPF maps and programs can be made. */
export const KERNEL: Requirement = {
  name: "kernel",
  missing: () => {
    try {
      createArray("bench_probe", 4, 1)[Symbol.dispose]();
      return undefined;
    } catch (error) {
      if (error instanceof SyscallError && REFUSALS.includes(error.code)) {
        return `bpf(2) refused with ${error.code}, expected root or CAP_BPF and CAP_NET_ADMIN`;
      }
      throw error;
    }
  },
};

/** A C compiler for the native baseline. */
export const CLANG: Requirement = {
  name: "clang",
  missing: () => findCompiler() ? undefined : `no compiler, expected ${COMPILERS.join(" or ")}`,
};

/** So many bytes of memory are free. */
export function freeMemory(bytes: number): Requirement {
  return {
    name: "memory",
    missing: () => {
      const { available } = Deno.systemMemoryInfo();
      if (available >= bytes) return undefined;
      const gigabytes = (count: number) => `${(count / 1e9).toFixed(1)} GB`;
      return `${gigabytes(available)} of memory free, expected ${gigabytes(bytes)}`;
    },
  };
}
