import { Command } from "commander";
import { identityText } from "../explain/identity_text.ts";
import { formatLabel } from "../identity/label.ts";
import {
  addClusterOptions,
  addOutputOption,
  type ClusterFlags,
  type OutputFormat,
  readCluster,
} from "./cluster_flags.ts";
import { compileInput } from "./compiled_input.ts";
import { EXIT_CODE, type ExitCode } from "./exit_code.ts";
import { formatTable } from "./table.ts";
import { writeText } from "./write_text.ts";

interface IdentityFlags extends ClusterFlags {
  readonly output: OutputFormat;
}

/** `twinpath identity`: what security identities there are. Sets `Deno.exitCode`. */
export function identityCommand(): Command {
  const list = new Command("list")
    .summary("every identity, its labels, and who has it")
    .description("List the security identities that a cluster makes, and who has each of them.");
  addClusterOptions(list);
  addOutputOption(list)
    .addHelpText(
      "after",
      "\nExample:\n  twinpath identity list -f cluster.yaml\n" +
        "\nExit code: 0 fine, 2 bad use or bad input (the rest is shown).",
    )
    .action(async (flags: IdentityFlags) => {
      Deno.exitCode = await listIdentities(flags);
    });
  return new Command("identity").summary("security identities").addCommand(list);
}

/** Holders that a terminal is given; JSON has all. */
const MOST_HOLDERS = 3;

async function listIdentities(flags: IdentityFlags): Promise<ExitCode> {
  const input = await readCluster(flags);
  using compiled = await compileInput(input);
  const { snapshot } = compiled.cluster;
  const holders = new Map<number, string[]>();
  const hold = (identity: number, name: string) =>
    holders.set(identity, [...holders.get(identity) ?? [], name]);
  for (const { identity, namespace, name } of snapshot.endpoints) {
    hold(identity, `${namespace}/${name}`);
  }
  for (const { identity, owner, source } of snapshot.ipcache) {
    if (source !== "pod") hold(identity, owner);
  }
  const items = snapshot.identities.map((identity) => ({
    id: identity.id,
    slot: identity.slot,
    labels: identity.labels.map(formatLabel),
    holders: [...new Set(holders.get(identity.id))],
    text: identityText(identity),
  }));
  if (flags.output === "table") {
    const rows = items.map(({ id, slot, text, holders }) => [
      String(id),
      String(slot ?? "none"),
      text,
      holders.slice(0, MOST_HOLDERS).join(", ") +
      (holders.length > MOST_HOLDERS ? `, … (${holders.length})` : ""),
    ]);
    console.log(formatTable(["IDENTITY", "SLOT", "LABELS", "WHO"], rows));
  } else if (flags.output === "jsonl") {
    for (const { text: _, ...item } of items) await writeText(`${JSON.stringify(item)}\n`);
  } else {
    await writeText(`${JSON.stringify(items.map(({ text: _, ...item }) => item), null, 2)}\n`);
  }
  return input.refused ? EXIT_CODE.BAD_INPUT : EXIT_CODE.OK;
}
