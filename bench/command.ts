/**
 * The command line of a benchmark: options, progress, results.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { Benchmark } from "./benchmark.ts";
import { formatGoals, isMet } from "./goal.ts";
import { formatSvg } from "./plot.ts";
import { Progress } from "./progress.ts";
import { type BenchResult, formatJson, formatMarkdown, formatTable } from "./result.ts";
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
  -o, --output FORMAT  How results are printed: table (default), json or markdown
      --filter TEXT    Only benchmarks whose name contains TEXT, or matches /TEXT/
      --quick          Fewer rounds, and less of what takes long
      --assert         Exit with 1 where a figure is not what is asked of it
      --svg FILE       Also draw the ratios
      --list           Print the names and what is compared, run nothing
  -h, --help           Print this help

Exit code: 0 measured or skipped, 1 a benchmark failed or --assert found a figure short, 2 bad use
`;

const ROUNDS = 21;
const QUICK_ROUNDS = 5;

const FORMATS = {
  table: (results: readonly BenchResult[]) =>
    [formatTable(results), formatGoals(results)].filter((table) => table !== "").join("\n\n"),
  json: formatJson,
  markdown: formatMarkdown,
};

interface Arguments {
  readonly output: keyof typeof FORMATS;
  readonly filter: string;
  readonly quick: boolean;
  readonly assert: boolean;
  readonly list: boolean;
  readonly help: boolean;
  readonly svg?: string | undefined;
}

function isFormat(name: string): name is keyof typeof FORMATS {
  return Object.hasOwn(FORMATS, name);
}

/** Reads the command line; throws on what it does not know. */
function readArguments(args: string[]): Arguments {
  const { values } = parseArgs({
    args,
    options: {
      output: { type: "string", short: "o", default: "table" },
      filter: { type: "string", default: "" },
      quick: { type: "boolean", default: false },
      assert: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
      svg: { type: "string" },
    },
  });
  const { output } = values;
  if (!isFormat(output)) {
    const known = Object.keys(FORMATS).join(", ");
    throw new TypeError(`Cannot print as "${output}": unknown format, expected one of ${known}`);
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
  if (output === "json" || results.length > 0) console.log(FORMATS[output](results));
  if (svg !== undefined) Deno.writeTextFileSync(svg, formatSvg(results));
  for (const line of skipped) console.error(`skipped ${line}`);
  for (const line of failed) console.error(`failed ${line}`);
  const short = options.assert ? results.filter((result) => isMet(result) === false) : [];
  for (const { name } of short) console.error(`short of what is asked: ${name}`);
  return failed.length + short.length === 0 ? 0 : 1;
}
