import type { Cursor } from "./cursor.ts";

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
