/**
 * `deno task flip:emulator [--flips 1000000] [--workers 2]`: the flip test for as long as it
 * takes. Fails on the first verdict that is neither the old nor the new policy's.
 */
import { parseArgs } from "node:util";
import { readThreadsWasm } from "../../src/datapath/emulator_file.ts";
import { EmulatorPool } from "../../src/datapath/emulator_pool.ts";
import { flipPolicies } from "./_flip.ts";

const { values } = parseArgs({
  options: {
    flips: { type: "string", default: "1000000" },
    workers: { type: "string", default: "2" },
  },
});

using pool = await EmulatorPool.create(await readThreadsWasm(), {
  workers: Number(values.workers),
});
const start = performance.now();
let reported = start;
const wanted = { flips: Number(values.flips), changes: 1000 };
const report = flipPolicies(pool, wanted, (done) => {
  if (!Deno.stderr.isTerminal() || performance.now() - reported < 200) return;
  reported = performance.now();
  Deno.stderr.writeSync(new TextEncoder().encode(`\r${done} flips`));
});
const seconds = (performance.now() - start) / 1000;
console.log(
  `${report.flips} flips under ${report.packets} packets of ${pool.workers} workers in ` +
    `${seconds.toFixed(1)} s: ${report.changes} seen between two packets, judged by each policy ` +
    `${report.judged.join(" and ")}, mixed ${report.mixed.length}`,
);
for (const line of report.mixed) console.error(line);
Deno.exitCode = report.mixed.length === 0 ? 0 : 1;
