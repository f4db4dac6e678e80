import type { Answer, Question } from "../explain/answer.ts";
import { type EndFinder, UnknownEndError } from "../explain/end_finder.ts";
import { findHubbleEnd, type HubbleFlow, parseHubbleFlow } from "../explain/hubble_flow.ts";
import { formatPort } from "../explain/port_text.ts";
import { readLines } from "./lines.ts";
import type { OpenTwin } from "./open_twin.ts";

/** A recorded flow that would be treated differently. */
export interface ChangedFlow {
  readonly from: string;
  readonly to: string;
  readonly port: string;
  /** How often it was recorded. */
  readonly flows: number;
  readonly before: Answer;
  readonly after: Answer;
}

/** Something of each of the two states. */
export interface BothStates<T> {
  readonly before: T;
  readonly after: T;
}

interface Recorded {
  readonly number: number;
  readonly flow: HubbleFlow;
  flows: number;
}

/**
 * Asks both states about the flows of a file. Flows that say the same are asked about once.
 *
 * @returns whether a line was wrong; which ones is told on standard error.
 */
export async function changedFlows(
  path: string,
  finders: BothStates<EndFinder>,
  twins: BothStates<OpenTwin>,
  onChange: (flow: ChangedFlow) => Promise<void>,
): Promise<{ readonly wrong: boolean }> {
  let wrong = false;
  const recorded = new Map<string, Recorded>();
  const refuse = (number: number, error: unknown) => {
    if (!(error instanceof SyntaxError) && !(error instanceof UnknownEndError)) throw error;
    console.error(`Cannot use line ${number} of "${path}": ${error.message}`);
    wrong = true;
  };
  for await (const lines of readLines(path)) {
    for (const { number, text } of lines) {
      try {
        const flow = parseHubbleFlow(text);
        if (flow === undefined) continue;
        const { verdict: _, ...asked } = flow;
        const key = JSON.stringify(asked);
        const known = recorded.get(key);
        if (known === undefined) recorded.set(key, { number, flow, flows: 1 });
        else known.flows++;
      } catch (error) {
        refuse(number, error);
      }
    }
  }
  const asked: { readonly one: Recorded; readonly questions: BothStates<Question> }[] = [];
  for (const one of recorded.values()) {
    try {
      const before = questionOf(one.flow, finders.before);
      asked.push({ one, questions: { before, after: questionOf(one.flow, finders.after) } });
    } catch (error) {
      refuse(one.number, error);
    }
  }
  const answers = async (state: "before" | "after") => {
    await twins[state].add(finders[state].takeSupposed());
    return await twins[state].answer(asked.map(({ questions }) => questions[state]));
  };
  const [old, now] = [await answers("before"), await answers("after")];
  for (const [i, { one: { flows }, questions: { before } }] of asked.entries()) {
    const [was, is] = [old[i], now[i]];
    if (was === undefined || is === undefined || was.verdict === is.verdict) continue;
    const [from, to] = [before.source.name, before.destination.name];
    await onChange({ from, to, port: formatPort(before), flows, before: was, after: is });
  }
  return { wrong };
}

function questionOf(flow: HubbleFlow, finder: EndFinder): Question {
  const { source, destination, protocol, port, request } = flow;
  return {
    source: findHubbleEnd(source, finder),
    destination: findHubbleEnd(destination, finder),
    protocol,
    port,
    ...(request === undefined ? {} : { request }),
  };
}
