import type { CollectionSpec } from "ebpf-ts-loader";
import { join } from "node:path";
import type { IpAddress } from "../cluster/ip_address.ts";
import type { EnforcementMode } from "../policy/settings.ts";
import type { NodeState } from "../datapath/datapath.ts";
import { readEmulatorWasm } from "../datapath/emulator_file.ts";
import { measureMutation } from "../verify/mutation/mutate.ts";
import type { BatchMismatch } from "../verify/class_run.ts";
import { replayPackets } from "../verify/replay.ts";
import {
  type ImageFault,
  MANIFESTS_FILE,
  optionsOfView,
  parseReproducer,
  type Reproducer,
  REPRODUCER_FILE,
  reproducerFiles,
} from "../verify/reproducer.ts";
import type { Scenario } from "../verify/scenario.ts";
import type { ScenarioOptions } from "../verify/scenario_options.ts";
import { type Asked, askedInAll, type Comparison } from "../verify/compare.ts";
import { nodeWithSubjectPolicy, ROW_NODE, ROW_NODES } from "../verify/row_node.ts";
import { type RowReport, runPolicyFlows, runRows } from "../verify/row_run.ts";
import { type PacketTable, packetTables } from "../verify/rows/packet_tables.ts";
import { openComparison } from "../verify/verify.ts";
import { Datapaths } from "./datapaths.ts";
import { printMutation, printSkipped } from "./mutate_report.ts";
import { BadInputError, EXIT_CODE, type ExitCode } from "./exit_code.ts";
import { isFuzzReproducer, runFuzzReplay } from "./fuzz_run.ts";
import { clusterOf, loadCluster, scenarioOf } from "./load_scenario.ts";
import { Progress } from "./progress.ts";
import { printReplay, printVerify } from "./verify_report.ts";
import { chosenViews, injectFault, verifyViews } from "./verify_views.ts";

/** Random flows without `--random`. */
export const DEFAULT_RANDOM_FLOWS = 1_000_000;

/** Options of `twinpath verify`, as commander gives them. */
export interface VerifyFlags {
  readonly file?: string[];
  readonly random: number;
  readonly seed?: number;
  readonly classes?: number;
  readonly node?: string[];
  readonly enforcement: EnforcementMode;
  readonly allowLocalhost: boolean;
  readonly cidrMatchesNodes: boolean;
  /** Names, each with its addresses. */
  readonly dns: readonly (readonly [string, readonly IpAddress[]])[];
  readonly audit: boolean;
  readonly mutate: boolean;
  readonly requireKernel: boolean;
  readonly repro?: string;
  readonly reproOut: string;
  readonly fault?: ImageFault;
  readonly output: "table" | "json" | "jsonl";
  /** The datapath object, if not the committed one. */
  readonly spec?: CollectionSpec;
}

/** Runs `twinpath verify` and returns its exit code. */
export async function runVerify(flags: VerifyFlags): Promise<ExitCode> {
  const { repro } = flags;
  if (repro !== undefined && await isFuzzReproducer(repro)) {
    return await runFuzzReplay(repro, flags.output);
  }
  if (repro !== undefined) return await replay(flags, repro);
  if (flags.mutate) return await mutate(flags);
  const cluster = await loadCluster(flags.file ?? []);
  const views = chosenViews(cluster, flags.node);
  using datapaths = await openDatapaths(flags);
  const rows = await runRowNode(datapaths);
  const seed = flags.seed ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const { random, classes, fault } = flags;
  const report = await verifyViews(cluster, datapaths, {
    scenario: scenarioOptions(flags),
    views,
    random,
    classes,
    seed,
    fault,
  });
  const { scenario } = report;
  const [first] = [...rows.mismatches, ...report.mismatches];
  const reproducer = first && await writeReproducer(scenario, first, seed, flags);
  const { refused } = cluster;
  const { reason } = datapaths;
  const asked = askedInAll([report.asked, rows.asked]);
  printVerify(flags.output, { scenario, rows, report, asked, reason, reproducer, refused });
  return exitCodeOf({ mismatches: first === undefined ? 0 : 1, refused });
}

/** Opinions that differ are wrong whatever could not be read. */
function exitCodeOf({ mismatches, refused }: { mismatches: number; refused: boolean }): ExitCode {
  if (mismatches > 0) return EXIT_CODE.NO;
  return refused ? EXIT_CODE.BAD_INPUT : EXIT_CODE.OK;
}

function scenarioOptions(
  { enforcement, allowLocalhost, cidrMatchesNodes, dns, audit }: VerifyFlags,
): Omit<ScenarioOptions, "node"> {
  return {
    settings: { enforcement, allowLocalhost, cidrMatchesNodes },
    names: new Map(dns),
    audit,
  };
}

/** Per cent of mutants that must be killed. */
const PASSING_SCORE = 95;

async function mutate({ output, requireKernel }: VerifyFlags): Promise<ExitCode> {
  const reason = await whyNoKernel();
  if (reason !== undefined) {
    if (requireKernel) throw new BadInputError(`Cannot mutate the kernel's programs: ${reason}`);
    printSkipped(output, reason);
    return EXIT_CODE.OK;
  }
  const report = await measureWithProgress();
  printMutation(output, report);
  return report.score >= PASSING_SCORE ? EXIT_CODE.OK : EXIT_CODE.NO;
}

async function whyNoKernel(): Promise<string | undefined> {
  using datapaths = await Datapaths.open();
  return datapaths.reason;
}

async function measureWithProgress() {
  using progress = new Progress();
  return await measureMutation(
    await readEmulatorWasm(),
    (stage, done, total) => progress.update(stage, done, total),
  );
}

async function openDatapaths({ spec, requireKernel, fault }: VerifyFlags): Promise<Datapaths> {
  const datapaths = await Datapaths.open(spec);
  if (datapaths.reason === undefined) return datapaths;
  const wanted = requireKernel || fault?.datapath === "kernel";
  if (!wanted) return datapaths;
  datapaths[Symbol.dispose]();
  throw new BadInputError(`Cannot verify in the kernel: ${datapaths.reason}`);
}

/** What does not depend on the scenario, and how often opinions were asked about it. */
interface TableReport extends RowReport {
  readonly asked: Asked;
}

/** What does not depend on the scenario: the packet table, and profiles of every kind. */
async function runRowNode(datapaths: Datapaths): Promise<TableReport> {
  const reports = [await runPacketTables(datapaths, packetTables())];
  for (const policy of ROW_NODE.policies) {
    const run = (comparison: Comparison) => runPolicyFlows(policy, comparison);
    reports.push(await runOn(nodeWithSubjectPolicy(policy.number), datapaths, run));
  }
  return addedUp(reports);
}

function addedUp(reports: readonly TableReport[]): TableReport {
  return {
    rows: reports.reduce((sum, { rows }) => sum + rows, 0),
    packets: reports.reduce((sum, { packets }) => sum + packets, 0),
    mismatches: reports.flatMap(({ mismatches }) => mismatches),
    asked: askedInAll(reports.map(({ asked }) => asked)),
  };
}

async function runPacketTables(
  datapaths: Datapaths,
  tables: readonly PacketTable[],
): Promise<TableReport> {
  const reports: TableReport[] = [];
  for (const { node, rows } of tables) {
    const run = (comparison: Comparison) => runRows(rows, comparison);
    reports.push(await runOn(ROW_NODES[node], datapaths, run));
  }
  return addedUp(reports);
}

/** Loads a node of the packet table, of whose entries no rule is the origin, and runs packets. */
async function runOn(
  node: NodeState,
  datapaths: Datapaths,
  run: (comparison: Comparison) => RowReport,
): Promise<TableReport> {
  await datapaths.load(node);
  const { memory, all } = datapaths;
  const comparison = openComparison({ rulesOf: () => [], node }, memory, all);
  return { ...run(comparison), asked: comparison.asked };
}

async function writeReproducer(
  scenario: Scenario,
  mismatch: BatchMismatch,
  seed: number,
  { reproOut, fault }: VerifyFlags,
): Promise<string> {
  await Deno.mkdir(reproOut, { recursive: true });
  for (const { name, content } of reproducerFiles(scenario, mismatch, { seed, fault })) {
    const path = join(reproOut, name);
    if (typeof content === "string") await Deno.writeTextFile(path, content);
    else await Deno.writeFile(path, content);
  }
  return reproOut;
}

async function replay(flags: VerifyFlags, folder: string): Promise<ExitCode> {
  const reproducer = await readReproducer(folder);
  const text = await readText(folder, MANIFESTS_FILE);
  const { fault, view } = reproducer;
  const cluster = clusterOf([{ name: join(folder, MANIFESTS_FILE), text }]);
  const compiled = await scenarioOf(cluster, optionsOfView(view));
  const scenario = view.proxies === false ? compiled.withoutProxies() : compiled;
  using datapaths = await openDatapaths({ ...flags, ...(fault && { fault }) });
  const wanted = new Set(reproducer.rows);
  const tables = packetTables().map(({ node, rows }) => ({
    node,
    rows: rows.filter(({ description }) => wanted.has(description)),
  }));
  const table = await runPacketTables(datapaths, tables);
  await datapaths.load(scenario.node);
  injectFault(datapaths, fault);
  const again = replayOf(scenario, reproducer, datapaths);
  const mismatches = [...table.mismatches, ...again.mismatches];
  const packets = table.packets + reproducer.packets.length;
  const asked = askedInAll([table.asked, again.asked]);
  printReplay(flags.output, { mismatches, packets, asked, reason: datapaths.reason });
  return exitCodeOf({ mismatches: mismatches.length, refused: cluster.refused });
}

function replayOf(scenario: Scenario, reproducer: Reproducer, { memory, all }: Datapaths) {
  try {
    return replayPackets(scenario, reproducer, memory, all);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new BadInputError(cause.message, { cause });
  }
}

async function readReproducer(folder: string): Promise<Reproducer> {
  const text = await readText(folder, REPRODUCER_FILE);
  try {
    return parseReproducer(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    const path = join(folder, REPRODUCER_FILE);
    throw new BadInputError(`Cannot read "${path}": ${cause.message}, expected a reproducer`, {
      cause,
    });
  }
}

async function readText(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BadInputError(`Cannot read "${path}": ${reason}, expected a reproducer folder`, {
      cause,
    });
  }
}
