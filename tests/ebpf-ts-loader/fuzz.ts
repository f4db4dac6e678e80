/**
 * Reads changed ELF objects and BTF: `deno run -A tests/ebpf-ts-loader/fuzz.ts [--runs 1000000]
 * [--seed N] [--at INDEX]`. Fails on any error that is not the loader's own, on an input that
 * takes seconds, and on memory that grows. `--at` repeats one input of a seed.
 */
import { parseArgs } from "node:util";
import { inputAt, type Outcome, tryInput } from "./fuzz/inputs.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "1000000" },
    seed: { type: "string" },
    at: { type: "string" },
  },
});
const seed = Number(values.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]) >>> 0;
const first = Number(values.at ?? 0);
const runs = values.at === undefined ? Number(values.runs) : 1;

const SLOW = 5000;
const MAX_HEAP = 1024 ** 3;
const REPORT = 100_000;

const outcomes: Record<Outcome, number> = { accepted: 0, refused: 0 };
let slowest = { index: first, time: 0 };
let highest = 0;

console.log(`seed ${seed}, ${runs} inputs`);
for (let index = first; index < first + runs; index++) {
  const start = performance.now();
  try {
    outcomes[tryInput(inputAt(seed, index))]++;
  } catch (error) {
    console.error(`Cannot read input --seed ${seed} --at ${index}:`, error);
    Deno.exit(1);
  }
  const time = performance.now() - start;
  if (time > slowest.time) slowest = { index, time };
  if (time > SLOW) {
    console.error(`Cannot read input --seed ${seed} --at ${index}: ${time} ms, expected less`);
    Deno.exit(1);
  }
  if (index % 1000 === 0) highest = Math.max(highest, Deno.memoryUsage().rss);
  if (highest > MAX_HEAP) {
    console.error(`Cannot read input --seed ${seed} --at ${index}: ${highest} bytes of memory`);
    Deno.exit(1);
  }
  if ((index + 1) % REPORT === 0) console.log(summary(index + 1 - first));
}
console.log(summary(runs));

function summary(done: number): string {
  const { accepted, refused } = outcomes;
  return `${done} inputs: ${accepted} accepted, ${refused} refused; slowest ` +
    `${slowest.time.toFixed(0)} ms (--at ${slowest.index}); at most ${highest >> 20} MB`;
}
