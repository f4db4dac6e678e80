import { Command, Option } from "commander";
import process from "node:process";
import { styleText } from "node:util";
import { DemoInputError, runDemo } from "../demo/demo.ts";
import { missingFeature } from "../demo/missing_feature.ts";
import { summarize, TABLE_HEAD, tableRows, type Tone } from "../demo/report.ts";
import type { DemoResult } from "../demo/result.ts";
import { BadInputError, EXIT_CODE } from "./exit_code.ts";
import { catchInterrupts } from "./interrupts.ts";
import { loadScenario } from "./load_scenario.ts";
import { formatTable } from "./table.ts";

interface DemoFlags {
  readonly file?: string[];
  readonly requireKernel: boolean;
  readonly output: "table" | "json" | "jsonl";
}

const STYLES: Readonly<Record<Tone, Parameters<typeof styleText>[0]>> = {
  good: "green",
  bad: "yellow",
  plain: "reset",
  alarm: ["red", "bold"],
};

/**
 * `twinpath demo`: real traffic between the pods of a cluster, enforced by the programs in the
 * kernel, beside the emulator's prediction. Sets `Deno.exitCode`.
 */
export function demoCommand(): Command {
  return new Command("demo")
    .summary("real pods' traffic through the programs, in network namespaces of its own")
    .description(
      "Make each pod a network namespace, attach the BPF programs, and let every pod try every " +
        "other over TCP, UDP and ping. Shows who reached whom beside the emulator's prediction. " +
        "Needs root and Linux 6.6; leaves nothing behind.",
    )
    .option("-f, --file <path...>", "manifests: files, folders or - (default: the Death Star)")
    .option("--require-kernel", "fail where the kernel or a privilege is missing", false)
    .addOption(
      new Option("-o, --output <format>", "how to print").choices(["table", "json", "jsonl"])
        .default("table"),
    )
    .addHelpText(
      "after",
      "\nExit code: 0 fine or skipped, 1 a mismatch, 2 bad input (or skipped with " +
        "--require-kernel), 130 and 143 interrupted.",
    )
    .action(async (flags: DemoFlags) => {
      Deno.exitCode = await demo(flags);
    });
}

async function demo(flags: DemoFlags): Promise<number> {
  const stop = new AbortController();
  using interrupts = catchInterrupts(stop);
  try {
    const { scenario, refused } = await loadScenario(flags.file ?? []);
    const { results, notes } = await runDemo(scenario, {
      ...printing(flags),
      signal: stop.signal,
    });
    for (const note of notes) console.error(note);
    print(flags, results);
    if (!results.every(({ match }) => match)) return EXIT_CODE.NO;
    return refused ? EXIT_CODE.BAD_INPUT : EXIT_CODE.OK;
  } catch (error) {
    if (stop.signal.aborted) return interrupts.exitCode();
    if (error instanceof DemoInputError) throw new BadInputError(error.message, { cause: error });
    const reason = missingFeature(error);
    if (reason === undefined) throw error;
    return skip(flags, reason);
  }
}

function skip({ requireKernel, output }: DemoFlags, reason: string): number {
  const line = `The demo is skipped: ${reason}`;
  if (requireKernel) console.error(line);
  else if (output === "table") console.log(line);
  else console.log(JSON.stringify({ kernel: "skipped", reason }));
  return requireKernel ? EXIT_CODE.BAD_INPUT : EXIT_CODE.OK;
}

function printing({ output }: DemoFlags) {
  if (output === "json") return {};
  const onEvent = (sentence: string, denied: boolean) => {
    const line = output === "jsonl" ? JSON.stringify({ event: sentence }) : undefined;
    console.log(line ?? styled(sentence, denied ? "bad" : "good"));
  };
  return { onEvent };
}

function print({ output }: DemoFlags, results: readonly DemoResult[]): void {
  const summary = summarize(results);
  if (output === "json") return console.log(JSON.stringify({ ...summary, results }, null, 2));
  if (output === "jsonl") {
    for (const result of results) console.log(JSON.stringify(result));
    return console.log(JSON.stringify(summary));
  }
  const rows = tableRows(results).map((row) => row.map(({ text, tone }) => styled(text, tone)));
  console.log(`\n${formatTable(TABLE_HEAD, rows)}\n`);
  const { probes, reached, denied, mismatches } = summary;
  const verdict = `${mismatches} mismatches with the emulator`;
  console.log(
    `${probes} probes: ${reached} reached, ${denied} denied, ` +
      styled(verdict, mismatches > 0 ? "alarm" : "plain"),
  );
}

/** Colours on a terminal only, and not where NO_COLOR asks for none. */
function styled(text: string, tone: Tone): string {
  return tone === "plain" ? text : styleText(STYLES[tone], text, { stream: process.stdout });
}
