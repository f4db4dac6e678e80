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
    // A row is asked at once: a datapath in the kernel is loaded for each call.
    const news = new Map<string, { destination: End; questions: readonly Question[] }>();
    const keys = ends.map((destination) => keyOf(twin, source, destination));
    for (const [i, destination] of ends.entries()) {
      const key = keys[i] ?? "";
      if (known.has(key) || news.has(key)) continue;
      const questions = portsOf(source, destination)
        .map((port) => ({ source, destination, ...port }));
      news.set(key, { destination, questions });
    }
    const answers = await twin.answer([...news.values()].flatMap(({ questions }) => questions));
    let next = 0;
    for (const [key, { destination, questions }] of news) {
      const own = answers.slice(next, next += questions.length);
      known.set(key, resultOf(own, source, destination));
    }
    for (const [i, destination] of ends.entries()) {
      yield { source, destination, result: known.get(keys[i] ?? "") as T };
    }
  }
}

/** Equal for pairs that are treated alike. A pod's way to itself is no matter of policy. */
function keyOf(twin: PairTwin, source: End, destination: End): string {
  if (source === destination && !source.several) return `own ${source.name}`;
  return `${twin.classOf(source)} ${twin.classOf(destination)}`;
}
