/** What every BTF type has. */
interface Base {
  /** Type id; 0 is void. */
  readonly id: number;
}

/** A member of a struct or union, as stored. */
export interface BtfMember {
  /** Empty for an anonymous struct or union. */
  readonly name: string;
  readonly type: number;
  /** Offset from the start of the struct, in bits. */
  readonly bitOffset: number;
  /** Width in bits; 0 if it is not a bitfield. */
  readonly bitfieldSize: number;
}

/** The absence of a type. */
export interface BtfVoid extends Base {
  readonly kind: "void";
}
/** An integer, char or bool. */
export interface BtfInt extends Base {
  readonly kind: "int";
  readonly name: string;
  readonly size: number;
  readonly bits: number;
  readonly signed: boolean;
  readonly char: boolean;
  readonly bool: boolean;
}
/** A floating-point number. */
export interface BtfFloat extends Base {
  readonly kind: "float";
  readonly name: string;
  readonly size: number;
}
/** A pointer to `type`. */
export interface BtfPointer extends Base {
  readonly kind: "pointer";
  readonly type: number;
}
/** An array of `count` elements. */
export interface BtfArray extends Base {
  readonly kind: "array";
  readonly type: number;
  readonly indexType: number;
  readonly count: number;
}
/** A struct or union. */
export interface BtfComposite extends Base {
  readonly kind: "struct" | "union";
  /** Empty if anonymous. */
  readonly name: string;
  readonly size: number;
  readonly members: readonly BtfMember[];
}
/** An enum of up to 32 bits. */
export interface BtfEnum extends Base {
  readonly kind: "enum";
  readonly name: string;
  readonly size: number;
  readonly signed: boolean;
  readonly values: readonly { readonly name: string; readonly value: number }[];
}
/** An enum of 64 bits. */
export interface BtfEnum64 extends Base {
  readonly kind: "enum64";
  readonly name: string;
  readonly size: number;
  readonly signed: boolean;
  readonly values: readonly { readonly name: string; readonly value: bigint }[];
}
/** A declared, undefined struct or union. */
export interface BtfForward extends Base {
  readonly kind: "forward";
  readonly name: string;
  readonly of: "struct" | "union";
}
/** A typedef, qualifier or type tag: another name for `type`. */
export interface BtfModifier extends Base {
  readonly kind: "typedef" | "volatile" | "const" | "restrict" | "typeTag";
  /** The typedef's or tag's name; empty for qualifiers. */
  readonly name: string;
  readonly type: number;
}
/** A function; `type` is its prototype. */
export interface BtfFunction extends Base {
  readonly kind: "function";
  readonly name: string;
  readonly type: number;
  readonly linkage: number;
}
/** A function prototype. */
export interface BtfPrototype extends Base {
  readonly kind: "prototype";
  readonly returnType: number;
  readonly parameters: readonly { readonly name: string; readonly type: number }[];
}
/** A global variable. */
export interface BtfVariable extends Base {
  readonly kind: "variable";
  readonly name: string;
  readonly type: number;
  readonly linkage: number;
}
/** The variables of an ELF section; clang leaves sizes and offsets 0. */
export interface BtfDataSection extends Base {
  readonly kind: "dataSection";
  readonly name: string;
  readonly size: number;
  readonly variables: readonly {
    readonly type: number;
    readonly offset: number;
    readonly size: number;
  }[];
}
/** `__attribute__((btf_decl_tag))`. */
export interface BtfDeclTag extends Base {
  readonly kind: "declTag";
  readonly name: string;
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

type OfKind<T, K> = T extends { readonly kind: infer Kinds }
  ? K extends Kinds ? T & { readonly kind: K } : never
  : never;

/** The type of one kind. */
export type BtfTypeOf<K extends BtfKind> = OfKind<BtfType, K>;
