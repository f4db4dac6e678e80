import { Command } from "commander";
import type { CompiledCluster } from "../explain/compiled_cluster.ts";
import { type End, EndFinder, UnknownEndError } from "../explain/end_finder.ts";
import { identityText } from "../explain/identity_text.ts";
import { type ImageUse, imageUse, nodePressure, type Pressure } from "../explain/policy_map.ts";
import { rangeText } from "../explain/open_ports.ts";
import type { PolicyTables } from "../explain/policy_tables.ts";
import { lastPortOf, type MapStateEntry, matchTypeOf, PROTOCOL } from "../policy/map_state.ts";
import type { Policy } from "../policy/snapshot.ts";
import {
  addClusterOptions,
  addOutputOption,
  type ClusterFlags,
  type OutputFormat,
  readCluster,
} from "./cluster_flags.ts";
import { coloured } from "./colour.ts";
import { compileInput } from "./compiled_input.ts";
import { BadInputError, EXIT_CODE, type ExitCode } from "./exit_code.ts";
import { rulesText } from "./rule_text.ts";
import { formatTable } from "./table.ts";
import { writeText } from "./write_text.ts";

interface PolicymapFlags extends ClusterFlags {
  readonly pod?: string;
  readonly output: OutputFormat;
}

/** `twinpath policymap`: what endpoints get in their tables. Sets `Deno.exitCode`. */
export function policymapCommand(): Command {
  const command = new Command("policymap")
    .summary("the entries that an endpoint gets, and how full its tables are")
    .description(
      "Show the policy map of a pod: every entry with the rules behind it, how it is laid out " +
        "(profiles, size of the image), and how near the limits it is. Without --pod every " +
        "policy on one line, and the limits of a node.",
    );
  addClusterOptions(command).option("--pod <pod>", "namespace/pod, or labels of a supposed one");
  return addOutputOption(command)
    .addHelpText("after", HELP)
    .action(async (flags: PolicymapFlags) => {
      Deno.exitCode = await policymap(flags);
    });
}

const HELP = `
Examples:
  twinpath policymap -f cluster.yaml
  twinpath policymap -f cluster.yaml --pod shop/db -o jsonl

Exit code: 0 everything fits, 1 a policy does not, 2 bad use or bad input (the rest is shown).`;

async function policymap(flags: PolicymapFlags): Promise<ExitCode> {
  const input = await readCluster(flags);
  const finder = new EndFinder(input.objects, { defaultNamespace: flags.namespace });
  const end = flags.pod === undefined ? undefined : find(flags.pod, finder);
  using compiled = await compileInput(input);
  const { cluster, tables } = compiled;
  await cluster.add(finder.takeSupposed());
  const fits = end === undefined
    ? await printAll(flags.output, cluster, tables)
    : await printOne(flags.output, end, cluster, tables);
  if (input.refused) return EXIT_CODE.BAD_INPUT;
  return fits ? EXIT_CODE.OK : EXIT_CODE.NO;
}

function find(text: string, finder: EndFinder): End {
  try {
    return finder.find(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError) && !(cause instanceof UnknownEndError)) throw cause;
    throw new BadInputError(cause.message, { cause });
  }
}

/** Entries that a terminal is given; JSON has all. */
const MOST_ROWS = 200;

async function printOne(
  output: OutputFormat,
  end: End,
  cluster: CompiledCluster,
  tables: PolicyTables,
): Promise<boolean> {
  const policy = cluster.policyOf(end);
  if (policy === undefined) {
    throw new BadInputError(
      `Cannot show the policy map of "${end.name}": it has none, expected a pod`,
    );
  }
  const use = useOf(policy, tables);
  const { number, revision, subject, enforced } = policy;
  const entries = policy.mapState.entries.map((entry) => entryOf(entry, cluster));
  const head = {
    pod: end.name,
    policy: number,
    revision,
    identity: subject.id,
    enforced,
    ...useFields(use),
  };
  if (output === "json") {
    await writeText(`${JSON.stringify({ ...head, entries }, null, 2)}\n`);
  } else if (output === "jsonl") {
    for (const entry of entries) await writeText(`${JSON.stringify(entry)}\n`);
  } else {
    console.log(`${end.name}: policy ${number}, identity ${subject.id} (${identityText(subject)})`);
    console.log(`Ingress is ${stateOf(enforced.ingress)}, egress is ${stateOf(enforced.egress)}\n`);
    const rows = entries.slice(0, MOST_ROWS).map((entry) => [
      entry.direction,
      entry.peer,
      entry.port,
      entry.verdict,
      entry.match,
      entry.rules.length === 0 ? "no policy" : rulesText(entry.rules),
    ]);
    console.log(formatTable(["DIRECTION", "PEER", "PORT", "VERDICT", "MATCH", "RULES"], rows));
    const more = entries.length - rows.length;
    if (more > 0) console.log(`… and ${more} more entries (-o json prints all)`);
    console.log();
    printUse(use);
  }
  return "image" in use;
}

function stateOf(enforced: boolean): string {
  return enforced ? "closed but for these entries" : "open";
}

const MATCHES = { 1: "L3", 2: "L3/L4", 3: "L4", 4: "all", 5: "L3/proto", 6: "proto" } as const;

function entryOf(entry: MapStateEntry, cluster: CompiledCluster) {
  const { direction, identity, protocol, port, portPrefix, verdict, precedence, cookie } = entry;
  const { authType, redirect } = entry;
  const known = cluster.engine.selectors.identities.get(identity);
  return {
    direction,
    identity,
    peer: identity === BROAD ? "everyone" : known === undefined ? "" : identityText(known),
    port: portText(entry),
    protocol,
    firstPort: port,
    portPrefix,
    verdict,
    ...(redirect === undefined ? {} : { redirect: cluster.redirectOf(redirect) }),
    match: MATCHES[matchTypeOf(entry, BROAD)],
    precedence,
    authType,
    rules: cluster.rulesOf(cookie),
  };
}

/** The identity that stands for every peer in the 1.19 profile. */
const BROAD = 0;

function portText(entry: MapStateEntry): string {
  if (entry.protocol === PROTOCOL.ANY) return "any";
  return rangeText({ protocol: entry.protocol, first: entry.port, last: lastPortOf(entry) });
}

/** How a policy is laid out, or why it does not fit. */
type Use = { readonly image: ImageUse } | { readonly overflow: string };

function useOf(policy: Policy, tables: PolicyTables): Use {
  try {
    const { image } = tables.get(policy) ?? tables.add(policy);
    return { image: imageUse(image) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { overflow: error.message };
  }
}

function useFields(use: Use) {
  if ("overflow" in use) return { overflow: use.overflow };
  const { sizeClass, bytes, profiles, pressure, limit } = use.image;
  return { image: { sizeClass, bytes, profiles, pressure, limit } };
}

function printUse(use: Use): void {
  if ("overflow" in use) return console.log(coloured("red", use.overflow));
  const { sizeClass, bytes, profiles, pressure, limit } = use.image;
  console.log(`${profiles} profiles, image of class ${sizeClass} (${bytes >> 10} KiB)\n`);
  const rows = pressure.map(({ name, ...own }, i) => [
    name,
    ...shares(own),
    ...shares(limit[i] ?? own),
  ]);
  console.log(formatTable(["WHAT", `CLASS ${sizeClass}`, "", "LIMIT", ""], rows));
}

/** From here on a share is shown as a warning. */
const HIGH = 0.8;

function shares({ used, limit }: Pick<Pressure, "used" | "limit">): string[] {
  const share = `${(100 * used / limit).toFixed(1)} %`;
  return [`${used} of ${limit}`, used > HIGH * limit ? coloured("red", share) : share];
}

async function printAll(
  output: OutputFormat,
  cluster: CompiledCluster,
  tables: PolicyTables,
): Promise<boolean> {
  const { snapshot } = cluster;
  const names = new Map<number, string[]>();
  for (const { namespace, name, policy } of snapshot.endpoints) {
    names.set(policy, [...names.get(policy) ?? [], `${namespace}/${name}`]);
  }
  for (const { name, policy } of snapshot.hosts) names.set(policy, [`node ${name}`]);
  const all = snapshot.policies.map((policy) => {
    const use = useOf(policy, tables);
    const { number, subject, mapState } = policy;
    return {
      number,
      pods: names.get(number) ?? [],
      subject,
      entries: mapState.entries.length,
      use,
    };
  });
  const images = all.flatMap(({ use }) => "image" in use ? use.image : []);
  const node = nodePressure(snapshot, images);
  const items = all.map(({ number, pods, subject, entries, use }) => ({
    policy: number,
    pods,
    identity: subject.id,
    entries,
    ...useFields(use),
  }));
  if (output === "jsonl") {
    for (const item of items) await writeText(`${JSON.stringify(item)}\n`);
  } else if (output === "json") {
    await writeText(`${JSON.stringify({ policies: items, node }, null, 2)}\n`);
  } else {
    const rows = all.map(({ pods, entries, use }) => [
      (pods[0] ?? "") + (pods.length > 1 ? ` (+${pods.length - 1})` : ""),
      String(entries),
      ...useCells(use),
    ]);
    const header = ["POD", "ENTRIES", "PROFILES", "CLASS", "PRESSURE", "LIMIT"];
    console.log(`${formatTable(header, rows)}\n`);
    console.log("A node that runs every pod:");
    console.log(formatTable(["WHAT", "LIMIT", ""], node.map((p) => [p.name, ...shares(p)])));
  }
  return images.length === all.length;
}

function useCells(use: Use): string[] {
  if ("overflow" in use) return ["", "", coloured("red", use.overflow)];
  const { sizeClass, profiles, pressure, limit } = use.image;
  const most = (list: readonly Pressure[]) => {
    const [first] = list.toSorted((a, b) => b.used / b.limit - a.used / a.limit);
    return first === undefined ? "" : `${shares(first)[1]} (${first.name})`;
  };
  return [String(profiles), sizeClass, most(pressure), most(limit)];
}
