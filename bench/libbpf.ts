import { findLibbpfCompiler } from "./requirement.ts";

const SOURCE = new URL("loader.c", import.meta.url);

const SYMBOLS = {
  libbpf_load: { parameters: ["buffer", "u64"], result: "i64" },
  libbpf_lookups: { parameters: ["i32", "buffer", "u32", "buffer"], result: "i64" },
} as const;

/** libbpf doing what the loader does (bench/loader.c), in this process. */
export class Libbpf implements Disposable {
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;

  private constructor(path: string) {
    this.#library = Deno.dlopen(path, SYMBOLS);
  }

  /**
   * Compiles and opens the library.
   *
   * @throws {Error} If there is no compiler or no libbpf to compile against.
   */
  static open(): Libbpf {
    const compiler = findLibbpfCompiler();
    if (compiler === undefined) {
      throw new Error('Cannot compile "loader.c": no compiler with libbpf, expected both');
    }
    const directory = Deno.makeTempDirSync({ prefix: "twinpath-bench-" });
    try {
      const path = `${directory}/loader.so`;
      const args = ["-O2", "-shared", "-fPIC", SOURCE.pathname, "-lbpf", "-o", path];
      const output = new Deno.Command(compiler, { args, stdin: "null" }).outputSync();
      if (!output.success) {
        const stderr = new TextDecoder().decode(output.stderr).trim();
        throw new Error(
          `Cannot compile "loader.c": ${compiler} failed, expected success\n${stderr}`,
        );
      }
      return new Libbpf(path);
    } finally {
      Deno.removeSync(directory, { recursive: true });
    }
  }

  /** Opens and loads an object; returns nanoseconds. It is closed again, untimed. */
  load(object: Uint8Array<ArrayBuffer>): number {
    const result = this.#library.symbols.libbpf_load(object, BigInt(object.length));
    return mustNotFail("bpf_object__load", result);
  }

  /** Looks keys of 8 bytes up in a map with values of 8 bytes; returns nanoseconds. */
  lookups(
    map: number,
    keys: BigUint64Array<ArrayBuffer>,
    values: BigUint64Array<ArrayBuffer>,
  ): number {
    const result = this.#library.symbols.libbpf_lookups(map, keys, keys.length, values);
    return mustNotFail("bpf_map_lookup_elem", result);
  }

  [Symbol.dispose](): void {
    this.#library.close();
  }
}

function mustNotFail(name: string, result: bigint): number {
  if (result >= 0n) return Number(result);
  throw new Error(`Cannot run "${name}": errno ${-result}, expected success`);
}
