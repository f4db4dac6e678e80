import type { Verdict } from "./map_state.ts";

/** Highest priority number, that of the weakest rule. */
export const MAX_PRIORITY = 2 ** 24 - 1;

/**
 * Kinds of verdict in the lowest byte of a precedence. Newest scheme of Cilium's main
 * branch: a deny is all ones and beats all else of the same priority. (Cilium 1.19 itself
 * marked a deny by bit 7; the order of entries is the same.) Redirects will take the
 * values between the two.
 */
const KIND: Readonly<Record<Verdict, number>> = { deny: 255, allow: 1 };

/**
 * Returns the precedence of an entry: unsigned 32-bit, the higher one wins.
 *
 * @param priority 0 to {@linkcode MAX_PRIORITY}; a lower number is stronger. Rules
 *   without a priority have 0.
 * @throws {RangeError} for a priority out of range.
 */
export function precedenceOf(verdict: Verdict, priority: number = 0): number {
  if (!Number.isInteger(priority) || priority < 0 || priority > MAX_PRIORITY) {
    throw new RangeError(
      `Cannot order priority "${priority}": out of range, expected 0 to ${MAX_PRIORITY}`,
    );
  }
  return ((MAX_PRIORITY - priority) * 256 + KIND[verdict]) >>> 0;
}
