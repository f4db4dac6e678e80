import type { Location } from "../location.ts";

/** What a value is. */
export type ValueType = "null" | "boolean" | "number" | "string" | "list" | "object";

/** A value in a source, and the key that it belongs to; only the source looks into them. */
export interface Slot<Value> {
  readonly name: string;
  readonly key: Value;
  readonly value: Value;
}

/** A value is well-formed but has no sound reading; who reads adds subject and place. */
export class NoReading extends Error {
  override readonly name = "NoReading";
  /** For example `follows too many aliases`. */
  readonly state: string;
  /** What was expected instead. */
  readonly expected: string;

  constructor(state: string, expected: string) {
    super(`Cannot read value: ${state}, expected ${expected}`);
    this.state = state;
    this.expected = expected;
  }
}

/**
 * A text of which values can be read in place, each with its position. Nothing is made
 * of what nobody asks for: of a pod's hundreds of values, policy needs a dozen.
 *
 * Methods may throw {@linkcode NoReading}. Those that ask for a type trust the caller to
 * have looked at it.
 */
export interface Source<Value> {
  readonly file: string;
  /** The value itself, or what it refers to. Everything else but `locate` is asked of that. */
  enter(value: Value): Value;
  typeOf(value: Value): ValueType;
  /** The fields of an object, in order, each name once. */
  fields(value: Value): Slot<Value>[];
  /** The items of a list. */
  items(value: Value): Value[];
  /** The value of a string or boolean. */
  scalar(value: Value): string | boolean;
  /** A number as it was written, `080`. */
  numberText(value: Value): string;
  locate(value: Value): Location;
}
