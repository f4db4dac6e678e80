import { fileURLToPath } from "node:url";
import type { WasmInstance } from "../src/datapath/wasm.ts";

const SOURCE = fileURLToPath(new URL("native.c", import.meta.url));
/** Programs that are asked to compile the library, in this order. */
export const COMPILERS = ["clang-19", "clang"];
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
  native_run_packets: {
    parameters: ["buffer", "buffer", "u32"],
    result: "void",
  },
} as const;

/** Numbers of the tables in asm/tables.ts, in the order of `struct native_state`. */
const IPCACHE_TABLES = [0, 1, 2, 3];
const INFOS_TABLE = 9;
const IDENTITIES_TABLE = 4;
const ENDPOINTS_TABLE = 5;
const CONNTRACK_TABLES = [6, 7];

/** `struct native_state` of a module. */
function nativeState({ exports, memory }: WasmInstance): Uint8Array<ArrayBuffer> {
  const state = new BigUint64Array(10);
  state[0] = Deno.UnsafePointer.value(Deno.UnsafePointer.of(new Uint8Array(memory.buffer)));
  new Uint32Array(state.buffer).set([
    exports.endpointPolicy(0),
    exports.policyTable(0),
    exports.imageDirectory(),
    ...IPCACHE_TABLES.map((number) => exports.tableDescriptor(number)),
    exports.prefixLengths(4),
    exports.prefixLengths(6),
    exports.trieRoot(),
    exports.tableDescriptor(INFOS_TABLE),
    exports.endpointConfig(0),
    exports.tableDescriptor(ENDPOINTS_TABLE),
    ...CONNTRACK_TABLES.map((number) => exports.tableDescriptor(number)),
    exports.metricsAddress(),
    exports.tableDescriptor(IDENTITIES_TABLE),
  ], 2);
  return new Uint8Array(state.buffer);
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

  private constructor(path: string, wasm: WasmInstance) {
    this.#library = Deno.dlopen(path, SYMBOLS);
    this.#memory = wasm.memory;
    this.#buffer = wasm.memory.buffer;
    this.#state = nativeState(wasm);
  }

  /**
   * Compiles and opens the library for one module.
   *
   * @throws {Error} If there is no compiler or it refuses the source.
   */
  static open(wasm: WasmInstance): NativeLibrary {
    const compiler = findCompiler();
    if (compiler === undefined) {
      throw new Error(`Cannot compile "native.c": no compiler, expected ${COMPILERS.join(" or ")}`);
    }
    const directory = Deno.makeTempDirSync({ prefix: "twinpath-bench-" });
    try {
      const path = `${directory}/native.so`;
      const output = run(compiler, [...FLAGS, SOURCE, "-o", path]);
      if (!output?.success) {
        const stderr = new TextDecoder().decode(output?.stderr).trim();
        throw new Error(
          `Cannot compile "native.c": ${compiler} failed, expected success\n${stderr}`,
        );
      }
      return new NativeLibrary(path, wasm);
    } finally {
      Deno.removeSync(directory, { recursive: true });
    }
  }

  /** Answers policy queries, as the module's `lookupPolicies` does. */
  readonly lookupPolicies = (queries: number, count: number, answers: number): void => {
    const { native_lookup_policies } = this.#library.symbols;
    native_lookup_policies(this.#state, this.#at(queries), count, this.#at(answers));
  };

  /** Classifies packets, as the module's `classifyPackets` does. */
  readonly classifyPackets = (packets: number, count: number, answers: number): void => {
    const { native_classify_packets } = this.#library.symbols;
    native_classify_packets(this.#state, this.#at(packets), count, this.#at(answers));
  };

  /** Runs packets through the whole path, in place; flows are those that the module knows. */
  readonly runPackets = (packets: number, count: number): void => {
    const { native_run_packets } = this.#library.symbols;
    native_run_packets(this.#state, this.#at(packets), count);
  };

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
