/** Where an object was read. */
export interface Location {
  /** Name of the input, usually a path. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1. */
  readonly column: number;
}
