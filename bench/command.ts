/**
 * The command line of a benchmark: options, progress, results.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { Benchmark } from "./benchmark.ts";
import { goalTable, isMet } from "./goal.ts";
import { formatSvg } from "./plot.ts";
import { Progress } from "./progress.ts";
import { type BenchResult, formatJson, resultTable, resultTableWithGoals } from "./result.ts";
import { runBenchmarks, selectBenchmarks } from "./run.ts";
import { formatMarkdown, formatText, type TextTable } from "./text_table.ts";

/** What a benchmark's command runs. */
export interface BenchCommand {
  /** Name of the task: `bench`. */
  readonly task: string;
  /** What it measures, and what `--quick` leaves out. */
  readonly about: string;
  readonly suite: (options: { readonly quick: boolean }) => Benchmark[];
  /** The same figures for people, as a second table. */
  readonly report?: (results: readonly BenchResult[]) => TextTable;
  /** How they are drawn, as an SVG document. @default {the ratios, as bars} */
  readonly draw?: (results: readonly BenchResult[]) => string;
}

const OPTIONS = `Options:
  -o, --output FORMAT  How results are printed: table (default), json or markdown
      --filter TEXT    Only benchmarks whose name contains TEXT, or matches /TEXT/
      --quick          Fewer rounds, and less of what takes long
      --assert         Exit with 1 where a figure is not what is asked of it
      --svg FILE       Also draw them
      --list           Print the names and what is compared, run nothing
  -h, --help           Print this help

Exit code: 0 measured or skipped, 1 a benchmark failed or --assert found a figure short, 2 bad use
`;

const ROUNDS = 21;
const QUICK_ROUNDS = 5;

type Format = "table" | "json" | "markdown";
const FORMATS: readonly Format[] = ["table", "json", "markdown"];

interface Arguments {
  readonly output: Format;
  readonly filter: string;
  readonly quick: boolean;
  readonly assert: boolean;
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
      assert: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
      svg: { type: "string" },
    },
  });
  const output = FORMATS.find((format) => format === values.output);
  if (output !== undefined) return { ...values, output };
  throw new TypeError(
    `Cannot print as "${values.output}": unknown format, expected one of ${FORMATS.join(", ")}`,
  );
}

/** The results as they are printed; empty if there is nothing to print. */
function format(output: Format, results: readonly BenchResult[], { report }: BenchCommand): string {
  if (output === "json") return formatJson(results);
  const reports = report ? [report(results)] : [];
  const [tables, formatOne] = output === "table"
    ? [[resultTable(results), ...reports, goalTable(results)], formatText] as const
    : [[resultTableWithGoals(results), ...reports], formatMarkdown] as const;
  return tables.filter(({ rows }) => rows.length > 0).map(formatOne).join("\n\n");
}

/** Runs the command and returns its exit code. */
export async function runBenchCommand(command: BenchCommand, args: string[]): Promise<number> {
  const { task, about, suite, draw = formatSvg } = command;
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
  const printed = format(output, results, command);
  if (printed !== "") console.log(printed);
  if (svg !== undefined) Deno.writeTextFileSync(svg, draw(results));
  for (const line of skipped) console.error(`skipped ${line}`);
  for (const line of failed) console.error(`failed ${line}`);
  const short = options.assert ? results.filter((result) => isMet(result) === false) : [];
  for (const { name } of short) console.error(`short of what is asked: ${name}`);
  return failed.length + short.length === 0 ? 0 : 1;
}
