/**
 * `deno task bench`: ratios of the datapath's lookups to their baselines, measured side by
 * side in one run. Figures of two runs are not comparable; ratios are.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { Progress } from "./progress.ts";
import { formatJson, formatTable } from "./result.ts";
import { runBenchmarks, selectBenchmarks } from "./run.ts";
import { suite } from "./suite.ts";

const HELP = `Usage: deno task bench [options]

Measures the datapath's lookups and their baselines side by side.
A ratio above 1 means faster than the baseline.

Options:
  -o, --output table|json  How results are printed (default: table)
      --filter TEXT        Only benchmarks whose name contains TEXT, or matches /TEXT/
      --quick              Fewer rounds, and 6 policies in place of 60
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
    },
  });
  const { output } = values;
  if (output !== "table" && output !== "json") {
    throw new TypeError(`Cannot print as "${output}": unknown format, expected table or json`);
  }
  return { ...values, output };
}

/** Runs the command and returns its exit code. */
async function main(args: string[]): Promise<number> {
  let options: Arguments;
  let benchmarks: ReturnType<typeof suite>;
  try {
    options = readArguments(args);
    benchmarks = selectBenchmarks(suite({ quick: options.quick }), options.filter);
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    console.error(`Cannot run "bench ${args.join(" ")}": ${reason}, expected what --help says`);
    return 2;
  }
  const { output, filter, quick, list, help } = options;
  if (help) {
    console.log(HELP.trimEnd());
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
  for (const line of skipped) console.error(`skipped ${line}`);
  for (const line of failed) console.error(`failed ${line}`);
  return failed.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
