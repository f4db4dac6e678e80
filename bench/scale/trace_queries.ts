/**
 * `engine.trace_queries`: what a user waits for. Questions in a file, `twinpath trace --queries`
 * as a process of its own, answers with their rules in another file.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Benchmark } from "../benchmark.ts";
import { median } from "../measure.ts";
import { benchResult } from "../result.ts";
import { type TraceShape, writeTraceInput } from "./trace_input.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** 500 pods with some thirty rules at each. */
export const TRACE_SHAPE: TraceShape = { pods: 500, policies: 600, queries: 1_000_000 };

/** What is asked for. */
const BASELINE = { name: "200,000 answers/s", value: 1e9 / 200_000 };
const MAX_ROUNDS = 3;

/** Nanoseconds for each answer, the start of the program and of the cluster's state included. */
export function traceQueries(name: string, shape: TraceShape = TRACE_SHAPE): Benchmark {
  const { pods, policies, queries } = shape;
  return {
    name,
    about: `${queries} different questions, JSONL to JSONL, as a process, per answer; ` +
      `${pods} pods, ${policies} policies; against ${BASELINE.name}`,
    requires: [],
    run: async ({ rounds, progress }) => {
      const folder = await Deno.makeTempDir({ prefix: "twinpath-bench-" });
      await using _removal = {
        [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
      };
      progress.show(`${name}: writing ${queries} questions`);
      await writeTraceInput(folder, shape);
      const times: number[] = [];
      for (let round = 0; round < Math.min(rounds, MAX_ROUNDS); round++) {
        progress.show(`${name}: round ${round}`);
        times.push(await timeOfTrace(folder, queries));
      }
      return benchResult(name, median(times) / queries, BASELINE);
    },
  };
}

/** Nanoseconds that the command takes. */
async function timeOfTrace(folder: string, queries: number): Promise<number> {
  const [questions, answers] = [`${folder}/q.jsonl`, `${folder}/a.jsonl`];
  const start = performance.now();
  await using child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "-A", `--config=${CONFIG}`, MAIN],
      ...["trace", "-f", `${folder}/cluster.json`, "--queries", questions],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  using file = await Deno.open(answers, { write: true, create: true, truncate: true });
  let lines = 0;
  for await (const bytes of child.stdout) {
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await file.write(rest));
  }
  const { code } = await child.status;
  const time = (performance.now() - start) * 1e6;
  if (code === 0 && lines === queries) return time;
  throw new Error(
    `Cannot measure "trace": ${lines} answers and exit code ${code}, expected ${queries} and 0`,
  );
}
