/** What every layout has. */
interface Base {
  /** Bytes. */
  readonly size: number;
  /** Names of the typedefs around the type, outermost first: `["__be16", "__u16"]`. */
  readonly typedefs: readonly string[];
}

/** An integer, char or bool. */
export interface IntLayout extends Base {
  readonly kind: "int";
  /** C name: `unsigned int`. */
  readonly name: string;
  readonly signed: boolean;
  readonly char: boolean;
  readonly bool: boolean;
}

/** A floating-point number. */
export interface FloatLayout extends Base {
  readonly kind: "float";
  readonly name: string;
}

/** An enum; 64-bit ones have bigint values. */
export interface EnumLayout extends Base {
  readonly kind: "enum";
  readonly name: string;
  readonly signed: boolean;
  readonly values: readonly { readonly name: string; readonly value: number | bigint }[];
}

/** A pointer (8 bytes in BPF); what it points at is not followed. */
export interface PointerLayout extends Base {
  readonly kind: "pointer";
}

/** An array; `size` = `count` × `element.size`. A flexible array has count 0. */
export interface ArrayLayout extends Base {
  readonly kind: "array";
  readonly count: number;
  readonly element: TypeLayout;
}

/** A struct or union with its members. */
export interface StructLayout extends Base {
  readonly kind: "struct" | "union";
  /** Empty if anonymous. */
  readonly name: string;
  readonly members: readonly MemberLayout[];
}

/** A member of a struct or union. */
export interface MemberLayout {
  /** Empty for an anonymous struct or union, whose members belong to the outer one in C. */
  readonly name: string;
  /** Byte offset from the start of the enclosing struct (of the storage unit for a bitfield). */
  readonly offset: number;
  /** Bit offset from the start of the enclosing struct. */
  readonly bitOffset: number;
  /** Width in bits; of the whole type unless it is a bitfield. */
  readonly bitSize: number;
  /** True if it is a bitfield. */
  readonly bitfield: boolean;
  readonly type: TypeLayout;
}

/** A type resolved through typedefs and qualifiers, down to its members and elements. */
export type TypeLayout =
  | IntLayout
  | FloatLayout
  | EnumLayout
  | PointerLayout
  | ArrayLayout
  | StructLayout;
