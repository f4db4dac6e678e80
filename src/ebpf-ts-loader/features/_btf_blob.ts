import { concatBytes } from "./_instructions.ts";

/** Kinds of BTF that came after the first release with BTF. */
export type BtfFeature =
  | "func"
  | "global func"
  | "datasec"
  | "float"
  | "decl tag"
  | "type tag"
  | "enum64";

const KIND = {
  INT: 1,
  PTR: 2,
  STRUCT: 4,
  FUNC: 12,
  FUNC_PROTO: 13,
  VAR: 14,
  DATASEC: 15,
  FLOAT: 16,
  DECL_TAG: 17,
  TYPE_TAG: 18,
  ENUM64: 19,
} as const;

const HEADER = 24;
const SIGNED = 1 << 24;

function words(...values: number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Int32Array.from(values).buffer);
}

/** `struct btf_type` and what follows it. `size` is a type id for kinds that have one. */
function type(kind: number, name: number, size: number, rest: number[] = [], length = 0) {
  return words(name, kind << 24 | length, size, ...rest);
}

const STRINGS = new TextEncoder().encode(["", "a", ".data", "0", ""].join("\0"));
const NAME = 1;
const SECTION = 3;
const ACCESS = 9;
const INT = type(KIND.INT, NAME, 4, [SIGNED | 32]); // always type 1
const STATIC = 0;
const GLOBAL = 1;

const TYPES: Readonly<Record<BtfFeature, readonly Uint8Array<ArrayBuffer>[]>> = {
  func: [type(KIND.FUNC_PROTO, 0, 0), type(KIND.FUNC, NAME, 2, [], STATIC)],
  "global func": [type(KIND.FUNC_PROTO, 0, 0), type(KIND.FUNC, NAME, 2, [], GLOBAL)],
  datasec: [type(KIND.VAR, NAME, 1, [STATIC]), type(KIND.DATASEC, SECTION, 4, [2, 0, 4], 1)],
  float: [type(KIND.FLOAT, NAME, 4)],
  "decl tag": [type(KIND.VAR, NAME, 1, [STATIC]), type(KIND.DECL_TAG, NAME, 2, [-1])],
  "type tag": [type(KIND.TYPE_TAG, NAME, 1), type(KIND.PTR, 0, 2)],
  enum64: [type(KIND.ENUM64, NAME, 8, [NAME, 1, 0], 1)],
};

function blob(types: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const section = concatBytes(types);
  const header = new DataView(new ArrayBuffer(HEADER));
  header.setUint16(0, 0xeb9f, true);
  header.setUint8(2, 1);
  header.setUint32(4, HEADER, true);
  header.setUint32(12, section.length, true);
  header.setUint32(16, section.length, true);
  header.setUint32(20, STRINGS.length, true);
  return concatBytes([new Uint8Array(header.buffer), section, STRINGS]);
}

/** BTF that only a kernel with the feature takes. */
export function btfWith(feature: BtfFeature): Uint8Array<ArrayBuffer> {
  return blob([INT, ...TYPES[feature]]);
}

/** BTF of plain integers, for maps: type 1 is an int of 4 bytes, type 2 one of 8. */
export function btfOfInts(): Uint8Array<ArrayBuffer> {
  return blob([INT, type(KIND.INT, NAME, 8, [64])]);
}

/** BTF for a program with a relocation; see `struct bpf_core_relo`. */
export interface RelocationBtf {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly functionId: number;
  /** A struct without members. */
  readonly structId: number;
  /** Offset of the text "0". */
  readonly access: number;
}

/** BTF of a function that returns an int, and a struct to relocate. */
export function btfOfRelocation(): RelocationBtf {
  const types = [
    INT,
    type(KIND.STRUCT, NAME, 0),
    type(KIND.FUNC_PROTO, 0, 1),
    type(KIND.FUNC, NAME, 3, [], STATIC),
  ];
  return { bytes: blob(types), structId: 2, functionId: 4, access: ACCESS };
}
