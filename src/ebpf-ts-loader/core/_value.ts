import type { BtfMember, BtfType } from "../btf/types.ts";
import { ObjectFormatError } from "../errors.ts";
import type { Access } from "./_access.ts";
import { isEnum, sizeOfType } from "./types.ts";
import { CoreKind, isEnumKind, isFieldKind } from "./relocation.ts";

/** What a relocation puts into its instruction. */
export interface CoreValue {
  /** As an unsigned 64-bit number. */
  readonly value: bigint;
  /** False where compilers disagree about the value: it then need not be in the instruction. */
  readonly checked: boolean;
  /** Bytes that a load or store of the field moves, and the field's type; for offsets only. */
  readonly memory: { readonly size: number; readonly type: BtfType } | undefined;
}

/** The instruction cannot be right on this kernel: it becomes an invalid call. */
export const POISON = "poison";

const NONE = { checked: true, memory: undefined } as const;

/** The answer for an access, or for its absence in the target. */
export function coreValue(kind: number, access: Access | undefined): CoreValue | typeof POISON {
  if (kind === CoreKind.FIELD_EXISTS || kind === CoreKind.ENUMVAL_EXISTS) {
    return { value: access ? 1n : 0n, ...NONE };
  }
  if (isFieldKind(kind)) return access ? fieldValue(kind, access) : POISON;
  if (isEnumKind(kind)) return access ? enumValue(access) : POISON;
  return access ? typeValue(kind, access) : { value: 0n, ...NONE };
}

function typeValue(kind: number, { btf, rootTypeId }: Access): CoreValue {
  switch (kind) {
    case CoreKind.TYPE_ID_LOCAL:
    case CoreKind.TYPE_ID_TARGET:
      return { value: BigInt(rootTypeId), checked: false, memory: undefined };
    case CoreKind.TYPE_SIZE: {
      const size = sizeOfType({ btf, id: rootTypeId });
      if (size === undefined) throw unfit(`the size of type ${rootTypeId}`, "a type with a size");
      return { value: BigInt(size), ...NONE };
    }
    default:
      return { value: 1n, ...NONE };
  }
}

function enumValue({ btf, accessors: [accessor] }: Access): CoreValue {
  const type = accessor && btf.type(accessor.typeId);
  const values = type?.kind === "enum" || type?.kind === "enum64" ? type.values : [];
  const value = BigInt.asUintN(64, BigInt(values[accessor?.index ?? 0]?.value ?? 0));
  return { value, ...NONE };
}

function unfit(state: string, expected: string): ObjectFormatError {
  return new ObjectFormatError("CO-RE relocation", state, expected);
}

function fieldValue(kind: number, access: Access): CoreValue {
  const { btf, accessors, bitOffset } = access;
  const last = accessors.at(-1);
  const owner = last && btf.type(last.typeId);
  if (!last || !owner) throw unfit("an empty path", "a field");
  if (last.name === undefined) {
    const size = sizeOfType({ btf, id: last.typeId });
    if (size === undefined) throw unfit(`an element of type ${last.typeId}`, "a size");
    if (kind === CoreKind.FIELD_BYTE_SIZE) return { value: BigInt(size), ...NONE };
    if (kind === CoreKind.FIELD_BYTE_OFFSET) {
      const memory = { size, type: owner };
      return { value: BigInt(Math.floor(bitOffset / 8)), checked: true, memory };
    }
    throw unfit(`kind ${kind} for an array element`, "its offset, size or existence");
  }
  const member = "members" in owner ? owner.members[last.index] : undefined;
  if (!member) throw unfit(`member ${last.index} of a ${owner.kind}`, "a member");
  return memberValue(kind, access, member);
}

function memberValue(kind: number, { btf, bitOffset }: Access, member: BtfMember): CoreValue {
  const type = btf.resolve(member.type);
  const whole = sizeOfType({ btf, id: type.id }) ?? 0;
  const bitfield = member.bitfieldSize > 0;
  const bits = bitfield ? member.bitfieldSize : whole * 8;
  const { offset, size } = bitfield
    ? bitfieldUnit(bitOffset, bits, whole)
    : { offset: Math.floor(bitOffset / 8), size: whole };
  const checked = !bitfield;
  switch (kind) {
    case CoreKind.FIELD_BYTE_OFFSET: {
      const element = elementOf(btf, type);
      const memory = bitfield
        ? undefined
        : { size: sizeOfType({ btf, id: element.id }) ?? 0, type: element };
      return { value: BigInt(offset), checked, memory };
    }
    case CoreKind.FIELD_BYTE_SIZE:
      return { value: BigInt(size), checked, memory: undefined };
    case CoreKind.FIELD_SIGNED: {
      const signed = (type.kind === "int" || isEnum(type)) && "signed" in type && type.signed;
      return { value: signed ? 1n : 0n, ...NONE };
    }
    case CoreKind.FIELD_LSHIFT_U64: {
      const shift = btf.byteOrder === "little"
        ? 64 - (bitOffset + bits - offset * 8)
        : (8 - size) * 8 + (bitOffset - offset * 8);
      return { value: BigInt.asUintN(64, BigInt(shift)), checked, memory: undefined };
    }
    default:
      return { value: BigInt.asUintN(64, BigInt(64 - bits)), ...NONE };
  }
}

/** The smallest aligned integer that holds all bits of a bitfield. */
function bitfieldUnit(
  bitOffset: number,
  bits: number,
  declared: number,
): { offset: number; size: number } {
  for (let size = Math.max(declared, 1); size <= 8; size *= 2) {
    const offset = Math.floor(bitOffset / 8 / size) * size;
    if (bitOffset + bits <= (offset + size) * 8) return { offset, size };
  }
  throw unfit(`a bitfield of ${bits} bits at bit ${bitOffset}`, "one inside 8 aligned bytes");
}

function elementOf(btf: Access["btf"], type: BtfType): BtfType {
  let element = type;
  for (let depth = 0; element.kind === "array" && depth < 32; depth++) {
    element = btf.resolve(element.type);
  }
  return element;
}
