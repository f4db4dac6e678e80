import { Command } from "commander";
import { identityText } from "../explain/identity_text.ts";
import { selectorText } from "../explain/selector_text.ts";
import { selectorUses } from "../explain/selector_use.ts";
import {
  addClusterOptions,
  addOutputOption,
  type ClusterFlags,
  type OutputFormat,
  readCluster,
} from "./cluster_flags.ts";
import { compileInput } from "./compiled_input.ts";
import { EXIT_CODE, type ExitCode } from "./exit_code.ts";
import { ruleText } from "./rule_text.ts";
import { formatTable } from "./table.ts";
import { writeText } from "./write_text.ts";

interface SelectorsFlags extends ClusterFlags {
  readonly output: OutputFormat;
}

/** `twinpath selectors`: unique selectors and what they select. Sets `Deno.exitCode`. */
export function selectorsCommand(): Command {
  const command = new Command("selectors")
    .summary("unique selectors, the rules that use them, and what they select")
    .description(
      "List the selectors of all rules in canonical form, each once however often and however " +
        "it was written, with the rules that use it and the identities that it selects.",
    );
  addClusterOptions(command);
  return addOutputOption(command)
    .addHelpText(
      "after",
      "\nExample:\n  twinpath selectors -f cluster.yaml -o jsonl | jq 'select(.identities == [])'\n" +
        "\nExit code: 0 fine, 2 bad use or bad input (the rest is shown).",
    )
    .action(async (flags: SelectorsFlags) => {
      Deno.exitCode = await selectors(flags);
    });
}

/** Items of a list that a terminal is given; JSON has all. */
const MOST = 3;

async function selectors(flags: SelectorsFlags): Promise<ExitCode> {
  const input = await readCluster(flags);
  using compiled = await compileInput(input);
  const { cluster } = compiled;
  const uses = selectorUses(cluster);
  const nameOf = (id: number) => {
    const identity = cluster.engine.selectors.identities.get(id);
    return identity === undefined ? String(id) : identityText(identity);
  };
  if (flags.output === "table") {
    const rows = uses.map(({ selector, subjectOf, peerOf, identities }) => [
      selectorText(selector),
      some([...subjectOf.map((rule) => `${ruleText(rule)} (for)`), ...peerOf.map(ruleText)]),
      some(identities.map(nameOf)),
    ]);
    console.log(formatTable(["SELECTOR", "RULES", "SELECTS"], rows));
  } else {
    const items = uses.map(({ selector, ...use }) => ({
      selector: selectorText(selector),
      key: selector.key,
      ...use,
    }));
    if (flags.output === "json") await writeText(`${JSON.stringify(items, null, 2)}\n`);
    else for (const item of items) await writeText(`${JSON.stringify(item)}\n`);
  }
  return input.refused ? EXIT_CODE.BAD_INPUT : EXIT_CODE.OK;
}

function some(texts: readonly string[]): string {
  if (texts.length === 0) return "nothing";
  const more = texts.length > MOST ? `, … (${texts.length})` : "";
  return texts.slice(0, MOST).join(", ") + more;
}
