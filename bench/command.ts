/**
 * The command line of a benchmark: options, progress, results.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { Benchmark } from "./benchmark.ts";
import { formatSvg } from "./plot.ts";
import { Progress } from "./progress.ts";
import { formatJson, formatTable } from "./result.ts";
import { runBenchmarks, selectBenchmarks } from "./run.ts";

/** What a benchmark's command runs. */
export interface BenchCommand {
  /** Name of the task: `bench`. */
  readonly task: string;
  /** What it measures, and what `--quick` leaves out. */
  readonly about: string;
  readonly suite: (options: { readonly quick: boolean }) => Benchmark[];
}

const OPTIONS = `Options:
  -o, --output table|json  How results are printed (default: table)
      --filter TEXT        Only benchmarks whose name contains TEXT, or matches /TEXT/
      --quick              Fewer rounds, and less of what takes long
      --svg FILE           Also draw the ratios
      --list               Print the names and what is compared, run nothing
  -h, --help               Print this help

Exit code: 0 measured or skipped, 1 a benchmark failed, 2 bad use
`;

const ROUNDS = 21;
const QUICK_ROUNDS = 5;

interface Arguments {
  readonly output: "table" | "json";
  readonly filter: string;
  readonly quick: boolean;
  readonly list: boolean;
  readonly help: boolean;
  readonly svg?: string | undefined;
}

/** Reads the command line; throws on what it does not know. */
function readArguments(args: string[]): Arguments {
  const { values } = parseArgs({
    args,
    options: {
      output: { type: "string", short: "o", default: "table" },
      filter: { type: "string", default: "" },
      quick: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
      svg: { type: "string" },
    },
  });
  const { output } = values;
  if (output !== "table" && output !== "json") {
    throw new TypeError(`Cannot print as "${output}": unknown format, expected table or json`);
  }
  return { ...values, output };
}

/** Runs the command and returns its exit code. */
export async function runBenchCommand(command: BenchCommand, args: string[]): Promise<number> {
  const { task, about, suite } = command;
  let options: Arguments;
  let benchmarks: Benchmark[];
  try {
    options = readArguments(args);
    benchmarks = selectBenchmarks(suite({ quick: options.quick }), options.filter);
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    console.error(`Cannot run "${task} ${args.join(" ")}": ${reason}, expected what --help says`);
    return 2;
  }
  const { output, filter, quick, list, help, svg } = options;
  if (help) {
    console.log(`Usage: deno task ${task} [options]\n\n${about}\n\n${OPTIONS.trimEnd()}`);
    return 0;
  }
  if (benchmarks.length === 0) {
    console.error(`Cannot run "${filter}": no such benchmark, expected a part of a name of --list`);
    return 2;
  }
  if (list) {
    for (const { name, about } of benchmarks) console.log(`${name.padEnd(28)}${about}`);
    return 0;
  }

  using progress = new Progress();
  const { results, skipped, failed } = await runBenchmarks(benchmarks, {
    rounds: quick ? QUICK_ROUNDS : ROUNDS,
    progress,
    requireKernel: Deno.env.get("TWINPATH_REQUIRE_KERNEL") === "1",
  });
  progress[Symbol.dispose]();
  if (output === "json") console.log(formatJson(results));
  else if (results.length > 0) console.log(formatTable(results));
  if (svg !== undefined) Deno.writeTextFileSync(svg, formatSvg(results));
  for (const line of skipped) console.error(`skipped ${line}`);
  for (const line of failed) console.error(`failed ${line}`);
  return failed.length === 0 ? 0 : 1;
}
