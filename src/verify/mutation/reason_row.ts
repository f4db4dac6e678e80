/**
 * Why mutants survive, as rows of a table: a line of C and a kind of mutation name a reason.
 *
 * @module
 */
import type { MutationKind } from "./mutant.ts";

/** Why a mutant survives. */
export interface Reason {
  readonly text: string;
  /**
   * No packet can tell the mutant from the original. False where one could, but not here:
   * such a survivor counts against the score.
   */
  readonly equivalent: boolean;
}

/** A reason, and the mutants that it is the reason of. */
export interface ReasonRow extends Reason {
  readonly lines: readonly string[];
  /** @default every kind */
  readonly kinds?: readonly MutationKind[];
  /** Mutants of one line, kind and function that it holds for. @default {1} */
  readonly most?: number;
}

/** Kinds of mutants: an immediate up or down by one. */
export const OFF_BY_ONE = ["immediate+1", "immediate-1"] as const;
/** Up only. */
export const ADD = ["immediate+1"] as const;
/** Down only. */
export const SUBTRACT = ["immediate-1"] as const;

export const NULL_CHECK: Reason = {
  text: "a null check that the verifier wants: the element exists, and no pointer is 1 or -1",
  equivalent: true,
};
export const FALLBACK: Reason = {
  text: "the value for a lookup that fails, which this one cannot",
  equivalent: true,
};
export const TRUTH: Reason = { text: "a truth value: 2 is as true as 1", equivalent: true };
export const BOUND: Reason = {
  text: "lengths have been checked against the frame before, so this bound always holds",
  equivalent: true,
};
export const PIVOT: Reason = {
  text: "a pivot of the compiler's search for the case: neither side has one at this value",
  equivalent: true,
};
export const LINEAR: Reason = {
  text: "frames of the harness lie in the linear part of the skb, and longer than they need be",
  equivalent: false,
};
export const OVERWRITTEN: Reason = {
  text: "zeros that are overwritten before anybody reads them, or that nobody reads",
  equivalent: true,
};
export const COPY: Reason = {
  text: "the compiler has a copy of this for each family, where the other's value is never used",
  equivalent: true,
};
export const WORDS: Reason = {
  text: "a length in words of 4 bytes: its lowest bits are 0",
  equivalent: true,
};
export const PASS: Reason = {
  text: "PARSE_PASS is any negative number",
  equivalent: true,
};
export const MASK: Reason = {
  text: "a mask of 32 bits under a slot: it differs for identity 2^32 - 1 only",
  equivalent: true,
};
