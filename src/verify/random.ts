/**
 * A seeded source of numbers (xoshiro128**, Blackman and Vigna 2018): the same seed gives
 * the same flows on every machine, so that a run can be repeated. Not for secrets.
 */
export class Random {
  readonly #state: Uint32Array;

  /** @param seed Unsigned 32-bit. */
  constructor(seed: number) {
    if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
      throw new RangeError(`Cannot use seed "${seed}": out of range, expected 0 to ${0xffffffff}`);
    }
    // splitmix32 spreads the seed over the state, which must not be all zero.
    let x = seed;
    this.#state = Uint32Array.from({ length: 4 }, () => {
      x = (x + 0x9e3779b9) >>> 0;
      let z = Math.imul(x ^ x >>> 16, 0x21f0aaad);
      z = Math.imul(z ^ z >>> 15, 0x735a2d97);
      return z ^ z >>> 15;
    });
  }

  /** An unsigned 32-bit number. */
  u32(): number {
    const s = this.#state;
    const [a = 0, b = 0, c = 0, d = 0] = s;
    const x = Math.imul(b, 5);
    const result = Math.imul(x << 7 | x >>> 25, 9) >>> 0;
    const t = d ^ b;
    s[0] = a ^ t;
    s[1] = b ^ c ^ a;
    s[2] = c ^ a ^ b << 9;
    s[3] = t << 11 | t >>> 21;
    return result;
  }

  /** A whole number from 0 up to, not including, `limit` (at most 2³²). */
  below(limit: number): number {
    return Math.floor(this.u32() / 0x100000000 * limit);
  }

  /** One of the items. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) {
      throw new RangeError("Cannot pick an item: list is empty, expected at least one");
    }
    return item;
  }
}
