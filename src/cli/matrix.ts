import { Command, Option } from "commander";
import type { Answer, Verdict } from "../explain/answer.ts";
import { type End, EndFinder } from "../explain/end_finder.ts";
import { openPairs, type Pair, portPairs } from "../explain/matrix.ts";
import { openText, portRanges, rangeText, type RangeVerdict } from "../explain/open_ports.ts";
import { type FlowPort, formatPort, parsePort } from "../explain/port_text.ts";
import {
  addClusterOptions,
  addOutputOption,
  type ClusterFlags,
  type OutputFormat,
  readCluster,
} from "./cluster_flags.ts";
import { verdictText } from "./colour.ts";
import { BadInputError, EXIT_CODE, type ExitCode } from "./exit_code.ts";
import { openTwin, TWIN_KINDS, type TwinKind } from "./open_twin.ts";
import { formatTable } from "./table.ts";
import { writeText } from "./write_text.ts";

interface MatrixFlags extends ClusterFlags {
  readonly port?: string;
  readonly datapath: TwinKind;
  readonly output: OutputFormat;
}

/** `twinpath matrix`: all pods against all pods. Sets `Deno.exitCode`. */
export function matrixCommand(): Command {
  const command = new Command("matrix")
    .summary("who may talk to whom: all pods against all pods")
    .description(
      "Ask for every pair of pods what becomes of a flow to a port; without --port, which " +
        "ports are open. A workload without pods in the input stands for its pods, on one row; " +
        "its own cell is that of two replicas.",
    );
  addClusterOptions(command)
    .option("--port <port>", "80/TCP, 53/UDP, 8/ICMP (the type), …")
    .addOption(
      new Option("--datapath <twin>", "who answers").choices(TWIN_KINDS).default("emulator"),
    );
  return addOutputOption(command)
    .addHelpText("after", HELP)
    .action(async (flags: MatrixFlags) => {
      Deno.exitCode = await matrix(flags);
    });
}

const HELP = `
Examples:
  twinpath matrix -f manifests/ --port 80/TCP
  twinpath matrix -f manifests/ -o json | jq '.matrix["default/web"]'

Exit code: 0 fine, 2 bad use or bad input (the rest is shown).`;

async function matrix(flags: MatrixFlags): Promise<ExitCode> {
  const port = flags.port === undefined ? undefined : portOf(flags.port);
  const { objects, refused } = await readCluster(flags);
  const ends = new EndFinder(objects, { defaultNamespace: flags.namespace }).pods;
  using twin = await openTwin(flags.datapath, objects);
  if (port !== undefined) {
    await printVerdicts(flags.output, ends, port, portPairs(twin, ends, port));
  } else {
    const rangesOf = (source: End, destination: End) =>
      portRanges([twin.policyOf(source), twin.policyOf(destination)]);
    await printOpen(flags.output, ends, openPairs(twin, ends, rangesOf));
  }
  return refused ? EXIT_CODE.BAD_INPUT : EXIT_CODE.OK;
}

function portOf(text: string): FlowPort {
  try {
    return parsePort(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new BadInputError(cause.message, { cause });
  }
}

/** Cells of the table; `L7` goes to a proxy, which decides. */
const CELLS: Readonly<Record<Verdict, string>> = { allowed: "yes", denied: "-", redirected: "L7" };

async function printVerdicts(
  output: OutputFormat,
  ends: readonly End[],
  port: FlowPort,
  pairs: AsyncIterable<Pair<Answer>>,
): Promise<void> {
  if (output === "table") {
    const cells = await cellsOf(pairs, ({ verdict }) => verdictText(verdict, CELLS[verdict]));
    console.log(`${formatPort(port)}, from the rows to the columns\n`);
    return console.log(tableOf(ends, cells));
  }
  await printPairs(output, { port: formatPort(port) }, pairs, ({ verdict }) => verdict);
}

async function printOpen(
  output: OutputFormat,
  ends: readonly End[],
  pairs: AsyncIterable<Pair<readonly RangeVerdict[]>>,
): Promise<void> {
  if (output === "table") {
    const cells = await cellsOf(pairs, (ranges) => {
      const text = openText(ranges);
      return text === "none" ? verdictText("denied", "-") : verdictText("allowed", text);
    });
    console.log("Open ports, from the rows to the columns\n");
    return console.log(tableOf(ends, cells));
  }
  await printPairs(output, {}, pairs, (ranges) => ({
    allowed: ranges.filter(({ verdict }) => verdict === "allowed").map(rangeText),
    redirected: ranges.filter(({ verdict }) => verdict === "redirected").map(rangeText),
  }));
}

async function cellsOf<T>(
  pairs: AsyncIterable<Pair<T>>,
  cellOf: (result: T) => string,
): Promise<Map<string, string[]>> {
  const rows = new Map<string, string[]>();
  for await (const { source, result } of pairs) {
    const row = rows.get(source.name) ?? [];
    row.push(cellOf(result));
    rows.set(source.name, row);
  }
  return rows;
}

/** Columns have numbers in place of names, which would not fit. */
function tableOf(ends: readonly End[], cells: ReadonlyMap<string, readonly string[]>): string {
  const header = ["", "", ...ends.map((_, i) => String(i + 1))];
  const rows = ends.map(({ name }, i) => [String(i + 1), name, ...cells.get(name) ?? []]);
  return formatTable(header, rows);
}

async function printPairs<T>(
  output: OutputFormat,
  head: Readonly<Record<string, string>>,
  pairs: AsyncIterable<Pair<T>>,
  valueOf: (result: T) => unknown,
): Promise<void> {
  const matrix: Record<string, Record<string, unknown>> = {};
  for await (const { source, destination, result } of pairs) {
    const [from, to] = [source.name, destination.name];
    if (output === "json") (matrix[from] ??= {})[to] = valueOf(result);
    else {
      const value = valueOf(result);
      const fields = typeof value === "string" ? { verdict: value } : value as object;
      await writeText(`${JSON.stringify({ from, to, ...head, ...fields })}\n`);
    }
  }
  if (output === "json") await writeText(`${JSON.stringify({ ...head, matrix }, null, 2)}\n`);
}
