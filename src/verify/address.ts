/**
 * Addresses as one number each, which is what intervals of addresses are made of.
 *
 * @module
 */
import { type IpAddress, ipAddressFromWords } from "../cluster/ip_address.ts";

/** Address family as a number: 4 or 6. */
export type Family = IpAddress["family"];

/** Bits of an address. */
export function addressBits(family: Family): number {
  return family === 4 ? 32 : 128;
}

/** Last address of a family. */
export function lastAddress(family: Family): bigint {
  return (1n << BigInt(addressBits(family))) - 1n;
}

/** The address as a number, most significant byte first. */
export function addressNumber({ family, words }: IpAddress): bigint {
  if (family === 4) return BigInt(words[0]);
  return words.reduce((number, word) => number << 32n | BigInt(word), 0n);
}

/** The inverse of {@linkcode addressNumber}. */
export function addressOfNumber(family: Family, number: bigint): IpAddress {
  if (family === 4) return ipAddressFromWords(4, [Number(number), 0, 0, 0]);
  const word = (shift: bigint) => Number(number >> shift & 0xffffffffn);
  return ipAddressFromWords(6, [word(96n), word(64n), word(32n), word(0n)]);
}

/** The address in network byte order, 4 or 16 bytes. */
export function addressBytes({ family, words }: IpAddress): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < bytes.length / 4; i++) view.setUint32(i * 4, words[i] ?? 0);
  return bytes;
}

/** The inverse of {@linkcode addressBytes}. */
export function addressOfBytes(bytes: Uint8Array): IpAddress {
  if (bytes.length !== 4 && bytes.length !== 16) {
    throw new RangeError(
      `Cannot read address: "${bytes.length}" bytes long, expected 4 or 16`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (i: number) => i * 4 < bytes.length ? view.getUint32(i * 4) : 0;
  return ipAddressFromWords(bytes.length === 4 ? 4 : 6, [word(0), word(1), word(2), word(3)]);
}
