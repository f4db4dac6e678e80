import type { Answer, Question, SideAnswer } from "../explain/answer.ts";
import { EndFinder, UnknownEndError } from "../explain/end_finder.ts";
import { formatPort } from "../explain/port_text.ts";
import { answerFields } from "./answer_text.ts";
import type { ClusterInput } from "./cluster_flags.ts";
import { verdictText } from "./colour.ts";
import { EXIT_CODE, type ExitCode } from "./exit_code.ts";
import { junitReport, type TestCase } from "./junit.ts";
import { readLines } from "./lines.ts";
import { openTwin, type TwinKind } from "./open_twin.ts";
import { parseQuery, type Query } from "./query.ts";
import { rulesText } from "./rule_text.ts";
import { formatTable } from "./table.ts";
import { writeText } from "./write_text.ts";

/** How the answers of many queries are printed. */
export type QueryFormat = "table" | "json" | "jsonl" | "junit";

/** What {@linkcode answerQueries} works with. */
export interface QueryOptions {
  /** File of the queries, or `-`. */
  readonly path: string;
  /** Namespace of pods that are named without one. */
  readonly namespace: string;
  readonly datapath: TwinKind;
  readonly format: QueryFormat;
}

/** A line, and what became of it. */
type Outcome = Asked | Refused;

interface Asked {
  readonly query: Query;
  readonly question: Question;
  answer?: Answer;
}

interface Refused {
  readonly number: number;
  readonly id: string | number;
  readonly error: string;
}

/**
 * Answers a file of queries in its order. A line that is wrong is told on standard error
 * and has an answer with an `error`, so that answers still pair with lines.
 */
export async function answerQueries(
  { objects, refused }: ClusterInput,
  { path, namespace, datapath, format }: QueryOptions,
): Promise<ExitCode> {
  const finder = new EndFinder(objects, { defaultNamespace: namespace });
  using twin = await openTwin(datapath, objects);
  const printer = PRINTERS[format]();
  let wrong = refused;
  let unmet = false;
  for await (const lines of readLines(path)) {
    const outcomes = lines.map(({ number, text }) => ask(text, number, finder));
    for (const outcome of outcomes) {
      if (!("error" in outcome)) continue;
      console.error(`Cannot answer line ${outcome.number} of "${path}": ${outcome.error}`);
      wrong = true;
    }
    await twin.add(finder.takeSupposed());
    const asked = outcomes.filter((outcome) => "question" in outcome);
    const answers = await twin.answer(asked.map(({ question }) => question));
    for (const [i, outcome] of asked.entries()) {
      const answer = answers[i];
      if (answer === undefined) throw new TypeError("Cannot trace: no answer, expected one");
      const { expect } = outcome.query;
      if (expect !== undefined && expect !== answer.verdict) unmet = true;
      outcome.answer = answer;
    }
    await printer.add(outcomes);
  }
  await printer.end();
  if (wrong) return EXIT_CODE.BAD_INPUT;
  return unmet ? EXIT_CODE.NO : EXIT_CODE.OK;
}

function ask(line: string, number: number, finder: EndFinder): Outcome {
  let query: Query;
  try {
    query = parseQuery(line, number);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { number, id: number, error: error.message };
  }
  try {
    const { from, to, protocol, port, request } = query;
    const [source, destination] = [finder.find(from), finder.find(to)];
    const question = request === undefined
      ? { source, destination, protocol, port }
      : { source, destination, protocol, port, request };
    return { query, question };
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof UnknownEndError)) throw error;
    return { number, id: query.id, error: error.message };
  }
}

interface Printer {
  add(outcomes: readonly Outcome[]): Promise<void>;
  end(): Promise<void>;
}

const PRINTERS: Readonly<Record<QueryFormat, () => Printer>> = {
  jsonl: () => ({
    add: (outcomes) => writeText(outcomes.map((outcome) => `${jsonOf(outcome)}\n`).join("")),
    end: () => Promise.resolve(),
  }),
  json: () => {
    let separator = "[\n";
    return {
      add(outcomes) {
        const text = separator + outcomes.map(jsonOf).join(",\n");
        separator = ",\n";
        return writeText(text);
      },
      end: () => writeText(separator === "[\n" ? "[]\n" : "\n]\n"),
    };
  },
  table: () => {
    const rows: string[][] = [];
    return {
      add(outcomes) {
        for (const outcome of outcomes) rows.push(rowOf(outcome));
        return Promise.resolve();
      },
      end: () => writeText(`${formatTable(HEADER, rows)}\n`),
    };
  },
  junit: () => {
    const cases: TestCase[] = [];
    return {
      add(outcomes) {
        for (const outcome of outcomes) cases.push(testCaseOf(outcome));
        return Promise.resolve();
      },
      end: () => writeText(junitReport("twinpath trace", cases)),
    };
  },
};

function jsonOf(outcome: Outcome): string {
  if ("error" in outcome) {
    return `{"id":${JSON.stringify(outcome.id)},"error":${JSON.stringify(outcome.error)}}`;
  }
  const id = JSON.stringify(outcome.query.id);
  return outcome.answer === undefined
    ? `{"id":${id}}`
    : `{"id":${id},${answerFields(outcome.answer)}}`;
}

const HEADER = ["ID", "FROM", "TO", "PORT", "VERDICT", "EXPECTED", "EGRESS", "INGRESS"];

function rowOf(outcome: Outcome): string[] {
  if ("error" in outcome) return [String(outcome.id), "", "", "", "error"];
  const { query, question, answer } = outcome;
  if (answer === undefined) return [String(query.id)];
  const { verdict, egress, ingress } = answer;
  return [
    String(query.id),
    query.from,
    query.to,
    formatPort(question),
    verdictText(verdict),
    query.expect ?? "",
    sideText(egress),
    sideText(ingress),
  ];
}

function sideText({ reason, rules }: SideAnswer): string {
  if (rules.length === 0) return reason === "policy" ? "no rule" : reason;
  return reason === "rule" ? rulesText(rules) : `${reason}: ${rulesText(rules)}`;
}

function testCaseOf(outcome: Outcome): TestCase {
  if ("error" in outcome) return { name: `query ${outcome.id}`, error: outcome.error };
  const { query, question, answer } = outcome;
  const name = `${query.id}: ${query.from} → ${query.to} ${formatPort(question)}`;
  const { expect } = query;
  if (answer === undefined || expect === undefined || expect === answer.verdict) return { name };
  const why = `egress ${sideText(answer.egress)}, ingress ${sideText(answer.ingress)}`;
  return { name, failure: `${answer.verdict}, expected ${expect} (${why})` };
}
