import type { ByteOrder } from "../_reader.ts";
import { readInteger } from "./_integer.ts";
import { isBytes, isText, PartLimit } from "./_layout_kinds.ts";
import type {
  ArrayLayout,
  EnumLayout,
  IntLayout,
  MemberLayout,
  StructLayout,
  TypeLayout,
} from "./layout.ts";
import type { BtfValue } from "./value.ts";

/** Turns bytes into values. */
export class Decoder {
  readonly #bytes: Uint8Array;
  readonly #order: ByteOrder;
  readonly #limit = new PartLimit();

  constructor(bytes: Uint8Array, order: ByteOrder) {
    this.#bytes = bytes;
    this.#order = order;
  }

  read(layout: TypeLayout, bit: number): BtfValue {
    this.#limit.count(layout);
    const at = bit / 8;
    switch (layout.kind) {
      case "int":
      case "enum":
      case "pointer":
        return this.#number(layout, { bit, bits: layout.size * 8 });
      case "float":
        return this.#float(layout.size, at);
      case "array":
        return this.#array(layout, bit);
      case "struct":
      case "union": {
        // Not by assignment: a hostile member may be called "__proto__".
        const members = new Map<string, BtfValue>();
        this.#members(layout, bit, members);
        return Object.fromEntries(members);
      }
    }
  }

  #number(
    layout: IntLayout | EnumLayout | { kind: "pointer" },
    place: { bit: number; bits: number },
  ): BtfValue {
    const signed = layout.kind !== "pointer" && layout.signed;
    const value = readInteger(this.#bytes, { ...place, signed, order: this.#order });
    if (layout.kind === "int" && layout.bool) return value !== 0n;
    const wide = layout.kind === "pointer" || layout.size > 4;
    return wide ? value : Number(value);
  }

  #float(size: number, at: number): number {
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, size);
    if (size === 4) return view.getFloat32(0, this.#order === "little");
    return size === 8 ? view.getFloat64(0, this.#order === "little") : NaN;
  }

  #array(layout: ArrayLayout, bit: number): BtfValue {
    const { count, element, size } = layout;
    const bytes = this.#bytes.subarray(bit / 8, bit / 8 + size);
    if (isText(layout)) {
      const end = bytes.indexOf(0);
      return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
    }
    if (isBytes(layout)) return bytes.slice();
    const values: BtfValue[] = [];
    for (let index = 0; index < count; index++) {
      values.push(this.read(element, bit + index * element.size * 8));
    }
    return values;
  }

  #members(layout: StructLayout, bit: number, into: Map<string, BtfValue>): void {
    for (const member of layout.members) {
      this.#limit.count(layout);
      const { type, name, bitSize: bits } = member;
      const at = bit + member.bitOffset;
      if (name !== "") into.set(name, this.#member(member, { at, bits }));
      else if (type.kind === "struct" || type.kind === "union") this.#members(type, at, into);
    }
  }

  #member({ type, bitfield }: MemberLayout, { at, bits }: { at: number; bits: number }): BtfValue {
    if (!bitfield || (type.kind !== "int" && type.kind !== "enum")) return this.read(type, at);
    return this.#number(type, { bit: at, bits });
  }
}
