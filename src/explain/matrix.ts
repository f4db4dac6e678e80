import type { Answer, Question } from "./answer.ts";
import type { End } from "./end_finder.ts";
import { joinRanges, type PortRange, type RangeVerdict } from "./open_ports.ts";
import type { FlowPort } from "./port_text.ts";

/** What {@linkcode pairsOf} asks. */
export interface PairTwin {
  answer(questions: readonly Question[]): Promise<readonly Answer[]>;
  /** Ends of one class are treated alike, at both sides of a flow. */
  classOf(end: End): string;
}

/** One ordered pair of ends. */
export interface Pair<T> {
  readonly source: End;
  readonly destination: End;
  readonly result: T;
}

/** Asks what becomes of flows to one port, between all ends. */
export function portPairs(
  twin: PairTwin,
  ends: readonly End[],
  port: FlowPort,
): AsyncGenerator<Pair<Answer>> {
  return pairsOf(twin, ends, () => [port], ([answer]) => answer!);
}

/**
 * Asks which ports are open between all ends.
 *
 * @param rangesOf Where policies may treat ports of a pair differently.
 */
export function openPairs(
  twin: PairTwin,
  ends: readonly End[],
  rangesOf: (source: End, destination: End) => readonly PortRange[],
): AsyncGenerator<Pair<readonly RangeVerdict[]>> {
  const portsOf = (source: End, destination: End) =>
    rangesOf(source, destination).map(({ protocol, first }) => ({ protocol, port: first }));
  return pairsOf(
    twin,
    ends,
    portsOf,
    (answers, source, destination) =>
      joinRanges(
        rangesOf(source, destination).map((range, i) => ({
          ...range,
          verdict: answers[i]!.verdict,
        })),
      ),
  );
}

/** Yields every ordered pair, row by row. Pairs of the same two classes are asked once. */
async function* pairsOf<T>(
  twin: PairTwin,
  ends: readonly End[],
  portsOf: (source: End, destination: End) => readonly FlowPort[],
  resultOf: (answers: readonly Answer[], source: End, destination: End) => T,
): AsyncGenerator<Pair<T>> {
  const known = new Map<string, T>();
  for (const source of ends) {
    for (const destination of ends) {
      // A pod's way to itself is no matter of policy, and so of no class.
      const own = source === destination && !source.several;
      const key = own ? "" : `${twin.classOf(source)} ${twin.classOf(destination)}`;
      let result = own ? undefined : known.get(key);
      if (result === undefined) {
        const questions = portsOf(source, destination).map((port) => ({
          source,
          destination,
          ...port,
        }));
        result = resultOf(await twin.answer(questions), source, destination);
        if (!own) known.set(key, result);
      }
      yield { source, destination, result };
    }
  }
}
