import type { Policy } from "../policy/snapshot.ts";
import type { Answer, Question } from "./answer.ts";
import type { End } from "./end_finder.ts";
import { type PortRange, portRanges } from "./open_ports.ts";
import type { FlowPort } from "./port_text.ts";

/** One state of a cluster, to be compared with another. */
export interface DiffSide {
  answer(questions: readonly Question[]): Promise<readonly Answer[]>;
  classOf(end: End): string;
  policyOf(end: End): Policy | undefined;
}

/** One end, in both states. */
export interface DiffEnd {
  readonly name: string;
  readonly before: End;
  readonly after: End;
  /** It is not part of the cluster: what such ends do among each other is no matter here. */
  readonly outside?: boolean;
}

/** Flows that are treated differently, from one end to another. */
export interface Change {
  readonly from: string;
  readonly to: string;
  readonly ports: readonly PortRange[];
  readonly before: Answer;
  readonly after: Answer;
}

/**
 * Yields the flows between all ends whose verdict is another one in the second state.
 *
 * Only ports are tried that a policy of one of the two states could tell apart; pairs of
 * pods that are alike in both are tried once.
 */
export async function* changedPairs(
  before: DiffSide,
  after: DiffSide,
  ends: readonly DiffEnd[],
): AsyncGenerator<Change> {
  const known = new Map<string, readonly Omit<Change, "from" | "to">[]>();
  const classOf = (end: DiffEnd) => `${before.classOf(end.before)} ${after.classOf(end.after)}`;
  for (const source of ends) {
    for (const destination of ends) {
      if (source.outside && destination.outside) continue;
      if (source === destination && !source.before.several) continue;
      const key = `${classOf(source)} ${classOf(destination)}`;
      let changes = known.get(key);
      if (changes === undefined) {
        known.set(key, changes = await changesOf(before, after, source, destination));
      }
      for (const change of changes) {
        yield { from: source.name, to: destination.name, ...change };
      }
    }
  }
}

async function changesOf(
  before: DiffSide,
  after: DiffSide,
  source: DiffEnd,
  destination: DiffEnd,
): Promise<Omit<Change, "from" | "to">[]> {
  const ranges = portRanges([
    before.policyOf(source.before),
    before.policyOf(destination.before),
    after.policyOf(source.after),
    after.policyOf(destination.after),
  ]);
  const ports = ranges.map(({ protocol, first }): FlowPort => ({ protocol, port: first }));
  const ask = (side: DiffSide, state: "before" | "after") =>
    side.answer(ports.map((port) => ({
      source: source[state],
      destination: destination[state],
      ...port,
    })));
  const [old, now] = [await ask(before, "before"), await ask(after, "after")];
  const groups = new Map<string, { ports: PortRange[]; before: Answer; after: Answer }>();
  for (const [i, range] of ranges.entries()) {
    const [was, is] = [old[i], now[i]];
    if (was === undefined || is === undefined || was.verdict === is.verdict) continue;
    const key = JSON.stringify([was, is]);
    const group = groups.get(key) ?? { ports: [], before: was, after: is };
    group.ports.push(range);
    groups.set(key, group);
  }
  return [...groups.values()].map((group) => ({ ...group, ports: joinPorts(group.ports) }));
}

function joinPorts(ranges: readonly PortRange[]): PortRange[] {
  const joined: PortRange[] = [];
  for (const range of ranges) {
    const before = joined.at(-1);
    const next = before?.protocol === range.protocol && before.last + 1 === range.first;
    if (next) joined[joined.length - 1] = { ...before, last: range.last };
    else joined.push(range);
  }
  return joined;
}
