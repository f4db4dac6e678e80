/**
 * Side-by-side measurement: contenders take turns in short passes, so that what
 * disturbs the machine disturbs all of them.
 *
 * @module
 */

/** Something to be timed. */
export interface Contender {
  /** Runs once and returns nanoseconds per operation. */
  pass(): number;
}

/** The median; of an even number of values the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) throw new RangeError('Cannot take a "median": no values, expected some');
  if (sorted.length % 2 === 1) return upper;
  return ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/**
 * Runs all contenders once to warm up, then `rounds` times in turns, every other round
 * in reverse order. Returns the median of each, in the order of the contenders.
 */
export function interleave(contenders: readonly Contender[], rounds: number): number[] {
  for (const contender of contenders) contender.pass();
  const times = contenders.map((): number[] => []);
  const order = contenders.map((contender, i) => ({ contender, times: times[i] ?? [] }));
  for (let round = 0; round < rounds; round++) {
    for (const { contender, times } of order) times.push(contender.pass());
    order.reverse();
  }
  return times.map(median);
}
