/** Options for {@linkcode InternTable}. */
export interface InternTableOptions {
  /** Lowest number. */
  readonly first: number;
  /** Highest number. */
  readonly last: number;
  /** What is numbered, for messages. */
  readonly what: string;
  /** Revisions for which what is out of use can still be looked up. */
  readonly keep: number;
}

interface Interned<T> {
  readonly key: string;
  readonly value: T;
  references: number;
  /** Revision in which the last reference was given back. */
  released: number;
}

/**
 * Numbers for values: equal values have one number while anything refers to it, and for
 * some revisions after that. A number comes round again as late as possible.
 */
export class InternTable<T> {
  readonly #options: InternTableOptions;
  readonly #byKey = new Map<string, number>();
  readonly #values = new Map<number, Interned<T>>();
  /** Numbers without references, the longest unused first. */
  readonly #unused = new Set<number>();
  #next: number;
  #revision = 0;

  constructor(options: InternTableOptions) {
    this.#options = options;
    this.#next = options.first;
  }

  /** Values that can be looked up. */
  get size(): number {
    return this.#values.size;
  }

  /**
   * Takes a reference on the number of a value.
   *
   * @param key Equal for equal values only.
   * @throws {RangeError} when every number is in use.
   */
  intern(key: string, make: () => T): number {
    const known = this.#byKey.get(key);
    const interned = known === undefined ? undefined : this.#values.get(known);
    if (known !== undefined && interned !== undefined) {
      interned.references++;
      this.#unused.delete(known);
      return known;
    }
    const number = this.#takeNumber();
    this.#byKey.set(key, number);
    this.#values.set(number, { key, value: make(), references: 1, released: 0 });
    return number;
  }

  /** Gives a reference back. */
  release(number: number): void {
    const interned = this.#values.get(number);
    if (interned === undefined || interned.references === 0) {
      throw new TypeError(
        `Cannot release ${this.#options.what} "${number}": not in use, expected a reference to it`,
      );
    }
    if (--interned.references > 0) return;
    interned.released = this.#revision;
    this.#unused.add(number);
  }

  /** Returns the value of a number; `undefined` for one that is unknown or too old. */
  get(number: number): T | undefined {
    return this.#values.get(number)?.value;
  }

  /** Starts the next revision and forgets what has been out of use for too long. */
  advance(): void {
    this.#revision++;
    for (const number of this.#unused) {
      const interned = this.#values.get(number);
      if (interned !== undefined && this.#revision - interned.released <= this.#options.keep) {
        return;
      }
      this.#unused.delete(number);
      this.#values.delete(number);
      if (interned !== undefined) this.#byKey.delete(interned.key);
    }
  }

  #takeNumber(): number {
    const { first, last, what } = this.#options;
    const count = last - first + 1;
    if (this.#values.size >= count) {
      throw new RangeError(`Cannot number a ${what}: all ${count} in use, expected fewer`);
    }
    while (this.#values.has(this.#next)) this.#advanceNumber();
    const number = this.#next;
    this.#advanceNumber();
    return number;
  }

  #advanceNumber(): void {
    const { first, last } = this.#options;
    this.#next = this.#next >= last ? first : this.#next + 1;
  }
}
