import type { ArrayLayout, StructLayout, TypeLayout } from "./layout.ts";

// A value of a real type has a few thousand members and elements at most; a hostile one may have
// the same struct inside itself twice per level.
const MAX_PARTS = 1024 * 1024;

/** Counts the parts of a value, and refuses more than any real one has. */
export class PartLimit {
  #parts = 0;

  count(layout: TypeLayout): void {
    if (++this.#parts <= MAX_PARTS) return;
    throw new RangeError(
      `Cannot use "${layoutName(layout)}": more than ${MAX_PARTS} parts, expected fewer`,
    );
  }
}

/** What to call a type in a message. */
export function layoutName(layout: TypeLayout): string {
  return layout.typedefs[0] ?? ("name" in layout && layout.name !== "" ? layout.name : layout.kind);
}

/** True for arrays of C's own `char`: text. */
export function isText(layout: ArrayLayout): boolean {
  const { element } = layout;
  return element.kind === "int" && element.size === 1 && element.name === "char";
}

/** True for arrays of bytes that are no text. */
export function isBytes({ element }: ArrayLayout): boolean {
  return element.kind === "int" && element.size === 1 && !element.signed && !element.bool;
}

/** Names that an object for the layout has: those of anonymous members are its own. */
export function memberNames(
  layout: StructLayout,
  names: Set<string> = new Set(),
  seen: Set<TypeLayout> = new Set(),
): Set<string> {
  if (seen.has(layout)) return names;
  seen.add(layout);
  for (const { name, type } of layout.members) {
    if (name !== "") names.add(name);
    else if (type.kind === "struct" || type.kind === "union") memberNames(type, names, seen);
  }
  return names;
}
