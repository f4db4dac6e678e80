/** What every BTF type has. */
export interface BtfTypeBase {
  /** Type id; 0 is void. */
  readonly id: number;
}

/** A member of a struct or union, as stored. */
export interface BtfMember {
  /** Empty for an anonymous struct or union. */
  readonly name: string;
  /** Id of the type it is made of. */
  readonly type: number;
  /** Offset from the start of the struct, in bits. */
  readonly bitOffset: number;
  /** Width in bits; 0 if it is not a bitfield. */
  readonly bitfieldSize: number;
}

/** The absence of a type. */
export interface BtfVoid extends BtfTypeBase {
  /** Tells the kinds of type apart. */
  readonly kind: "void";
}
/** An integer, char or bool. */
export interface BtfInt extends BtfTypeBase {
  /** Tells the kinds of type apart. */
  readonly kind: "int";
  /** C name; empty if it has none. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Bits that carry the value. */
  readonly bits: number;
  /** True if negative values are possible. */
  readonly signed: boolean;
  /** True if the compiler marks it as a character. */
  readonly char: boolean;
  /** True for `_Bool`. */
  readonly bool: boolean;
}
/** A floating-point number. */
export interface BtfFloat extends BtfTypeBase {
  /** Tells the kinds of type apart. */
  readonly kind: "float";
  /** C name; empty if it has none. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}
/** A pointer to `type`. */
export interface BtfPointer extends BtfTypeBase {
  /** Tells the kinds of type apart. */
  readonly kind: "pointer";
  /** Id of the type it is made of. */
  readonly type: number;
}
/** An array of `count` elements. */
export interface BtfArray extends BtfTypeBase {
  /** Tells the kinds of type apart. */
  readonly kind: "array";
  /** Id of the type it is made of. */
  readonly type: number;
  /** Id of the type that counts the elements; of no use. */
  readonly indexType: number;
  /** Elements; 0 for a flexible array. */
  readonly count: number;
}
/** A struct or union. */
export interface BtfComposite extends BtfTypeBase {
  /** Tells the kinds of type apart. */
  readonly kind: "struct" | "union";
  /** Empty if anonymous. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** In the order of the definition. */
  readonly members: readonly BtfMember[];
}
/** An enum of up to 32 bits. */
export interface BtfEnum extends BtfTypeBase {
  /** Tells the kinds of type apart. */
  readonly kind: "enum";
  /** C name; empty if it has none. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** True if negative values are possible. */
  readonly signed: boolean;
  /** Enumerators, in the order of the definition. */
  readonly values: readonly { readonly name: string; readonly value: number }[];
}
/** An enum of 64 bits. */
export interface BtfEnum64 extends BtfTypeBase {
  /** Tells the kinds of type apart. */
  readonly kind: "enum64";
  /** C name; empty if it has none. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** True if negative values are possible. */
  readonly signed: boolean;
  /** Enumerators, in the order of the definition. */
  readonly values: readonly { readonly name: string; readonly value: bigint }[];
}
/** A declared, undefined struct or union. */
export interface BtfForward extends BtfTypeBase {
  /** Tells the kinds of type apart. */
  readonly kind: "forward";
  /** C name; empty if it has none. */
  readonly name: string;
  /** What it declares. */
  readonly of: "struct" | "union";
}
/** A typedef, qualifier or type tag: another name for `type`. */
export interface BtfModifier extends BtfTypeBase {
  /** Tells the kinds of type apart. */
  readonly kind: "typedef" | "volatile" | "const" | "restrict" | "typeTag";
  /** The typedef's or tag's name; empty for qualifiers. */
  readonly name: string;
  /** Id of the type it is made of. */
  readonly type: number;
}
/** A function; `type` is its prototype. */
export interface BtfFunction extends BtfTypeBase {
  /** Tells the kinds of type apart. */
  readonly kind: "function";
  /** C name; empty if it has none. */
  readonly name: string;
  /** Id of the type it is made of. */
  readonly type: number;
  /** 0 static, 1 global, 2 extern. */
  readonly linkage: number;
}
/** A function prototype. */
export interface BtfPrototype extends BtfTypeBase {
  /** Tells the kinds of type apart. */
  readonly kind: "prototype";
  /** Id of the type it returns; 0 for void. */
  readonly returnType: number;
  /** In order; a last one of type 0 without name stands for `...`. */
  readonly parameters: readonly { readonly name: string; readonly type: number }[];
}
/** A global variable. */
export interface BtfVariable extends BtfTypeBase {
  /** Tells the kinds of type apart. */
  readonly kind: "variable";
  /** C name; empty if it has none. */
  readonly name: string;
  /** Id of the type it is made of. */
  readonly type: number;
  /** 0 static, 1 global, 2 extern. */
  readonly linkage: number;
}
/** The variables of an ELF section; clang leaves sizes and offsets 0. */
export interface BtfDataSection extends BtfTypeBase {
  /** Tells the kinds of type apart. */
  readonly kind: "dataSection";
  /** C name; empty if it has none. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** The variables, by offset once the kernel has the BTF. */
  readonly variables: readonly {
    readonly type: number;
    readonly offset: number;
    readonly size: number;
  }[];
}
/** `__attribute__((btf_decl_tag))`. */
export interface BtfDeclTag extends BtfTypeBase {
  /** Tells the kinds of type apart. */
  readonly kind: "declTag";
  /** C name; empty if it has none. */
  readonly name: string;
  /** Id of the type it is made of. */
  readonly type: number;
  /** Member or parameter index; −1 for the whole type. */
  readonly component: number;
}

/** A BTF type as stored, with references by id. */
export type BtfType =
  | BtfVoid
  | BtfInt
  | BtfFloat
  | BtfPointer
  | BtfArray
  | BtfComposite
  | BtfEnum
  | BtfEnum64
  | BtfForward
  | BtfModifier
  | BtfFunction
  | BtfPrototype
  | BtfVariable
  | BtfDataSection
  | BtfDeclTag;

/** The name of a kind of BTF type. */
export type BtfKind = BtfType["kind"];

/** The type of one kind. */
export type BtfTypeOf<K extends BtfKind, T extends BtfType = BtfType> = T extends
  { readonly kind: infer Kinds } ? K extends Kinds ? T & { readonly kind: K } : never
  : never;
