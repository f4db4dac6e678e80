import type { Requirement } from "./benchmark.ts";

const SOURCE = new URL("native.c", import.meta.url);
const COMPILERS = ["clang-19", "clang"];
const FLAGS = ["-O3", "-march=native", "-shared", "-fPIC", "-ffreestanding", "-nostdlib"];

const SYMBOLS = {
  native_lookup_policies: {
    parameters: ["buffer", "buffer", "u32", "buffer"],
    result: "void",
  },
  native_classify_packets: {
    parameters: ["buffer", "buffer", "u32", "buffer"],
    result: "void",
  },
} as const;

/** Addresses inside the module's memory, in the order of `struct native_state`. */
export interface NativeAddresses {
  readonly endpointPolicies: number;
  readonly policyTables: number;
  readonly images: number;
  readonly ipcache4: number;
  readonly ipcache6: number;
  readonly ipcache4Cidr: number;
  readonly ipcache6Cidr: number;
  readonly lengths4: number;
  readonly lengths6: number;
}

function run(compiler: string, args: readonly string[]): Deno.CommandOutput | undefined {
  try {
    return new Deno.Command(compiler, { args: [...args], stdin: "null" }).outputSync();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The C compiler of the baseline, or undefined if there is none. */
export function findCompiler(): string | undefined {
  return COMPILERS.find((compiler) => run(compiler, ["--version"])?.success);
}

/** What {@linkcode NativeLibrary} needs of the machine. */
export const NATIVE_REQUIREMENT: Requirement = "clang";

/**
 * The emulator's algorithms compiled from C (bench/native.c), working on the memory of a
 * Wasm module. The memory must not grow while the library is in use.
 */
export class NativeLibrary implements Disposable {
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;
  /** `struct native_state`; holds the address of the memory. */
  readonly #state: Uint8Array<ArrayBuffer>;
  readonly #memory: WebAssembly.Memory;
  readonly #buffer: ArrayBufferLike;

  private constructor(path: string, memory: WebAssembly.Memory, addresses: NativeAddresses) {
    this.#library = Deno.dlopen(path, SYMBOLS);
    this.#memory = memory;
    this.#buffer = memory.buffer;
    const start = Deno.UnsafePointer.of(new Uint8Array(memory.buffer));
    const state = new BigUint64Array(6);
    state[0] = Deno.UnsafePointer.value(start);
    new Uint32Array(state.buffer).set([
      addresses.endpointPolicies,
      addresses.policyTables,
      addresses.images,
      addresses.ipcache4,
      addresses.ipcache6,
      addresses.ipcache4Cidr,
      addresses.ipcache6Cidr,
      addresses.lengths4,
      addresses.lengths6,
    ], 2);
    this.#state = new Uint8Array(state.buffer);
  }

  /**
   * Compiles and opens the library for one memory.
   *
   * @throws {Error} If there is no compiler or it refuses the source.
   */
  static open(memory: WebAssembly.Memory, addresses: NativeAddresses): NativeLibrary {
    const compiler = findCompiler();
    if (compiler === undefined) {
      throw new Error(`Cannot compile "native.c": no compiler, expected ${COMPILERS.join(" or ")}`);
    }
    const directory = Deno.makeTempDirSync({ prefix: "twinpath-bench-" });
    try {
      const path = `${directory}/native.so`;
      const output = run(compiler, [...FLAGS, SOURCE.pathname, "-o", path]);
      if (!output?.success) {
        const stderr = new TextDecoder().decode(output?.stderr).trim();
        throw new Error(
          `Cannot compile "native.c": ${compiler} failed, expected success\n${stderr}`,
        );
      }
      return new NativeLibrary(path, memory, addresses);
    } finally {
      Deno.removeSync(directory, { recursive: true });
    }
  }

  /** Answers policy queries, as the module's `policy_lookup_batch` does. */
  lookupPolicies(queries: number, count: number, answers: number): void {
    const { native_lookup_policies } = this.#library.symbols;
    native_lookup_policies(this.#state, this.#at(queries), count, this.#at(answers));
  }

  /** Classifies packets, as the module's `classify` does. */
  classifyPackets(packets: number, count: number, answers: number): void {
    const { native_classify_packets } = this.#library.symbols;
    native_classify_packets(this.#state, this.#at(packets), count, this.#at(answers));
  }

  #at(address: number): Uint8Array<ArrayBuffer> {
    if (this.#memory.buffer !== this.#buffer) {
      throw new Error('Cannot use "WebAssembly.Memory": it has grown, expected the size of before');
    }
    return new Uint8Array(this.#memory.buffer as ArrayBuffer, address);
  }

  [Symbol.dispose](): void {
    this.#library.close();
  }
}
