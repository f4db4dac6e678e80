import type { Cursor } from "./cursor.ts";

/** Treats an explicit null as absent. */
export function present(field: Cursor | undefined): Cursor | undefined {
  return field === undefined || field.isNull ? undefined : field;
}

/** Makes a part of an object: the field with its value, or nothing if there is none. */
export function optional<K extends string, V>(
  name: K,
  value: V | undefined,
): { [key in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { [key in K]?: V };
}
