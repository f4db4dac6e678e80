/** What every layout has. */
export interface LayoutBase {
  /** Bytes. */
  readonly size: number;
  /** Names of the typedefs around the type, outermost first: `["__be16", "__u16"]`. */
  readonly typedefs: readonly string[];
}

/** An integer, char or bool. */
export interface IntLayout extends LayoutBase {
  /** Tells the kinds of layout apart. */
  readonly kind: "int";
  /** C name: `unsigned int`. */
  readonly name: string;
  /** True if negative values are possible. */
  readonly signed: boolean;
  /** True if the compiler marks it as a character. */
  readonly char: boolean;
  /** True for `_Bool`. */
  readonly bool: boolean;
}

/** A floating-point number. */
export interface FloatLayout extends LayoutBase {
  /** Tells the kinds of layout apart. */
  readonly kind: "float";
  /** C name; empty if it has none. */
  readonly name: string;
}

/** An enum; 64-bit ones have bigint values. */
export interface EnumLayout extends LayoutBase {
  /** Tells the kinds of layout apart. */
  readonly kind: "enum";
  /** C name; empty if it has none. */
  readonly name: string;
  /** True if negative values are possible. */
  readonly signed: boolean;
  /** Enumerators, in the order of the definition. */
  readonly values: readonly { readonly name: string; readonly value: number | bigint }[];
}

/** A pointer (8 bytes in BPF); what it points at is not followed. */
export interface PointerLayout extends LayoutBase {
  /** Tells the kinds of layout apart. */
  readonly kind: "pointer";
}

/** An array; `size` = `count` × `element.size`. A flexible array has count 0. */
export interface ArrayLayout extends LayoutBase {
  /** Tells the kinds of layout apart. */
  readonly kind: "array";
  /** Elements; 0 for a flexible array. */
  readonly count: number;
  /** Layout of each element. */
  readonly element: TypeLayout;
}

/** A struct or union with its members. */
export interface StructLayout extends LayoutBase {
  /** Tells the kinds of layout apart. */
  readonly kind: "struct" | "union";
  /** Empty if anonymous. */
  readonly name: string;
  /** In the order of the definition. */
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
  /** Layout of the member. */
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
