/*
 * Netlink is host byte order, which is little-endian on both architectures; everything is
 * aligned to 4 bytes.
 *
 *   message:   length u32 | type u16 | flags u16 | sequence u32 | port u32 | payload
 *   attribute: length u16 | type u16 | payload          length without the padding behind it
 */
const HEADER = 16;
const ATTRIBUTE_HEADER = 4;
const TYPE_MASK = 0x3fff; // without the bits "nested" and "network byte order"
const NESTED = 0x8000;

/** Most bytes of one attribute, header included: its length is a u16. */
const ATTRIBUTE_MAX = 0xffff;

function align(length: number): number {
  return (length + 3) & ~3;
}

/** A netlink message as received. `payload` shares the received bytes. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/**
 * Bytes from the kernel that are not a well-formed netlink message.
 *
 * @example Usage
 * ```ts
 * import { listLinks, NetlinkFormatError, type Rtnetlink } from "ebpf-ts-loader/netlink";
 * function countLinks(netlink: Rtnetlink): number | undefined {
 *   try {
 *     return listLinks(netlink).length;
 *   } catch (error) {
 *     if (error instanceof NetlinkFormatError) return undefined;
 *     throw error;
 *   }
 * }
 * ```
 */
export class NetlinkFormatError extends Error {
  /** For messages and `switch`. */
  override name = "NetlinkFormatError";
}

function malformed(what: string, state: string, expected: string): never {
  throw new NetlinkFormatError(`Cannot read netlink ${what}: ${state}, expected ${expected}`);
}

/**
 * Splits what was received into messages.
 *
 * @throws {NetlinkFormatError} If a length is not that of the bytes that are there.
 */
export function parseMessages(bytes: Uint8Array): Message[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: Message[] = [];
  for (let at = 0; at < bytes.length;) {
    const rest = bytes.length - at;
    if (rest < HEADER) malformed(`message "${messages.length}"`, `${rest} bytes`, "at least 16");
    const length = view.getUint32(at, true);
    if (length < HEADER || length > rest) {
      malformed(`message "${messages.length}"`, `length ${length}`, `16 to ${rest}`);
    }
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      payload: bytes.subarray(at + HEADER, at + length),
    });
    at += Math.min(align(length), rest);
  }
  return messages;
}

/** Attributes by type. Of a type that comes twice the last one counts. */
export class Attributes {
  readonly #byType = new Map<number, Uint8Array>();

  /**
   * Reads attributes that fill `bytes`.
   *
   * @throws {NetlinkFormatError} If a length is not that of the bytes that are there.
   */
  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length;) {
      const rest = bytes.length - at;
      if (rest < ATTRIBUTE_HEADER) malformed("attribute", `${rest} bytes`, "at least 4");
      const length = view.getUint16(at, true);
      const type = view.getUint16(at + 2, true) & TYPE_MASK;
      if (length < ATTRIBUTE_HEADER || length > rest) {
        malformed(`attribute "${type}"`, `length ${length}`, `4 to ${rest}`);
      }
      this.#byType.set(type, bytes.subarray(at + ATTRIBUTE_HEADER, at + length));
      at += Math.min(align(length), rest);
    }
  }

  /** The types that there are. */
  types(): number[] {
    return [...this.#byType.keys()];
  }

  /** The attribute's bytes (not a copy), or `undefined`. */
  bytes(type: number): Uint8Array | undefined {
    return this.#byType.get(type);
  }

  /** The attribute as a u32 in host byte order, or `undefined`. */
  u32(type: number): number | undefined {
    const value = this.bytes(type);
    if (!value) return undefined;
    if (value.length !== 4) malformed(`attribute "${type}"`, `${value.length} bytes`, "4");
    return new DataView(value.buffer, value.byteOffset, 4).getUint32(0, true);
  }

  /** The attribute as a byte, or `undefined`. */
  u8(type: number): number | undefined {
    const value = this.bytes(type);
    if (value && value.length !== 1) malformed(`attribute "${type}"`, `${value.length} bytes`, "1");
    return value?.[0];
  }

  /** The attribute as text, up to its NUL, or `undefined`. */
  string(type: number): string | undefined {
    const value = this.bytes(type);
    if (!value) return undefined;
    const end = value.indexOf(0);
    return new TextDecoder().decode(end < 0 ? value : value.subarray(0, end));
  }

  /** The attribute as an IPv4 or IPv6 address (a copy), or `undefined`. */
  address(type: number): Uint8Array | undefined {
    const value = this.bytes(type);
    if (!value) return undefined;
    if (value.length !== 4 && value.length !== 16) {
      malformed(`attribute "${type}"`, `${value.length} bytes`, "an address of 4 or 16");
    }
    return value.slice();
  }

  /** The attributes inside the attribute; none if it is absent. */
  nested(type: number): Attributes {
    return new Attributes(this.bytes(type) ?? new Uint8Array());
  }
}

/**
 * Reads a fixed part of `size` bytes and the attributes behind it.
 *
 * @throws {NetlinkFormatError} If the payload is shorter.
 */
export function parsePayload(
  payload: Uint8Array,
  size: number,
): { fixed: DataView; attributes: Attributes } {
  if (payload.length < size) malformed("payload", `${payload.length} bytes`, `at least ${size}`);
  return {
    fixed: new DataView(payload.buffer, payload.byteOffset, size),
    attributes: new Attributes(payload.subarray(Math.min(align(size), payload.length))),
  };
}

/** Writes a message: a fixed part, then attributes, which may nest. */
export class MessageBuilder {
  #bytes = new Uint8Array(256);
  #length = HEADER;

  /** @param fixed The struct that the message type begins with. */
  constructor(fixed: Uint8Array) {
    this.#append(fixed);
  }

  /** Appends an attribute. */
  attribute(type: number, value: Uint8Array): this {
    const length = ATTRIBUTE_HEADER + value.length;
    if (length > ATTRIBUTE_MAX) {
      throw new RangeError(
        `Cannot write netlink attribute "${type}": ${value.length} bytes, expected at most 65531`,
      );
    }
    const header = new DataView(new ArrayBuffer(ATTRIBUTE_HEADER));
    header.setUint16(0, length, true);
    header.setUint16(2, type, true);
    this.#append(new Uint8Array(header.buffer));
    this.#append(value);
    return this;
  }

  /** Appends a u32 in host byte order. */
  u32(type: number, value: number): this {
    return this.attribute(type, new Uint8Array(Uint32Array.of(value).buffer));
  }

  /** Appends text with its NUL. */
  string(type: number, value: string): this {
    return this.attribute(type, new TextEncoder().encode(`${value}\0`));
  }

  /** Appends an attribute of attributes, preceded by a struct where the kernel wants one. */
  nested(type: number, write: (inner: this) => void, fixed: Uint8Array = new Uint8Array()): this {
    const start = this.#length;
    this.attribute(type | NESTED, fixed);
    write(this);
    const length = this.#length - start;
    if (length > ATTRIBUTE_MAX) {
      throw new RangeError(
        `Cannot write netlink attribute "${type}": ${length} bytes, expected at most 65535`,
      );
    }
    new DataView(this.#bytes.buffer).setUint16(start, length, true);
    return this;
  }

  /** The message, with its header. */
  build(header: { type: number; flags: number; sequence: number }): Uint8Array<ArrayBuffer> {
    const view = new DataView(this.#bytes.buffer);
    view.setUint32(0, this.#length, true);
    view.setUint16(4, header.type, true);
    view.setUint16(6, header.flags, true);
    view.setUint32(8, header.sequence, true);
    view.setUint32(12, 0, true); // port: the kernel knows it
    return this.#bytes.slice(0, this.#length);
  }

  #append(bytes: Uint8Array): void {
    const end = align(this.#length + bytes.length);
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = end;
  }
}
