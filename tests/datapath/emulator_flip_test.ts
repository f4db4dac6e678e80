import { assert, assertEquals } from "@std/assert";
import { readThreadsWasm } from "../../src/datapath/emulator_file.ts";
import { EmulatorPool } from "../../src/datapath/emulator_pool.ts";
import { flipPolicies } from "./_flip.ts";

Deno.test("EmulatorPool: each packet is judged by the old policy or the new, never by both", async () => {
  using pool = await EmulatorPool.create(await readThreadsWasm(), { workers: 2 });
  const { judged, mixed } = flipPolicies(pool, { flips: 3000, changes: 100 });
  assertEquals(mixed, []);
  assert(judged[0] > 0 && judged[1] > 0, `both policies have judged packets: ${judged}`);
});
