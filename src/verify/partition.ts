/** A run of values that nothing in a policy tells apart. */
export interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * A key space (ports, addresses of one family) cut where some policy or table may begin
 * to treat it differently. Values between two cuts are equivalent.
 */
export class Partition {
  readonly #starts: readonly bigint[];
  readonly #last: bigint;

  /**
   * @param last Last value of the space, which begins at 0.
   * @param ranges The ranges, inclusive, that anything names. Each one cuts the space
   *   before its first and after its last value.
   */
  constructor(last: bigint, ranges: Iterable<Interval>) {
    const starts = new Set([0n]);
    for (const range of ranges) {
      if (range.first < 0n || range.last > last || range.last < range.first) {
        throw new RangeError(
          `Cannot cut at "${range.first}-${range.last}": not a range, expected 0 to ${last}`,
        );
      }
      starts.add(range.first);
      if (range.last < last) starts.add(range.last + 1n);
    }
    this.#starts = [...starts].sort((a, b) => a < b ? -1 : 1);
    this.#last = last;
  }

  /** Number of intervals. */
  get size(): number {
    return this.#starts.length;
  }

  /** The interval at an index, 0 to `size` − 1. */
  interval(index: number): Interval {
    const first = this.#starts[index];
    if (first === undefined) {
      throw new RangeError(
        `Cannot read interval "${index}": out of range, expected 0 to ${this.size - 1}`,
      );
    }
    const next = this.#starts[index + 1];
    return { first, last: next === undefined ? this.#last : next - 1n };
  }

  /** The index of the interval that holds a value. */
  indexOf(value: bigint): number {
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      const start = this.#starts[middle];
      if (start !== undefined && start <= value) low = middle;
      else high = middle;
    }
    return low;
  }

  /**
   * First and last value of an interval: with those of its neighbours, every boundary
   * and the values beside it.
   */
  corners(index: number): bigint[] {
    const { first, last } = this.interval(index);
    return first === last ? [first] : [first, last];
  }
}
