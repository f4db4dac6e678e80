import type { Answer, Question, SideAnswer } from "../explain/answer.ts";
import { EndFinder, UnknownEndError } from "../explain/end_finder.ts";
import { formatPort } from "../explain/port_text.ts";
import { AnswerBytes } from "./answer_bytes.ts";
import { answerFields } from "./answer_text.ts";
import type { ClusterInput } from "./cluster_flags.ts";
import { verdictText } from "./colour.ts";
import { EXIT_CODE, type ExitCode } from "./exit_code.ts";
import { junitReport, type TestCase } from "./junit.ts";
import { type LineBlock, readLineBlocks } from "./lines.ts";
import { openTwin, type TwinKind } from "./open_twin.ts";
import { parseQuery, type Query } from "./query.ts";
import { QueryScanner } from "./query_scanner.ts";
import { rulesText } from "./rule_text.ts";
import { formatTable } from "./table.ts";
import { writeBytes, writeText } from "./write_text.ts";

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

/** A query with its ends. */
interface Asked extends Query, Question {}

interface Refused {
  readonly number: number;
  readonly id: string | number;
  readonly error: string;
}

/** What was asked in one block of lines. */
interface Block {
  /** In the order of the lines. */
  readonly outcomes: readonly Outcome[];
  readonly asked: readonly Asked[];
  readonly refused: readonly Refused[];
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
  const scanner = new QueryScanner(finder);
  using twin = await openTwin(datapath, objects);
  const printer = PRINTERS[format]();
  let wrong = refused;
  let unmet = false;
  // Answers are written while the next ones are looked up.
  let printed = Promise.resolve();
  for await (const lines of readLineBlocks(path)) {
    const block = askLines(lines, finder, scanner);
    for (const { number, error } of block.refused) {
      console.error(`Cannot answer line ${number} of "${path}": ${error}`);
      wrong = true;
    }
    await twin.add(finder.takeSupposed());
    const answers = await twin.answer(block.asked);
    if (answers.length !== block.asked.length) {
      throw new TypeError(
        `Cannot trace: ${answers.length} answers, expected ${block.asked.length}`,
      );
    }
    unmet ||= block.asked.some(({ expect }, i) =>
      expect !== undefined && expect !== answers[i]?.verdict
    );
    await printed;
    printed = printer.add(block.outcomes, answers);
    printed.catch(() => {}); // whoever awaits it hears of it
  }
  await printed;
  await printer.end();
  if (wrong) return EXIT_CODE.BAD_INPUT;
  return unmet ? EXIT_CODE.NO : EXIT_CODE.OK;
}

/** Reads the queries of some lines. Empty lines are none. */
function askLines({ first, text }: LineBlock, finder: EndFinder, scanner: QueryScanner): Block {
  const outcomes: Outcome[] = [];
  const asked: Asked[] = [];
  const refused: Refused[] = [];
  let number = first;
  for (let at = 0; at < text.length; number++) {
    const plain = scanner.scan(text, at, number);
    if (plain !== undefined) {
      at = scanner.end;
      outcomes.push(plain);
      asked.push(plain);
      continue;
    }
    const feed = text.indexOf("\n", at);
    const end = feed < 0 ? text.length : feed;
    const line = text.slice(at, end);
    at = end + 1;
    if (line.trim() === "") continue;
    const outcome = ask(line, number, finder);
    outcomes.push(outcome);
    if ("error" in outcome) refused.push(outcome);
    else asked.push(outcome);
  }
  return { outcomes, asked, refused };
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
    return { ...query, source: finder.find(query.from), destination: finder.find(query.to) };
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof UnknownEndError)) throw error;
    return { number, id: query.id, error: error.message };
  }
}

interface Printer {
  /** @param answers Of the outcomes that were asked, in order. */
  add(outcomes: readonly Outcome[], answers: readonly Answer[]): Promise<void>;
  end(): Promise<void>;
}

const PRINTERS: Readonly<Record<QueryFormat, () => Printer>> = {
  jsonl: () => {
    const bytes = new AnswerBytes();
    return {
      add(outcomes, answers) {
        let next = 0;
        // There may be millions: no pairs, no texts.
        for (const outcome of outcomes) {
          const answer = "error" in outcome ? undefined : answers[next++];
          if (answer !== undefined) bytes.addAnswer(outcome.id, answer);
          else if ("error" in outcome) bytes.addError(outcome.id, outcome.error);
        }
        return writeBytes(bytes.take());
      },
      end: () => Promise.resolve(),
    };
  },
  json: () => {
    let separator = "[\n";
    return {
      add(outcomes, answers) {
        if (outcomes.length === 0) return Promise.resolve();
        const items = [...paired(outcomes, answers)].map(([outcome, answer]) =>
          jsonOf(outcome, answer)
        );
        const text = separator + items.join(",\n");
        separator = ",\n";
        return writeText(text);
      },
      end: () => writeText(separator === "[\n" ? "[]\n" : "\n]\n"),
    };
  },
  table: () => {
    const rows: string[][] = [];
    return {
      add(outcomes, answers) {
        for (const [outcome, answer] of paired(outcomes, answers)) {
          rows.push(rowOf(outcome, answer));
        }
        return Promise.resolve();
      },
      end: () => writeText(`${formatTable(HEADER, rows)}\n`),
    };
  },
  junit: () => {
    const cases: TestCase[] = [];
    return {
      add(outcomes, answers) {
        for (const [outcome, answer] of paired(outcomes, answers)) {
          cases.push(testCaseOf(outcome, answer));
        }
        return Promise.resolve();
      },
      end: () => writeText(junitReport("twinpath trace", cases)),
    };
  },
};

/** Outcomes with their answers; a refused one has none. */
function* paired(
  outcomes: readonly Outcome[],
  answers: readonly Answer[],
): Generator<[Refused, undefined] | [Asked, Answer]> {
  let next = 0;
  for (const outcome of outcomes) {
    if ("error" in outcome) {
      yield [outcome, undefined];
      continue;
    }
    const answer = answers[next++];
    if (answer !== undefined) yield [outcome, answer];
  }
}

function jsonOf(outcome: Outcome, answer: Answer | undefined): string {
  const id = JSON.stringify(outcome.id);
  if (answer !== undefined) return `{"id":${id},${answerFields(answer)}}`;
  return `{"id":${id},"error":${JSON.stringify("error" in outcome ? outcome.error : "")}}`;
}

const HEADER = ["ID", "FROM", "TO", "PORT", "VERDICT", "EXPECTED", "EGRESS", "INGRESS"];

function rowOf(outcome: Outcome, answer: Answer | undefined): string[] {
  if (answer === undefined || "error" in outcome) return [String(outcome.id), "", "", "", "error"];
  const { id, from, to, expect } = outcome;
  const { verdict, egress, ingress } = answer;
  return [
    String(id),
    from,
    to,
    formatPort(outcome),
    verdictText(verdict),
    expect ?? "",
    sideText(egress),
    sideText(ingress),
  ];
}

function sideText({ reason, rules }: SideAnswer): string {
  if (rules.length === 0) return reason === "policy" ? "no rule" : reason;
  return reason === "rule" ? rulesText(rules) : `${reason}: ${rulesText(rules)}`;
}

function testCaseOf(outcome: Outcome, answer: Answer | undefined): TestCase {
  if ("error" in outcome) return { name: `query ${outcome.id}`, error: outcome.error };
  const { id, from, to, expect } = outcome;
  const name = `${id}: ${from} → ${to} ${formatPort(outcome)}`;
  if (answer === undefined || expect === undefined || expect === answer.verdict) return { name };
  const why = `egress ${sideText(answer.egress)}, ingress ${sideText(answer.ingress)}`;
  return { name, failure: `${answer.verdict}, expected ${expect} (${why})` };
}
