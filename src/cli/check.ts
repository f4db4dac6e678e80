import { Command } from "commander";
import { CompiledCluster } from "../explain/compiled_cluster.ts";
import type { Finding } from "../explain/lint/finding.ts";
import { lint } from "../explain/lint/lint.ts";
import {
  addClusterOptions,
  addOutputOption,
  type ClusterFlags,
  type OutputFormat,
  readCluster,
} from "./cluster_flags.ts";
import { coloured } from "./colour.ts";
import { EXIT_CODE, type ExitCode } from "./exit_code.ts";
import { ruleText } from "./rule_text.ts";
import { writeText } from "./write_text.ts";

interface CheckFlags extends ClusterFlags {
  readonly strict: boolean;
  readonly output: OutputFormat;
}

/** `twinpath check`: is it valid, and does it mean something? Sets `Deno.exitCode`. */
export function checkCommand(): Command {
  const command = new Command("check")
    .summary("validate manifests, and look for what was probably not meant")
    .description(
      "Read manifests and say what is wrong with them. Then look for what is valid but odd: " +
        "selectors that select nothing, rules that never decide anything, ports of services " +
        "where pods listen on others, address blocks that hold pods, port names that nobody " +
        "declares, DNS names without DNS rules, conflicts.",
    );
  addClusterOptions(command).option("--strict", "exit with 1 for what is odd", false);
  return addOutputOption(command)
    .addHelpText("after", HELP)
    .action(async (flags: CheckFlags) => {
      Deno.exitCode = await check(flags);
    });
}

const HELP = `
Examples:
  twinpath check -f policies/
  kubectl get pods,ns,nodes,svc,netpol,cnp,ccnp -A -o yaml | twinpath check -f - --strict

Exit code: 0 valid, 1 odd (with --strict), 2 invalid or bad use.`;

async function check(flags: CheckFlags): Promise<ExitCode> {
  const { objects, refused } = await readCluster(flags);
  using cluster = await CompiledCluster.compile(objects);
  const findings = [...lint(cluster, objects)];
  await print(flags.output, findings, objects.length);
  if (refused) return EXIT_CODE.BAD_INPUT;
  return flags.strict && findings.length > 0 ? EXIT_CODE.NO : EXIT_CODE.OK;
}

async function print(
  output: OutputFormat,
  findings: readonly Finding[],
  objects: number,
): Promise<void> {
  if (output === "json") {
    return await writeText(`${JSON.stringify({ objects, findings }, null, 2)}\n`);
  }
  for (const finding of findings) {
    const { kind, rule, text, location } = finding;
    if (output === "jsonl") {
      await writeText(`${JSON.stringify(finding)}\n`);
      continue;
    }
    const place = location === undefined ? "" : `${location.file}:${location.line}: `;
    const who = rule === undefined ? "" : `${ruleText(rule)} `;
    console.log(`${place}${coloured("yellow", kind)}: ${who}${text}`);
  }
  if (output === "table") {
    const odd = findings.length === 0 ? "nothing odd" : `${findings.length} odd`;
    console.log(`${objects} ${objects === 1 ? "object" : "objects"}, ${odd}`);
  }
}
