/**
 * The structure of a text: where each value stands, and where the next one does, so that
 * any part of the text can be stepped over in one move. The idea is that of simdjson
 * (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019).
 *
 * ```
 * {"a": [1, 2]}      place  0    1    2    3    4
 *                    value  {    "a"  [    1    2
 *                    next   5    2    5    4    5
 * ```
 *
 * Keys are values too, each before the value it names.
 */
export class Tape {
  /** Offset, and next with the form in its two low bits, in turns. */
  #cells: Int32Array;
  #length = 0;

  /** @param capacity Values that it can take before it has to grow. */
  constructor(capacity: number) {
    this.#cells = new Int32Array(2 * capacity + 16);
  }

  /** How many values there are, those inside others counted. */
  get length(): number {
    return this.#length;
  }

  /** Where in the text a value starts, in UTF-16 units. */
  offset(place: number): number {
    return this.#cells[2 * place] ?? 0;
  }

  /** The place behind a value and everything inside it. */
  next(place: number): number {
    return (this.#cells[2 * place + 1] ?? 0) >>> 2;
  }

  /** What the writer noted with the value, 0 to 3. */
  form(place: number): number {
    return (this.#cells[2 * place + 1] ?? 0) & 3;
  }

  /** Writes a value without anything inside and returns its place. */
  push(offset: number, form = 0): number {
    if (2 * this.#length === this.#cells.length) {
      const grown = new Int32Array(2 * this.#cells.length);
      grown.set(this.#cells);
      this.#cells = grown;
    }
    const place = this.#length++;
    this.#cells[2 * place] = offset;
    this.#cells[2 * place + 1] = ((place + 1) << 2) | form;
    return place;
  }

  /** Ends a value: everything written since is inside it. */
  close(place: number): void {
    this.#cells[2 * place + 1] = (this.#length << 2) | this.form(place);
  }

  /** Yields the values that are inside no other. */
  *roots(): Generator<number> {
    for (let at = 0; at < this.#length; at = this.next(at)) yield at;
  }
}
