import { ObjectFormatError } from "./errors.ts";

const decoder = new TextDecoder("utf-8", { fatal: false });

/** The order of a multi-byte number's bytes: least significant first, or last. */
export type ByteOrder = "little" | "big";

/**
 * Bounds-checked reads in one byte order: every failure is an {@linkcode ObjectFormatError} that names
 * the place, never a RangeError of DataView.
 */
export class ByteReader {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** File and part, for error messages: `datapath.o .BTF`. */
  readonly subject: string;
  readonly byteOrder: ByteOrder;
  readonly #view: DataView;
  readonly #little: boolean;

  constructor(
    bytes: Uint8Array<ArrayBuffer>,
    subject: string,
    byteOrder: ByteOrder = "little",
  ) {
    this.bytes = bytes;
    this.subject = subject;
    this.byteOrder = byteOrder;
    this.#little = byteOrder === "little";
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  /** An error about this part of the file. */
  error(state: string, expected: string): ObjectFormatError {
    return new ObjectFormatError(this.subject, state, expected);
  }

  #require(offset: number, size: number, what: string): void {
    if (offset >= 0 && size >= 0 && offset + size <= this.length) return;
    throw this.error(`${what} at ${offset} + ${size}`, `an end within ${this.length} bytes`);
  }

  u8(offset: number, what: string): number {
    this.#require(offset, 1, what);
    return this.#view.getUint8(offset);
  }

  u16(offset: number, what: string): number {
    this.#require(offset, 2, what);
    return this.#view.getUint16(offset, this.#little);
  }

  u32(offset: number, what: string): number {
    this.#require(offset, 4, what);
    return this.#view.getUint32(offset, this.#little);
  }

  i32(offset: number, what: string): number {
    this.#require(offset, 4, what);
    return this.#view.getInt32(offset, this.#little);
  }

  /** A 64-bit field that must be a sane offset or size. */
  u64(offset: number, what: string): number {
    this.#require(offset, 8, what);
    const value = this.#view.getBigUint64(offset, this.#little);
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
    throw this.error(`${what} 0x${value.toString(16)}`, "a value below 2^53");
  }

  slice(offset: number, size: number, what: string): Uint8Array<ArrayBuffer> {
    this.#require(offset, size, what);
    return this.bytes.subarray(offset, offset + size);
  }

  /** A NUL-terminated string; `limit` bounds the work a hostile table can cause. */
  string(offset: number, limit: number, what: string): string {
    this.#require(offset, 1, what);
    const end = this.bytes.indexOf(0, offset);
    if (end < 0) throw this.error(`${what} at ${offset} without end`, "a NUL");
    if (end - offset > limit) {
      throw this.error(`${what} at ${offset} of ${end - offset} bytes`, `at most ${limit}`);
    }
    return decoder.decode(this.bytes.subarray(offset, end));
  }
}
