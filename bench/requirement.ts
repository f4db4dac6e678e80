import { SyscallError } from "ebpf-ts-loader/sys";
import { createArray } from "./array_map.ts";
import { COMPILERS, findCompiler } from "./native.ts";

/** What a benchmark cannot do without. */
export interface Requirement {
  readonly name: "kernel" | "clang" | "libbpf" | "memory" | "nft";
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

const LIBBPF_HEADERS = "#include <bpf/libbpf.h>\n";
const C_COMPILERS = ["gcc", ...COMPILERS];

/** A C compiler that finds libbpf's headers and library, or undefined if there is none. */
export function findLibbpfCompiler(): string | undefined {
  const directory = Deno.makeTempDirSync({ prefix: "twinpath-bench-" });
  try {
    const source = `${directory}/probe.c`;
    Deno.writeTextFileSync(source, LIBBPF_HEADERS);
    const args = ["-shared", "-fPIC", source, "-lbpf", "-o", `${directory}/probe.so`];
    return C_COMPILERS.find((compiler) => succeeds(compiler, args));
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

function succeeds(command: string, args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdin: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** libbpf, for the loader's baseline. */
export const LIBBPF: Requirement = {
  name: "libbpf",
  missing: () =>
    findLibbpfCompiler()
      ? undefined
      : `no libbpf to compile against, expected ${C_COMPILERS.join(" or ")} and libbpf-dev`,
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
