/** Gives out the lowest numbers that are free, so that tables indexed by them stay dense. */
export class NumberPool {
  readonly #free: number[] = [];
  #next: number;

  /** @param first The lowest number. */
  constructor(first: number) {
    this.#next = first;
  }

  /** Takes the lowest free number. */
  take(): number {
    return this.#free.shift() ?? this.#next++;
  }

  /** Gives a number back. */
  give(number: number): void {
    const at = this.#free.findIndex((other) => other > number);
    this.#free.splice(at < 0 ? this.#free.length : at, 0, number);
  }
}
