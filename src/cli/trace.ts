import { Command, Option } from "commander";
import type { RuleDirection } from "../cluster/rule.ts";
import type { NearMiss } from "../explain/near_miss.ts";
import type { Answer, Question, SideAnswer, Verdict } from "../explain/answer.ts";
import { EndFinder, UnknownEndError } from "../explain/end_finder.ts";
import { formatPort } from "../explain/port_text.ts";
import { answerFields } from "./answer_text.ts";
import {
  addClusterOptions,
  type ClusterFlags,
  type ClusterInput,
  readCluster,
} from "./cluster_flags.ts";
import { verdictText } from "./colour.ts";
import { BadInputError, EXIT_CODE, type ExitCode } from "./exit_code.ts";
import { type OpenTwin, openTwin, TWIN_KINDS, type TwinKind } from "./open_twin.ts";
import { parseAsked } from "./query.ts";
import { rulesText, ruleText } from "./rule_text.ts";
import { formatTable } from "./table.ts";
import { answerQueries, type QueryFormat } from "./trace_queries.ts";

/** Options of `twinpath trace`, as commander gives them. */
interface TraceFlags extends ClusterFlags {
  readonly from?: string;
  readonly to?: string;
  readonly port?: string;
  readonly http?: string;
  readonly header?: string[];
  readonly dns?: string;
  readonly sni?: string;
  readonly expect?: Verdict;
  readonly queries?: string;
  readonly datapath: TwinKind;
  readonly output?: QueryFormat;
}

/** `twinpath trace`: what becomes of a flow, and why. Sets `Deno.exitCode`. */
export function traceCommand(): Command {
  const command = new Command("trace")
    .summary("what becomes of a flow, and the rules behind it")
    .description(
      "Say what the policies at both ends make of a flow, and name the rules behind it. An end " +
        "is namespace/pod, an address, labels of a pod that need not exist (app=web,tier=front), " +
        "or an entity (host, world, …).",
    );
  return addClusterOptions(command)
    .option("--from <end>", "where the flow comes from")
    .option("--to <end>", "where it goes to")
    .option("--port <port>", "80/TCP, 53/UDP, 8/ICMP (the type), …")
    .option("--http <request>", 'what is asked for, as in "GET /v1"')
    .option("--header <header...>", 'of that request, as in "Host: example.com"')
    .option("--dns <name>", "the name that is asked for")
    .option("--sni <name>", 'the server name that a TLS client sends, or "" for none')
    .addOption(
      new Option("--expect <verdict>", "exit with 1 if it is another one")
        .choices(["allowed", "denied", "redirected"]),
    )
    .option("--queries <file>", "answer many: lines of JSON, from a file or -")
    .addOption(
      new Option("--datapath <twin>", "who answers").choices(TWIN_KINDS).default("emulator"),
    )
    .addOption(
      new Option("-o, --output <format>", "how to print (default: table; jsonl with --queries)")
        .choices(["table", "json", "jsonl", "junit"]),
    )
    .addHelpText("after", HELP)
    .action(async (flags: TraceFlags) => {
      Deno.exitCode = await trace(flags);
    });
}

const HELP = `
A line of --queries: {"id","from","to","protocol","port","http"?,"headers"?,"dns"?,"sni"?,"expect"?}
Its answer:          {"id","verdict","egress":{"verdict","reason","rules"},"ingress":{…}}

Examples:
  twinpath trace --from default/xwing --to default/deathstar --port 80/TCP
  twinpath trace -f cluster.yaml --from app=web --to 10.0.0.7 --port 5432
  kubectl get pods,ns,netpol,cnp -A -o yaml | twinpath trace -f - --queries q.jsonl -o junit

Exit code: 0 fine, 1 an expectation is not met, 2 bad use or bad input (the rest is answered).`;

async function trace(flags: TraceFlags): Promise<ExitCode> {
  const { from, to, port, queries, file = [] } = flags;
  const single = [from, to, port].filter((value) => value !== undefined).length;
  if (queries === undefined ? single < 3 : single > 0) {
    throw new BadInputError(
      `Cannot trace: ${queries === undefined ? "no flow" : "both --queries and a flow"}, ` +
        `expected either --from, --to and --port, or --queries`,
    );
  }
  if (queries === "-" && file.includes("-")) {
    throw new BadInputError(`Cannot read "-": asked for twice, expected one of -f and --queries`);
  }
  const input = await readCluster(flags);
  if (queries === undefined) return await traceOne(flags, input);
  return await answerQueries(input, {
    path: queries,
    namespace: flags.namespace,
    datapath: flags.datapath,
    format: flags.output ?? "jsonl",
  });
}

async function traceOne(flags: TraceFlags, input: ClusterInput): Promise<ExitCode> {
  const finder = new EndFinder(input.objects, { defaultNamespace: flags.namespace });
  const question = questionOf(flags, finder);
  using twin = await openTwin(flags.datapath, input.objects);
  await twin.add(finder.takeSupposed());
  const [answer] = await twin.answer([question]);
  if (answer === undefined) throw new TypeError("Cannot trace: no answer, expected one");
  print(flags.output ?? "table", question, answer, missesOf(twin, question, answer));
  const { expect } = flags;
  const unmet = expect !== undefined && expect !== answer.verdict;
  if (unmet) console.error(`The flow is ${answer.verdict}, expected ${expect}`);
  if (input.refused) return EXIT_CODE.BAD_INPUT;
  return unmet ? EXIT_CODE.NO : EXIT_CODE.OK;
}

function questionOf(
  { from = "", to = "", port = "", ...asked }: TraceFlags,
  finder: EndFinder,
): Question {
  try {
    const flow = parseAsked(port, asked);
    return { source: finder.find(from), destination: finder.find(to), ...flow };
  } catch (cause) {
    if (!(cause instanceof SyntaxError) && !(cause instanceof UnknownEndError)) throw cause;
    throw new BadInputError(cause.message, { cause });
  }
}

type Misses = Readonly<Partial<Record<RuleDirection, NearMiss>>>;

/** What was near where no rule allows the flow. */
function missesOf(twin: OpenTwin, question: Question, answer: Answer): Misses {
  const misses: Partial<Record<RuleDirection, NearMiss>> = {};
  for (const direction of ["egress", "ingress"] as const) {
    if (answer[direction].reason !== "policy") continue;
    const miss = twin.nearestMiss(question, direction);
    if (miss !== undefined) misses[direction] = miss;
  }
  return misses;
}

function print(format: QueryFormat, question: Question, answer: Answer, misses: Misses): void {
  const { source, destination } = question;
  const [from, to, port] = [source.name, destination.name, formatPort(question)];
  if (format !== "table") {
    const asked = `"from":${JSON.stringify(from)},"to":${JSON.stringify(to)},"port":"${port}"`;
    const near = Object.keys(misses).length === 0 ? "" : `,"nearest":${JSON.stringify(misses)}`;
    return console.log(`{${asked},${answerFields(answer)}${near}}`);
  }
  console.log(`${from} → ${to} ${port}: ${verdictText(answer.verdict)}\n`);
  const rows = (["egress", "ingress"] as const).map((direction) => [
    direction,
    verdictText(answer[direction].verdict),
    reasonText(answer[direction], direction === "egress" ? from : to, direction),
  ]);
  console.log(formatTable(["SIDE", "VERDICT", "WHY"], rows));
  for (const [direction, { rule, texts }] of Object.entries(misses)) {
    console.log(`\nNearest to allowing it at ${direction}: ${ruleText(rule)}, but`);
    for (const text of texts) console.log(`  ${text}`);
  }
}

function reasonText({ reason, rules }: SideAnswer, subject: string, direction: string): string {
  switch (reason) {
    case "rule":
      return rulesText(rules);
    case "no policy":
      return `no policy restricts ${direction} of ${subject}`;
    case "not an endpoint":
      return `${subject} is neither pod nor node: policies do not stand there`;
    case "same pod":
      return "the flow does not leave the pod";
    case "policy":
      return "no rule allows it";
    case "policy deny":
      return `denied by ${rulesText(rules)}`;
    case "auth required":
      return `both ends must authenticate: ${rulesText(rules)}`;
    case "request":
      return `the proxy denies the request: ${rulesText(rules)}`;
  }
}
