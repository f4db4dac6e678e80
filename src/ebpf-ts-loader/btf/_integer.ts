import type { ByteOrder } from "../_reader.ts";

/** Where an integer lies: any run of bits. */
export interface IntegerPlace {
  /** First bit; in big-endian data bit 0 is the most significant of its byte. */
  readonly bit: number;
  readonly bits: number;
  readonly signed: boolean;
  readonly order: ByteOrder;
}

/** The bytes that hold the bits, and how far the lowest bit is from the lowest of them. */
function span({ bit, bits, order }: IntegerPlace): { first: number; end: number; shift: bigint } {
  const first = Math.floor(bit / 8);
  const end = Math.ceil((bit + bits) / 8);
  const below = order === "little" ? bit - first * 8 : end * 8 - bit - bits;
  return { first, end, shift: BigInt(below) };
}

function load(bytes: Uint8Array, first: number, end: number, order: ByteOrder): bigint {
  let value = 0n;
  for (let index = 0; index < end - first; index++) {
    const at = order === "little" ? end - 1 - index : first + index;
    value = (value << 8n) | BigInt(bytes[at] ?? 0);
  }
  return value;
}

/** Reads an integer of any width at any bit. */
export function readInteger(bytes: Uint8Array, place: IntegerPlace): bigint {
  const { first, end, shift } = span(place);
  const value = load(bytes, first, end, place.order) >> shift;
  return place.signed ? BigInt.asIntN(place.bits, value) : BigInt.asUintN(place.bits, value);
}

/** Writes an integer that fits, leaving the bits around it. */
export function writeInteger(bytes: Uint8Array, value: bigint, place: IntegerPlace): void {
  const { first, end, shift } = span(place);
  const mask = ((1n << BigInt(place.bits)) - 1n) << shift;
  const around = load(bytes, first, end, place.order) & ~mask;
  let whole = around | (BigInt.asUintN(place.bits, value) << shift);
  for (let index = 0; index < end - first; index++) {
    bytes[place.order === "little" ? first + index : end - 1 - index] = Number(whole & 0xffn);
    whole >>= 8n;
  }
}
