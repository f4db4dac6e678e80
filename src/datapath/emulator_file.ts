/**
 * Where the compiled module is: the one place of the datapath that reads a file.
 *
 * @module
 */

const EMULATOR_WASM = new URL("../../asm/out/emulator.wasm", import.meta.url);

/**
 * Reads the module's bytes as `deno task build` left them.
 *
 * @throws {Deno.errors.NotFound} If the module has not been built.
 */
export async function readEmulatorWasm(): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(EMULATOR_WASM);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new Deno.errors.NotFound(
      `Cannot load "asm/out/emulator.wasm": not built, expected "deno task build" to have run`,
      { cause },
    );
  }
}
