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

/** Long enough for the optimising compiler to have taken over. */
const WARM_UP_MILLISECONDS = 300;

/**
 * A contender that does so many operations in a run; its code is warm.
 *
 * @param runs Of a pass, of which the shortest counts: for what needs several processors at once,
 * where whatever takes one of them away for a moment holds up all. @default {1}
 */
export function warmContender(run: () => void, operations: number, runs = 1): Contender {
  const pass = () => {
    let shortest = Infinity;
    for (let i = 0; i < runs; i++) {
      const start = performance.now();
      run();
      shortest = Math.min(shortest, performance.now() - start);
    }
    return shortest * 1e6 / operations;
  };
  const warm = performance.now() + WARM_UP_MILLISECONDS;
  while (performance.now() < warm) pass();
  return { pass };
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

/** The value below which `percent` of 100 values lie; one of the values. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = Math.min(Math.floor(sorted.length * percent / 100), sorted.length - 1);
  const value = sorted[at];
  if (value !== undefined) return value;
  throw new RangeError('Cannot take a "percentile": no values, expected some');
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

/** A subject, its baseline, and what is not counted of both. */
export interface Race {
  readonly subject: Contender;
  readonly baseline: Contender;
  /** The loop without the work, if it is to be taken off. */
  readonly overhead?: Contender;
}

/** Times that a disturbed measurement is repeated. */
const ATTEMPTS = 5;

/**
 * Median times of a subject and its baseline, side by side and net of the overhead.
 * Measures again where the overhead alone took longer, which only a disturbance explains.
 *
 * @throws {Error} If it did so every time.
 */
export function measureRace(race: Race, rounds: number): { subject: number; baseline: number } {
  const { overhead = { pass: () => 0 } } = race;
  const contenders = [overhead, race.subject, race.baseline];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const [empty = NaN, subject = NaN, baseline = NaN] = interleave(contenders, rounds);
    if (subject > empty && baseline > empty) {
      return { subject: subject - empty, baseline: baseline - empty };
    }
  }
  throw new Error(`Cannot measure "race": disturbed ${ATTEMPTS} times, expected a quiet machine`);
}
