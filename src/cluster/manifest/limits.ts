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

/**
 * Finds the one field of several that an object has.
 *
 * @param expected What to write, in the errors about none and about two.
 */
export function onlyField<K extends string>(
  object: Cursor,
  fields: ReadonlyMap<string, Cursor>,
  names: readonly K[],
  expected = `one of ${names.join(", ")}`,
): [name: K, field: Cursor] {
  const found = names.filter((name) => fields.has(name));
  const [name, second] = found;
  const field = name === undefined ? undefined : fields.get(name);
  if (name === undefined || field === undefined) {
    object.fail(names.length === 2 ? `has neither ${names.join(" nor ")}` : "is empty", expected);
  }
  if (second !== undefined) object.fail(`has both ${name} and ${second}`, expected);
  return [name, field];
}
