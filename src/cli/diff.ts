import { Command, Option } from "commander";
import { readFiles, type ReadFilesResult } from "../cluster/read_files.ts";
import { type Change, changedPairs, type DiffEnd } from "../explain/diff.ts";
import { EndFinder } from "../explain/end_finder.ts";
import { rangeText } from "../explain/open_ports.ts";
import type { Answer } from "../explain/answer.ts";
import { answerFields } from "./answer_text.ts";
import {
  addOutputOption,
  type ClusterInput,
  type OutputFormat,
  readManifests,
} from "./cluster_flags.ts";
import { verdictText } from "./colour.ts";
import { type ChangedFlow, changedFlows } from "./diff_flows.ts";
import { BadInputError, EXIT_CODE, type ExitCode } from "./exit_code.ts";
import { openTwin, TWIN_KINDS, type TwinKind } from "./open_twin.ts";
import { rulesText } from "./rule_text.ts";
import { formatTable } from "./table.ts";
import { writeText } from "./write_text.ts";

interface DiffFlags {
  readonly before: string[];
  readonly after: string[];
  readonly file?: string[];
  readonly flows?: string;
  readonly namespace: string;
  readonly lenient: boolean;
  readonly datapath: TwinKind;
  readonly output: OutputFormat;
}

/** `twinpath diff`: what a change of policy changes. Sets `Deno.exitCode`. */
export function diffCommand(): Command {
  const command = new Command("diff")
    .summary("what a change of policy changes, before it is made")
    .description(
      "Compare two states of a cluster: every pair of pods (and host and world) whose verdict " +
        "changes, on which ports, with the rules before and after. With --flows, flows that " +
        "Hubble recorded instead of all pairs.",
    )
    .requiredOption("--before <path...>", "manifests as they are: files, folders or -")
    .requiredOption("--after <path...>", "manifests as they shall be")
    .option("-f, --file <path...>", "manifests that are the same in both")
    .option("--flows <file>", "flows to try: hubble observe -o jsonpb, from a file or -")
    .option("-n, --namespace <name>", "namespace of what names none", "default")
    .option("--lenient", "unknown fields are warnings", false)
    .addOption(
      new Option("--datapath <twin>", "who answers").choices(TWIN_KINDS).default("emulator"),
    );
  return addOutputOption(command)
    .addHelpText("after", HELP)
    .action(async (flags: DiffFlags) => {
      Deno.exitCode = await diff(flags);
    });
}

const HELP = `
Examples:
  twinpath diff -f cluster.yaml --before policies/ --after new-policies/
  hubble observe --last 10000 -o jsonpb | twinpath diff --before a/ --after b/ --flows -

Exit code: 0 nothing changes, 1 something does, 2 bad use or bad input.`;

async function diff(flags: DiffFlags): Promise<ExitCode> {
  const { before: old, after: now, file = [], flows, datapath, namespace } = flags;
  if ([...old, ...now, ...file, ...(flows ?? "").split(" ")].filter((p) => p === "-").length > 1) {
    throw new BadInputError(`Cannot read "-": asked for twice, expected once`);
  }
  const common = await readFiles(file);
  const was = await read(common, old, flags);
  const is = await read({ ...common, errors: [] }, now, flags);
  const finders = {
    before: new EndFinder(was.objects, { defaultNamespace: namespace }),
    after: new EndFinder(is.objects, { defaultNamespace: namespace }),
  };
  using before = await openTwin(datapath, was.objects);
  using after = await openTwin(datapath, is.objects);
  let refused = was.refused || is.refused;
  let count = 0;
  const printer = PRINTERS[flags.output]();
  if (flows === undefined) {
    for await (const change of changedPairs(before, after, endsOf(finders))) {
      count++;
      await printer.pair(change);
    }
  } else {
    const told = await changedFlows(flows, finders, { before, after }, async (flow) => {
      count++;
      await printer.flow(flow);
    });
    refused ||= told.wrong;
  }
  await printer.end(count);
  if (refused) return EXIT_CODE.BAD_INPUT;
  return count === 0 ? EXIT_CODE.OK : EXIT_CODE.NO;
}

async function read(
  common: ReadFilesResult,
  paths: readonly string[],
  flags: DiffFlags,
): Promise<ClusterInput> {
  const { inputs, errors } = await readFiles(paths);
  return readManifests([...common.inputs, ...inputs], flags, [...common.errors, ...errors]);
}

/** Pods of both states by name, and who else there is. */
function endsOf({ before, after }: { before: EndFinder; after: EndFinder }): DiffEnd[] {
  const now = new Map(after.pods.map((end) => [end.name, end]));
  const pods: DiffEnd[] = [];
  for (const end of before.pods) {
    const later = now.get(end.name);
    now.delete(end.name);
    if (later === undefined) console.error(`note: ${end.name} is there before only`);
    else pods.push({ name: end.name, before: end, after: later });
  }
  for (const name of now.keys()) console.error(`note: ${name} is there after only`);
  const others = ["host", "world"].map((name) => ({
    name,
    before: before.find(name),
    after: after.find(name),
    outside: true,
  }));
  return [...pods, ...others];
}

interface Printer {
  pair(change: Change): Promise<void>;
  flow(change: ChangedFlow): Promise<void>;
  end(count: number): Promise<void>;
}

const PRINTERS: Readonly<Record<OutputFormat, () => Printer>> = {
  jsonl: () => ({
    pair: (change) => writeText(`${pairJson(change)}\n`),
    flow: (change) => writeText(`${flowJson(change)}\n`),
    end: () => Promise.resolve(),
  }),
  json: () => {
    const texts: string[] = [];
    const add = (text: string) => {
      texts.push(text);
      return Promise.resolve();
    };
    return {
      pair: (change) => add(pairJson(change)),
      flow: (change) => add(flowJson(change)),
      end: () => writeText(`{"changes":[${texts.map((text) => `\n${text}`).join(",")}]}\n`),
    };
  },
  table: () => {
    const rows: string[][] = [];
    const add = (from: string, to: string, ports: string, was: Answer, is: Answer) => {
      rows.push([from, to, ports, changeText(was, is), whyText(was), whyText(is)]);
      return Promise.resolve();
    };
    return {
      pair: ({ from, to, ports, before, after }) =>
        add(from, to, ports.map(rangeText).join(" "), before, after),
      flow: ({ from, to, port, before, after }) => add(from, to, port, before, after),
      end: async (count) => {
        const header = ["FROM", "TO", "PORTS", "VERDICT", "BEFORE", "AFTER"];
        if (count > 0) await writeText(`${formatTable(header, rows)}\n\n`);
        const total = `${count} ${count === 1 ? "change" : "changes"}\n`;
        await writeText(count === 0 ? "Nothing changes\n" : total);
      },
    };
  },
};

function pairJson({ from, to, ports, before, after }: Change): string {
  const head = JSON.stringify({ from, to, ports: ports.map(rangeText) }).slice(0, -1);
  return `${head},"before":{${answerFields(before)}},"after":{${answerFields(after)}}}`;
}

function flowJson({ from, to, port, flows, before, after }: ChangedFlow): string {
  const head = JSON.stringify({ from, to, port, flows }).slice(0, -1);
  return `${head},"before":{${answerFields(before)}},"after":{${answerFields(after)}}}`;
}

function changeText(before: Answer, after: Answer): string {
  return `${before.verdict} → ${verdictText(after.verdict)}`;
}

/** The rules that count: of the sides that deny, if one does. */
function whyText({ verdict, egress, ingress }: Answer): string {
  const sides = [egress, ingress].filter((side) =>
    verdict !== "denied" || side.verdict === verdict
  );
  const rules = sides.flatMap((side) => side.rules);
  return rules.length === 0 ? verdict === "denied" ? "no rule" : "no policy" : rulesText(rules);
}
