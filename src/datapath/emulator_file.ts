/**
 * Where the compiled modules are: the one place of the datapath that reads a file.
 *
 * @module
 */

const OUTPUT = new URL("../../asm/out/", import.meta.url);

/**
 * Reads the module's bytes as `deno task build` left them.
 *
 * @throws {Deno.errors.NotFound} If the module has not been built.
 */
export function readEmulatorWasm(): Promise<Uint8Array<ArrayBuffer>> {
  return readOutput("emulator.wasm");
}

/**
 * Reads the module with threads, for `EmulatorPool`. It takes a shared memory.
 *
 * @throws {Deno.errors.NotFound} If the module has not been built.
 */
export function readThreadsWasm(): Promise<Uint8Array<ArrayBuffer>> {
  return readOutput("emulator_threads.wasm");
}

async function readOutput(name: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(new URL(name, OUTPUT));
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new Deno.errors.NotFound(
      `Cannot load "asm/out/${name}": not built, expected "deno task build" to have run`,
      { cause },
    );
  }
}
