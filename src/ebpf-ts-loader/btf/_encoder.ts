import { didYouMean } from "../_nearest.ts";
import type { ByteOrder } from "../_reader.ts";
import { writeInteger } from "./_integer.ts";
import { isText, memberNames, PartLimit } from "./_layout_kinds.ts";
import type {
  ArrayLayout,
  EnumLayout,
  IntLayout,
  MemberLayout,
  StructLayout,
  TypeLayout,
} from "./layout.ts";
import type { BtfValue, ValueContext } from "./value.ts";

interface Place {
  /** From the start of the whole. */
  readonly bit: number;
  /** Dotted, for error messages. */
  readonly path: string;
}

/** Turns values into bytes. */
export class Encoder {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #order: ByteOrder;
  readonly #action: string;
  readonly #limit = new PartLimit();

  constructor(bytes: Uint8Array<ArrayBuffer>, { byteOrder = "little", action }: ValueContext) {
    this.#bytes = bytes;
    this.#order = byteOrder;
    this.#action = action ?? "encode";
  }

  #message(place: Place, state: string, expected: string): string {
    return `Cannot ${this.#action} "${place.path}": ${state}, expected ${expected}`;
  }

  write(layout: TypeLayout, value: BtfValue, place: Place): void {
    this.#limit.count(layout);
    if (value instanceof Uint8Array) return this.#raw(layout, value, place);
    switch (layout.kind) {
      case "int":
      case "enum":
      case "pointer":
        return this.#number(layout, value, { ...place, bits: layout.size * 8 });
      case "float":
        return this.#float(layout.size, value, place);
      case "array":
        return this.#array(layout, value, place);
      case "struct":
      case "union":
        return this.#composite(layout, value, place);
    }
  }

  #raw(layout: TypeLayout, value: Uint8Array, place: Place): void {
    if (value.length !== layout.size) {
      throw new RangeError(this.#message(place, `${value.length} bytes`, `${layout.size}`));
    }
    this.#bytes.set(value, place.bit / 8);
  }

  #number(
    layout: IntLayout | EnumLayout | { kind: "pointer"; size: number },
    value: BtfValue,
    place: Place & { bits: number },
  ): void {
    const number = this.#integer(layout, value, place);
    const bits = BigInt(place.bits);
    const signed = layout.kind !== "pointer" && layout.signed;
    const low = signed ? -(1n << (bits - 1n)) : 0n;
    const bool = layout.kind === "int" && layout.bool;
    const high = bool ? 1n : (1n << (signed ? bits - 1n : bits)) - 1n;
    if (number < low || number > high) {
      throw new RangeError(this.#message(place, `${number}`, `${low} to ${high}`));
    }
    writeInteger(this.#bytes, number, { ...place, signed, order: this.#order });
  }

  #integer(
    layout: IntLayout | EnumLayout | { kind: "pointer"; size: number },
    value: BtfValue,
    place: Place,
  ): bigint {
    if (typeof value === "string" && layout.kind === "enum") {
      const found = layout.values.find(({ name }) => name === value);
      if (found) return BigInt(found.value);
      const names = layout.values.map(({ name }) => name);
      const state = `"${value}"${didYouMean(value, names)}`;
      throw new TypeError(this.#message(place, state, `one of ${names.slice(0, 20).join(", ")}`));
    }
    if (typeof value === "number" && !Number.isSafeInteger(value)) {
      throw new RangeError(this.#message(place, `${value}`, "a safe integer"));
    }
    if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") {
      return BigInt(value);
    }
    throw this.#wrongShape(value, place, `a number or a Uint8Array of ${layout.size} bytes`);
  }

  #wrongShape(value: BtfValue, place: Place, expected: string): TypeError {
    const shape = Array.isArray(value) ? "an array" : `a ${typeof value}`;
    return new TypeError(this.#message(place, shape.replace(/^a o/, "an o"), expected));
  }

  #float(size: number, value: BtfValue, place: Place): void {
    if (typeof value !== "number") throw this.#wrongShape(value, place, "a number");
    const view = new DataView(this.#bytes.buffer, place.bit / 8, size);
    if (size === 4) view.setFloat32(0, value, this.#order === "little");
    else if (size === 8) view.setFloat64(0, value, this.#order === "little");
    else throw new RangeError(this.#message(place, `a float of ${size} bytes`, "4 or 8"));
  }

  #array(layout: ArrayLayout, value: BtfValue, place: Place): void {
    const { element, count, size } = layout;
    if (typeof value === "string" && isText(layout)) {
      const text = new TextEncoder().encode(value);
      if (text.length > count) {
        throw new RangeError(this.#message(place, `${text.length} bytes`, `at most ${count}`));
      }
      this.#bytes.set(text, place.bit / 8);
      return;
    }
    if (!Array.isArray(value)) {
      const text = isText(layout) ? "a string" : `an array of ${count}`;
      throw this.#wrongShape(value, place, `${text} or a Uint8Array of ${size} bytes`);
    }
    if (value.length !== count) {
      throw new RangeError(this.#message(place, `${value.length} elements`, `${count}`));
    }
    value.forEach((each: BtfValue, index) => {
      const bit = place.bit + index * element.size * 8;
      this.write(element, each, { bit, path: `${place.path}[${index}]` });
    });
  }

  #composite(layout: StructLayout, value: BtfValue, place: Place): void {
    if (typeof value !== "object" || Array.isArray(value)) {
      throw this.#wrongShape(value, place, `an object or a Uint8Array of ${layout.size} bytes`);
    }
    const members = new Map(Object.entries(value));
    const known = memberNames(layout);
    for (const name of members.keys()) {
      if (known.has(name)) continue;
      const state = `unknown member "${name}"${didYouMean(name, known)}`;
      throw new TypeError(
        this.#message(place, state, `one of ${[...known].slice(0, 20).join(", ")}`),
      );
    }
    this.#members(layout, members, place);
  }

  #members(layout: StructLayout, members: ReadonlyMap<string, BtfValue>, place: Place): void {
    const union = layout.kind === "union" ? new UnionCheck(this.#bytes, layout, place.bit) : null;
    for (const member of layout.members) {
      const bit = place.bit + member.bitOffset;
      const { name, type } = member;
      const value = members.get(name);
      const given = name === "" ? givesAny(type, members) : value !== undefined;
      if (!given) continue;
      this.#limit.count(layout);
      union?.begin();
      if (name === "" && (type.kind === "struct" || type.kind === "union")) {
        this.#members(type, members, { ...place, bit });
      } else if (value !== undefined) {
        this.#member(member, value, { bit, path: `${place.path}.${name}` });
      }
      if (union && !union.agrees(type.size)) {
        throw new TypeError(
          this.#message(place, "members of a union that disagree", "one of them"),
        );
      }
    }
  }

  #member({ type, bitfield, bitSize: bits }: MemberLayout, value: BtfValue, place: Place): void {
    if (bitfield && (type.kind === "int" || type.kind === "enum")) {
      this.#number(type, value, { ...place, bits });
    } else {
      this.write(type, value, place);
    }
  }
}

function givesAny(type: TypeLayout, members: ReadonlyMap<string, BtfValue>): boolean {
  if (type.kind !== "struct" && type.kind !== "union") return false;
  for (const name of memberNames(type)) {
    if (members.has(name)) return true;
  }
  return false;
}

/** Writes the members of a union over each other and compares what they have in common. */
class UnionCheck {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #before: Uint8Array | undefined;
  #written = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>, { size }: StructLayout, bit: number) {
    this.#bytes = bytes.subarray(bit / 8, bit / 8 + size);
  }

  /** Before a member is written. */
  begin(): void {
    this.#before = this.#written > 0 ? this.#bytes.slice() : undefined;
    this.#bytes.fill(0);
  }

  /** After a member of `size` bytes was; false if it differs from the one before. */
  agrees(size: number): boolean {
    const before = this.#before;
    const common = Math.min(size, this.#written);
    for (let at = 0; before && at < common; at++) {
      if (before[at] !== this.#bytes[at]) return false;
    }
    // The longest member stands.
    if (before && this.#written > size) this.#bytes.set(before);
    this.#written = Math.max(this.#written, size);
    return true;
  }
}
