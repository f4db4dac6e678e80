import type { Verdict } from "./map_state.ts";

/** Highest priority number, that of the weakest rule. */
export const MAX_PRIORITY = 2 ** 24 - 1;
/** Highest priority number of a listener, the weakest. */
export const MAX_LISTENER_PRIORITY = 126;

/**
 * Kinds of verdict in the lowest byte of a precedence. Newest scheme of Cilium's main
 * branch (pkg/policy/types/entry.go): a deny is all ones and beats all else of the same
 * priority, 0 is left to `Pass`, which never reaches the map. (Cilium 1.19 itself marked
 * a deny by bit 7; the order of entries is the same.)
 */
const KIND: Readonly<Record<Verdict, number>> = { deny: 255, allow: 1, redirect: 2 };

/**
 * Returns the precedence of an entry: unsigned 32-bit, the higher one wins.
 *
 * @param priority 0 to {@linkcode MAX_PRIORITY}; a lower number is stronger. Rules
 *   without a priority have 0.
 * @param listenerPriority Of a redirect to a listener, 1 (strongest) to
 *   {@linkcode MAX_LISTENER_PRIORITY}; 0 for a redirect that says nothing about it.
 * @throws {RangeError} for a priority out of range.
 */
export function precedenceOf(
  verdict: Verdict,
  priority: number = 0,
  listenerPriority: number = 0,
): number {
  requireRange("priority", priority, MAX_PRIORITY);
  requireRange("listener priority", listenerPriority, MAX_LISTENER_PRIORITY);
  const listener = verdict === "redirect" && listenerPriority > 0;
  const kind = listener ? KIND.deny - listenerPriority : KIND[verdict];
  return ((MAX_PRIORITY - priority) * 256 + kind) >>> 0;
}

function requireRange(what: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return;
  throw new RangeError(`Cannot order ${what} "${value}": out of range, expected 0 to ${max}`);
}
