import { Command, Option } from "commander";
import process from "node:process";
import { styleText } from "node:util";
import { readFiles } from "../cluster/read_files.ts";
import { readObjects } from "../cluster/read_objects.ts";
import { DEATH_STAR } from "../cluster/scenarios/death_star.ts";
import { DemoInputError, type DemoResult, runDemo } from "../demo/demo.ts";
import { missingFeature } from "../demo/missing_feature.ts";
import { type Cell, summarize, TABLE_HEAD, tableRows, type Tone } from "../demo/report.ts";

interface DemoFlags {
  readonly file?: string[];
  readonly namespace: string;
  readonly requireKernel: boolean;
  readonly output: "table" | "json" | "jsonl";
}

/** Exit codes: 128 + the signal's number, as shells report it. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

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
    .option("-n, --namespace <name>", "namespace of objects that name none", "default")
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
  const { inputs, errors: unreadable } = flags.file
    ? await readFiles(flags.file)
    : { inputs: [DEATH_STAR], errors: [] };
  const { objects, errors: invalid } = readObjects(inputs, { defaultNamespace: flags.namespace });
  const errors = [...unreadable, ...invalid];
  for (const { message } of errors) console.error(message);
  if (errors.length > 0) return 2;

  const stop = new AbortController();
  using interrupts = catchInterrupts(stop);
  try {
    const results = await runDemo(objects, { ...printing(flags), signal: stop.signal });
    print(flags, results);
    return results.every(({ match }) => match) ? 0 : 1;
  } catch (error) {
    if (stop.signal.aborted) return SIGNALS[interrupts.caught()];
    if (error instanceof DemoInputError) {
      console.error(error.message);
      return 2;
    }
    const reason = missingFeature(error);
    if (reason === undefined) throw error;
    return skip(flags, reason);
  }
}

/** Turns signals into an orderly end; a second one ends the process at once. */
function catchInterrupts(stop: AbortController) {
  let caught: keyof typeof SIGNALS = "SIGINT";
  const listeners = (["SIGINT", "SIGTERM"] as const).map((signal) => ({
    signal,
    listener: () => {
      if (stop.signal.aborted) Deno.exit(SIGNALS[signal]);
      caught = signal;
      stop.abort(new DOMException(`Interrupted by ${signal}`, "AbortError"));
    },
  }));
  for (const { signal, listener } of listeners) Deno.addSignalListener(signal, listener);
  return {
    caught: () => caught,
    [Symbol.dispose]() {
      for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
    },
  };
}

function skip({ requireKernel, output }: DemoFlags, reason: string): number {
  const line = `The demo is skipped: ${reason}`;
  if (requireKernel) console.error(line);
  else if (output === "table") console.log(line);
  else console.log(JSON.stringify({ kernel: "skipped", reason }));
  return requireKernel ? 2 : 0;
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
  console.log();
  printTable(tableRows(results));
  const { probes, reached, denied, mismatches } = summary;
  const figures = `${probes} probes: ${reached} reached, ${denied} denied, `;
  const verdict = `${mismatches} mismatches with the emulator`;
  console.log(`\n${figures}${mismatches > 0 ? styled(verdict, "alarm") : verdict}`);
}

function printTable(rows: readonly Cell[][]): void {
  const head = TABLE_HEAD.map((text): Cell => ({ text, tone: "plain" }));
  const lines = [head, ...rows];
  const widths = head.map((_, at) => Math.max(...lines.map((row) => row[at]?.text.length ?? 0)));
  for (const row of lines) {
    const cells = row.map(({ text, tone }, at) => styled(text.padEnd(widths[at] ?? 0), tone));
    console.log(cells.join("  ").trimEnd());
  }
}

/** Colours on a terminal only, and not where NO_COLOR asks for none. */
function styled(text: string, tone: Tone): string {
  return tone === "plain" ? text : styleText(STYLES[tone], text, { stream: process.stdout });
}
