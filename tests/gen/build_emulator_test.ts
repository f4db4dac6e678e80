import { assertEquals } from "@std/assert";

const SCRIPT = new URL("../../src/gen/build_emulator.ts", import.meta.url);
const MODULE = new URL("../../asm/out/emulator.wasm", import.meta.url);

Deno.test("what is built from the same sources is left alone", () => {
  const before = Deno.statSync(MODULE).mtime;
  const { success } = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", SCRIPT.href],
  }).outputSync();
  assertEquals([success, Deno.statSync(MODULE).mtime], [true, before]);
});
