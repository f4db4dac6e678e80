import type { CapturedPacket } from "./capture.ts";
import { CaptureError } from "./capture_error.ts";
import { MAX_CAPTURED_BYTES } from "./limits.ts";
import { timestampUnit } from "./timestamp_unit.ts";

/*
 * draft-ietf-opsawg-pcapng: a file is a row of sections, a section a row of blocks.
 *
 *   block  ┌ type u32 ┬ total length u32 ┬ body … ┬ total length again u32 ┐
 *
 * A section header says the byte order of its section. Interfaces are numbered from 0 in each
 * section, and say what the packets that name them begin with.
 */

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE = 1;
const OBSOLETE_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const MAJOR_VERSION = 1;
/** Type and both lengths. */
const FRAME_BYTES = 12;
const SECTION_BYTES = 16;
const INTERFACE_BYTES = 8;
const PACKET_BYTES = 20;
const SIMPLE_BYTES = 4;
/** Wireshark's own limit, for any block. */
const MAX_BLOCK_BYTES = 16 * 1024 * 1024;
/** An interface of every packet would be a list without end. */
const MAX_INTERFACES = 65_536;

const OPTION_END = 0;
const OPTION_TSRESOL = 9;
const OPTION_TSOFFSET = 14;

/** Tells whether a file begins as pcapng does. */
export function isPcapng(file: Uint8Array): boolean {
  return file.length >= 4 && viewOf(file).getUint32(0) === SECTION_HEADER;
}

interface CaptureInterface {
  readonly linkType: number;
  /** Bytes kept of each packet; 0: no limit. */
  readonly snapLength: number;
  readonly toNanoseconds: (ticks: bigint) => bigint;
}

interface Block {
  readonly type: number;
  /** Without type and lengths. */
  readonly body: DataView;
}

/** Reads a file for which {@linkcode isPcapng} holds. See `readCapture()`. */
export function* readPcapng(file: Uint8Array, name: string): Generator<CapturedPacket> {
  const reader = new Reader(file, name);
  for (let block = reader.next(); block !== undefined; block = reader.next()) {
    const packet = reader.packetOf(block);
    if (packet !== undefined) yield packet;
  }
}

class Reader {
  readonly #file: Uint8Array;
  readonly #view: DataView;
  readonly #name: string;
  #at = 0;
  #block = 0;
  #packet = 0;
  #littleEndian = true;
  #interfaces: CaptureInterface[] = [];

  constructor(file: Uint8Array, name: string) {
    this.#file = file;
    this.#view = viewOf(file);
    this.#name = name;
  }

  next(): Block | undefined {
    const left = this.#file.length - this.#at;
    if (left === 0) return undefined;
    this.#block++;
    if (left < FRAME_BYTES) this.#fail(`cut off after ${left} bytes`, `at least ${FRAME_BYTES}`);
    const type = this.#view.getUint32(this.#at, this.#littleEndian);
    if (type === SECTION_HEADER) this.#readByteOrder(left);
    const length = this.#view.getUint32(this.#at + 4, this.#littleEndian);
    if (length < FRAME_BYTES || length % 4 !== 0 || length > MAX_BLOCK_BYTES) {
      this.#fail(`${length} bytes long`, `a multiple of 4 from 12 to ${MAX_BLOCK_BYTES}`);
    }
    if (length > left) this.#fail(`cut off after ${left} bytes`, `${length}`);
    const again = this.#view.getUint32(this.#at + length - 4, this.#littleEndian);
    if (again !== length) this.#fail(`ends with length ${again}`, `${length} again`);
    const body = new DataView(this.#view.buffer, this.#view.byteOffset + this.#at + 8, length - 12);
    this.#at += length;
    return { type, body };
  }

  /** The number of a section header reads the same in both byte orders. */
  #readByteOrder(left: number): void {
    if (left < FRAME_BYTES + SECTION_BYTES) {
      this.#fail(`cut off after ${left} bytes`, "a section header");
    }
    for (const littleEndian of [true, false]) {
      if (this.#view.getUint32(this.#at + 8, littleEndian) !== BYTE_ORDER_MAGIC) continue;
      this.#littleEndian = littleEndian;
      return;
    }
    const magic = this.#view.getUint32(this.#at + 8).toString(16).padStart(8, "0");
    this.#fail(`a section with byte order 0x${magic}`, "0x1a2b3c4d in either order");
  }

  packetOf({ type, body }: Block): CapturedPacket | undefined {
    switch (type) {
      case SECTION_HEADER:
        this.#startSection(body);
        return undefined;
      case INTERFACE:
        this.#addInterface(body);
        return undefined;
      case SIMPLE_PACKET:
        return this.#simplePacket(body);
      case ENHANCED_PACKET:
      case OBSOLETE_PACKET:
        return this.#packetWithTime(type, body);
      default: // names, statistics, secrets, whatever is still to come: not packets
        return undefined;
    }
  }

  #startSection(body: DataView): void {
    this.#requireBody(body, SECTION_BYTES, "a section header");
    const major = body.getUint16(4, this.#littleEndian);
    const minor = body.getUint16(6, this.#littleEndian);
    if (major !== MAJOR_VERSION) this.#fail(`pcapng version ${major}.${minor}`, "1.0");
    this.#interfaces = [];
  }

  #addInterface(body: DataView): void {
    this.#requireBody(body, INTERFACE_BYTES, "an interface");
    if (this.#interfaces.length === MAX_INTERFACES) {
      this.#fail("one more interface", `at most ${MAX_INTERFACES}`);
    }
    let resolution: number | undefined;
    let offset = 0n;
    for (const { code, value } of this.#options(body, INTERFACE_BYTES)) {
      if (code === OPTION_TSRESOL && value.byteLength === 1) resolution = value.getUint8(0);
      if (code === OPTION_TSOFFSET && value.byteLength === 8) {
        offset = value.getBigInt64(0, this.#littleEndian);
      }
    }
    this.#interfaces.push({
      linkType: body.getUint16(0, this.#littleEndian),
      snapLength: body.getUint32(4, this.#littleEndian),
      toNanoseconds: timestampUnit(resolution, offset),
    });
  }

  /** Blocks, and so what is left of one, are multiples of 4 bytes: the next option has a header. */
  *#options(body: DataView, start: number): Generator<{ code: number; value: DataView }> {
    for (let at = start; at < body.byteLength;) {
      const code = body.getUint16(at, this.#littleEndian);
      const length = body.getUint16(at + 2, this.#littleEndian);
      if (code === OPTION_END) return;
      const left = body.byteLength - at - 4;
      if (length > left) this.#fail(`option ${code} of ${length} bytes`, `at most ${left}`);
      yield { code, value: new DataView(body.buffer, body.byteOffset + at + 4, length) };
      at += 4 + (length + 3 & ~3);
    }
  }

  /** A packet of interface 0, without a time; its padding tells less than its length. */
  #simplePacket(body: DataView): CapturedPacket {
    this.#packet++;
    this.#requireBody(body, SIMPLE_BYTES, "a packet");
    const { linkType, snapLength } = this.#interface(0);
    const original = body.getUint32(0, this.#littleEndian);
    const captured = snapLength === 0 ? original : Math.min(original, snapLength);
    return {
      number: this.#packet,
      linkType,
      time: undefined,
      data: this.#packetBytes(body, SIMPLE_BYTES, captured),
      originalLength: original,
    };
  }

  #packetWithTime(type: number, body: DataView): CapturedPacket {
    this.#packet++;
    this.#requireBody(body, PACKET_BYTES, "a packet");
    const { linkType, toNanoseconds } = this.#interface(
      type === OBSOLETE_PACKET
        ? body.getUint16(0, this.#littleEndian)
        : body.getUint32(0, this.#littleEndian),
    );
    const high = BigInt(body.getUint32(4, this.#littleEndian));
    const low = BigInt(body.getUint32(8, this.#littleEndian));
    const captured = body.getUint32(12, this.#littleEndian);
    const original = body.getUint32(16, this.#littleEndian);
    return {
      number: this.#packet,
      linkType,
      time: toNanoseconds(high << 32n | low),
      data: this.#packetBytes(body, PACKET_BYTES, captured),
      originalLength: Math.max(original, captured),
    };
  }

  #interface(number: number): CaptureInterface {
    return this.#interfaces[number] ?? this.#fail(
      `packet ${this.#packet} of interface ${number}`,
      this.#interfaces.length === 0
        ? "an interface before it"
        : `at most ${this.#interfaces.length - 1}`,
    );
  }

  #packetBytes(body: DataView, start: number, captured: number): Uint8Array {
    const room = body.byteLength - start;
    if (captured > MAX_CAPTURED_BYTES || captured > room) {
      const most = Math.min(MAX_CAPTURED_BYTES, room);
      this.#fail(`packet ${this.#packet} has ${captured} bytes`, `at most ${most}`);
    }
    return new Uint8Array(body.buffer, body.byteOffset + start, captured);
  }

  #requireBody(body: DataView, bytes: number, what: string): void {
    if (body.byteLength >= bytes) return;
    this.#fail(`${body.byteLength} bytes in it`, `${bytes} of ${what}`);
  }

  #fail(state: string, expected: string): never {
    throw new CaptureError(this.#name, `block ${this.#block}: ${state}`, expected);
  }
}

function viewOf(file: Uint8Array): DataView {
  return new DataView(file.buffer, file.byteOffset, file.length);
}
