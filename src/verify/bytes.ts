/** Tells whether two arrays hold the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && firstDifference(a, b) < 0;
}

/** The index of the first byte that differs, or −1; a missing byte differs from any. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  let i = 0;
  // Megabytes are compared per batch: four bytes at a time where both are aligned.
  if (a.byteOffset % 4 === 0 && b.byteOffset % 4 === 0) {
    const x = new Int32Array(a.buffer, a.byteOffset, length >> 2);
    const y = new Int32Array(b.buffer, b.byteOffset, length >> 2);
    while (i < x.length && x[i] === y[i]) i++;
    i *= 4;
  }
  while (i < length && a[i] === b[i]) i++;
  return i < length || a.length !== b.length ? i : -1;
}

/** Bytes as lower-case hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The inverse of {@linkcode toHex}.
 *
 * @throws {SyntaxError} If the text is not an even number of hexadecimal digits.
 */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) {
    throw new SyntaxError(
      `Cannot read bytes "${text.slice(0, 32)}": not hexadecimal, expected pairs of digits`,
    );
  }
  return Uint8Array.from(
    { length: text.length / 2 },
    (_, i) => parseInt(text.slice(i * 2, i * 2 + 2), 16),
  );
}
