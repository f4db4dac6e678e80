import type { ByteOrder } from "../_reader.ts";

// 0xeb9f with the most significant byte first.
const BIG_ENDIAN_MAGIC = [0xeb, 0x9f] as const;
const FIXED_HEADER = 24;

function isBigEndian(bytes: Uint8Array): boolean {
  return bytes[0] === BIG_ENDIAN_MAGIC[0] && bytes[1] === BIG_ENDIAN_MAGIC[1];
}

/** Swaps whole 32-bit words between two offsets; what is cut short is left to the decoder. */
function swapWords(view: DataView, from: number, to: number): void {
  const end = Math.min(to, view.byteLength);
  for (let at = from; at + 4 <= end; at += 4) {
    view.setUint32(at, view.getUint32(at, false), true);
  }
}

/** A little-endian copy of a BTF blob: behind the magic, all but the strings are 32-bit words. */
export function littleEndianBtf(
  bytes: Uint8Array<ArrayBuffer>,
): { bytes: Uint8Array<ArrayBuffer>; byteOrder: ByteOrder } {
  const copy = bytes.slice();
  if (!isBigEndian(copy)) return { bytes: copy, byteOrder: "little" };
  const view = new DataView(copy.buffer);
  copy.set([BIG_ENDIAN_MAGIC[1], BIG_ENDIAN_MAGIC[0]]);
  swapWords(view, 4, FIXED_HEADER);
  if (copy.length >= FIXED_HEADER) {
    const types = view.getUint32(4, true) + view.getUint32(8, true);
    swapWords(view, Math.max(types, FIXED_HEADER), types + view.getUint32(12, true));
  }
  return { bytes: copy, byteOrder: "big" };
}

/** A little-endian copy of `.BTF.ext`: behind the magic, all of it is 32-bit words. */
export function littleEndianExtension(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (!isBigEndian(bytes)) return bytes;
  const copy = bytes.slice();
  copy.set([BIG_ENDIAN_MAGIC[1], BIG_ENDIAN_MAGIC[0]]);
  swapWords(new DataView(copy.buffer), 4, copy.length);
  return copy;
}
