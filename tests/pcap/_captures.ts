/** Capture files, byte by byte. */

const encoder = new TextEncoder();

/** A record of a pcap file; what it says of itself need not be true. */
export interface PcapRecord {
  readonly seconds?: number;
  readonly ticks?: number;
  readonly data: Uint8Array;
  readonly captured?: number;
  readonly original?: number;
}

export interface PcapOptions {
  readonly littleEndian?: boolean;
  readonly magic?: number;
  readonly version?: readonly [major: number, minor: number];
  readonly linkType?: number;
}

export function pcapFile(
  records: readonly PcapRecord[],
  { littleEndian = true, magic = 0xa1b2c3d4, version = [2, 4], linkType = 1 }: PcapOptions = {},
): Uint8Array<ArrayBuffer> {
  const words = new Words(littleEndian);
  words.u32(magic).u16(version[0]).u16(version[1]).u32(0).u32(0).u32(0xffff).u32(linkType);
  for (const { seconds = 0, ticks = 0, data, captured, original } of records) {
    words.u32(seconds).u32(ticks).u32(captured ?? data.length).u32(original ?? data.length);
    words.bytes(data);
  }
  return words.take();
}

export interface Option {
  readonly code: number;
  readonly value: Uint8Array;
  /** Of the value, if not true. */
  readonly length?: number;
}

/** Writes the blocks of a pcapng file. */
export class Pcapng {
  readonly #words: Words;

  constructor(readonly littleEndian = true) {
    this.#words = new Words(littleEndian);
  }

  section({ magic = 0x1a2b3c4d, version = [1, 0] as readonly [number, number] } = {}): this {
    const body = this.#body().u32(magic).u16(version[0]).u16(version[1]);
    return this.block(0x0a0d0d0a, body.u32(0xffffffff).u32(0xffffffff).take());
  }

  interface(linkType = 1, snapLength = 0, options: readonly Option[] = []): this {
    const body = this.#body().u16(linkType).u16(0).u32(snapLength);
    for (const { code, value, length } of options) {
      body.u16(code).u16(length ?? value.length).padded(value);
    }
    if (options.length > 0) body.u16(0).u16(0);
    return this.block(1, body.take());
  }

  enhanced(data: Uint8Array, { device = 0, time = 0n, captured = data.length, original = 0 } = {}) {
    const body = this.#body().u32(device).u32(Number(time >> 32n)).u32(Number(time & 0xffffffffn));
    return this.block(6, body.u32(captured).u32(original || data.length).padded(data).take());
  }

  obsolete(data: Uint8Array, { device = 0, time = 0n } = {}): this {
    const body = this.#body().u16(device).u16(0);
    body.u32(Number(time >> 32n)).u32(Number(time & 0xffffffffn));
    return this.block(2, body.u32(data.length).u32(data.length).padded(data).take());
  }

  simple(data: Uint8Array, original = data.length): this {
    return this.block(3, this.#body().u32(original).padded(data).take());
  }

  block(type: number, body: Uint8Array, lies: { length?: number; again?: number } = {}): this {
    const { length = body.length + 12 } = lies;
    const { again = length } = lies;
    this.#words.u32(type).u32(length).bytes(body).u32(again);
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#words.bytes(bytes);
    return this;
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.#words.take();
  }

  #body(): Words {
    return new Words(this.littleEndian);
  }
}

class Words {
  readonly #bytes: number[] = [];

  constructor(readonly littleEndian: boolean) {}

  u16(value: number): this {
    return this.#integer(value, 2);
  }

  u32(value: number): this {
    return this.#integer(value, 4);
  }

  bytes(bytes: Uint8Array): this {
    this.#bytes.push(...bytes);
    return this;
  }

  padded(bytes: Uint8Array): this {
    return this.bytes(bytes).bytes(new Uint8Array(-bytes.length & 3));
  }

  take(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#bytes);
  }

  #integer(value: number, size: number): this {
    const bytes = Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) & 0xff);
    return this.bytes(Uint8Array.from(this.littleEndian ? bytes : bytes.reverse()));
  }
}

/** The bytes of a text, to tell packets apart. */
export function text(content: string): Uint8Array {
  return encoder.encode(content);
}
