/** Random numbers that a seed repeats: xoshiro128** by Blackman and Vigna, seeded by splitmix32. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param seed Any 32-bit number. */
  constructor(seed: number) {
    let counter = seed | 0;
    const split = () => {
      counter = (counter + 0x9E3779B9) | 0;
      let word = Math.imul(counter ^ counter >>> 16, 0x21F0AAAD);
      word = Math.imul(word ^ word >>> 15, 0x735A2D97);
      return word ^ word >>> 15;
    };
    [this.#a, this.#b, this.#c, this.#d] = [split(), split(), split(), split()];
  }

  /** The next 32 bits, unsigned. */
  next(): number {
    const scrambled = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotateLeft(this.#d, 11);
    return scrambled >>> 0;
  }

  /** An integer of 0 to `limit` − 1; `limit` is at most 2³². */
  below(limit: number): number {
    return Math.floor(this.next() / 2 ** 32 * limit);
  }

  /** True in `percent` of 100 cases. */
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  /** One of the items. */
  pick<T>(items: ArrayLike<T>): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('Cannot pick an "item": none, expected some');
    return item;
  }

  /** `count` different integers of `first` to `first` + `range` − 1, in random order. */
  distinct(count: number, first: number, range: number): number[] {
    if (count > range) {
      throw new RangeError(
        `Cannot draw "${count}" different numbers: too many, expected at most ${range}`,
      );
    }
    const drawn = new Set<number>();
    while (drawn.size < count) drawn.add(first + this.below(range));
    return [...drawn];
  }
}

function rotateLeft(word: number, bits: number): number {
  return word << bits | word >>> 32 - bits;
}
