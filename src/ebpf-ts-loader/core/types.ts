import type { Btf } from "../btf/btf.ts";
import type { BtfType } from "../btf/types.ts";

const POINTER_SIZE = 8;
const MAX_DEPTH = 32;

/** A type of one BTF. */
export interface TypeRef {
  readonly btf: Btf;
  readonly id: number;
}

/** The type behind typedefs and qualifiers. */
export function resolved({ btf, id }: TypeRef): BtfType {
  return btf.resolve(id);
}

/** Bytes of a type, or undefined if it has none (void, functions, declarations). */
export function sizeOfType({ btf, id }: TypeRef): number | undefined {
  let count = 1;
  let type = btf.resolve(id);
  for (let depth = 0; type.kind === "array" && depth < MAX_DEPTH; depth++) {
    count *= type.count;
    type = btf.resolve(type.type);
  }
  switch (type.kind) {
    case "pointer":
      return count * POINTER_SIZE;
    case "int":
    case "float":
    case "struct":
    case "union":
    case "enum":
    case "enum64":
      return count * type.size;
    default:
      return undefined;
  }
}

/** The name of a type; empty if it has none. */
export function nameOf(type: BtfType): string {
  return "name" in type ? type.name : "";
}

/** A name without its flavor: `task_struct` of `task_struct___old`. */
export function essentialName(name: string): string {
  for (let at = name.length - 5; at >= 0; at--) {
    if (name.startsWith("___", at + 1) && name[at] !== "_" && name[at + 4] !== "_") {
      return name.slice(0, at + 1);
    }
  }
  return name;
}

/** Equal kinds; 32-bit and 64-bit enums count as one. */
export function sameKind(a: BtfType, b: BtfType): boolean {
  return a.kind === b.kind || (isEnum(a) && isEnum(b));
}

/** True for enums of any width. */
export function isEnum(type: BtfType): boolean {
  return type.kind === "enum" || type.kind === "enum64";
}

/** True for structs and unions. */
export function isComposite(type: BtfType): boolean {
  return type.kind === "struct" || type.kind === "union";
}
