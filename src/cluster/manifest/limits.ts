import type { Cursor } from "./cursor.ts";

/**
 * Most ports in one item of `toPorts`, and most fields in one item of `icmps`
 * (cilium/cilium pkg/policy/api/rule_validation.go, maxPorts and maxICMPFields).
 */
export const MAX_PORTS = 40;

/** Reads a list of at least one and at most `max` items. */
export function itemsUpTo(field: Cursor, max: number, what: string): Cursor[] {
  const items = field.items();
  if (items.length === 0) field.fail("is an empty list", `at least one ${what}`);
  if (items.length > max) field.fail(`has ${items.length} ${what}s`, `at most ${max}`);
  return items;
}
