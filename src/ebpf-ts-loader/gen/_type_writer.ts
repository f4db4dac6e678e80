import type {
  ArrayLayout,
  EnumLayout,
  MemberLayout,
  StructLayout,
  TypeLayout,
} from "../btf/layout.ts";
import { commentText, Names, propertyName, typeName } from "./_names.ts";

// Deeper anonymous nesting is written out as a plain value.
const MAX_DEPTH = 16;
// What a real object's types come to is a few hundred lines.
const MAX_LENGTH = 4 * 1024 * 1024;

/** Where members are written, and where they lie. */
interface Place {
  /** Levels of indentation. */
  readonly indent: number;
  /** Offset of the struct whose members they are inside the named one. */
  readonly bit: number;
  /** Anonymous structs around. */
  readonly depth: number;
  /** True inside a union. */
  readonly optional: boolean;
}

/** What C calls a type: `__u8[6]`. */
function cType(layout: TypeLayout): string {
  if (layout.kind === "array") return `${cType(layout.element)}[${layout.count}]`;
  const name = "name" in layout ? layout.name : "";
  return layout.typedefs[0] ?? (name || layout.kind);
}

/** `1 byte`, `8 bytes`. */
export function byteCount(size: number): string {
  return size === 1 ? "1 byte" : `${size} bytes`;
}

/** Writes the TypeScript types of C types, each named one once. */
export class TypeWriter {
  readonly #names = new Names();
  /** Name by C name and body: different structs may have the same name. */
  readonly #known = new Map<string, string>();
  readonly #declarations: string[] = [];
  #length = 0;

  /** All declarations so far. */
  get declarations(): readonly string[] {
    return this.#declarations;
  }

  /** The type of a layout, as it stands in a declaration. */
  reference(layout: TypeLayout, depth = 0): string {
    switch (layout.kind) {
      case "int":
        return layout.bool ? "boolean" : layout.size > 4 ? "bigint" : "number";
      case "float":
        return "number";
      case "pointer":
        return "bigint";
      case "enum":
        return this.#enum(layout);
      case "array":
        return this.#array(layout, depth);
      case "struct":
      case "union":
        return this.#struct(layout, depth);
    }
  }

  #enum(layout: EnumLayout): string {
    const plain = layout.size > 4 ? "bigint" : "number";
    const name = layout.name || layout.typedefs[0];
    if (name === undefined || layout.values.length === 0) return plain;
    const lines = layout.values.map(({ name: key, value }) =>
      `  ${propertyName(key)}: ${value}${typeof value === "bigint" ? "n" : ""},`
    );
    const body = [...new Map(lines.map((line) => [line, line])).values()].join("\n");
    this.#declare(name, body, (unique) =>
      `/** Values of \`enum ${commentText(name)}\`. */\n` +
      `export const ${unique} = {\n${body}\n} as const;\n`);
    return plain;
  }

  #array(layout: ArrayLayout, depth: number): string {
    const { element } = layout;
    if (element.kind === "int" && element.size === 1) {
      if (element.name === "char") return "string";
      if (!element.signed && !element.bool) return "Uint8Array";
    }
    return `${this.reference(element, depth)}[]`;
  }

  #struct(layout: StructLayout, depth: number): string {
    if (depth > MAX_DEPTH) return "Record<string, never>";
    const name = layout.name || layout.typedefs[0];
    const indent = name === undefined ? depth + 1 : 1;
    const place = { indent, bit: 0, depth: 0, optional: layout.kind === "union" };
    const members = [...new Set(this.#members(layout, place))];
    if (name === undefined) return `{\n${members.join("\n")}\n${"  ".repeat(depth)}}`;
    const body = members.join("\n");
    const kind = layout.name === "" ? "typedef" : layout.kind;
    return this.#declare(
      name,
      body,
      (unique) =>
        `/** \`${kind} ${commentText(name)}\`, ${byteCount(layout.size)}. */\n` +
        `export type ${unique} = {\n${body}\n};\n`,
    );
  }

  #members(layout: StructLayout, place: Place): string[] {
    return layout.members.flatMap((member) => {
      const { name, type, bitOffset } = member;
      if (name !== "") return [this.#member(member, place)];
      if (type.kind !== "struct" && type.kind !== "union") return [];
      if (place.depth > MAX_DEPTH) return [];
      // Members of anonymous members are the outer one's; of a union, any may be given.
      return this.#members(type, {
        ...place,
        bit: place.bit + bitOffset,
        optional: place.optional || type.kind === "union",
        depth: place.depth + 1,
      });
    });
  }

  #member({ name, type, bitfield, bitSize, bitOffset }: MemberLayout, place: Place): string {
    const space = "  ".repeat(place.indent);
    const at = place.bit + bitOffset;
    const where = bitfield ? `${bitSize} bits at bit ${at}` : `at ${at / 8}`;
    const property = `${propertyName(name)}${place.optional ? "?" : ""}`;
    const text = `${space}/** ${commentText(cType(type))}, ${where} */\n` +
      `${space}${property}: ${this.reference(type, place.indent)};`;
    this.#length += text.length;
    if (this.#length <= MAX_LENGTH) return text;
    throw new RangeError(`Cannot write types: more than ${MAX_LENGTH} letters, expected fewer`);
  }

  #declare(name: string, body: string, text: (unique: string) => string): string {
    const key = `${name}\n${body}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const unique = this.#names.unique(typeName(name));
    this.#known.set(key, unique);
    this.#declarations.push(text(unique));
    return unique;
  }
}
