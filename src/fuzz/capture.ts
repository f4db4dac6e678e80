/**
 * Reads packet captures: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng), of
 * either byte order. A capture is hostile input: every length is checked before it is used.
 *
 * @module
 */

/** A packet of a capture. */
export interface CapturedPacket {
  /** From the Ethernet header on; as much as was captured. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** Nanoseconds since the epoch, or since whatever the capture's clock counts from. */
  readonly now: bigint;
}

const LINK_ETHERNET = 1;
/** Link types of packets that begin with the IP header. */
const LINK_RAW: readonly number[] = [12, 14, 101, 228, 229];
const SECOND = 1_000_000_000n;

/**
 * Reads the packets of a capture. A file that ends within a packet gives those before it, as
 * when a capture was cut off.
 *
 * @param name What errors call it.
 * @throws {SyntaxError} If it is no capture, or one of another kind of link.
 */
export function readCapture(bytes: Uint8Array<ArrayBuffer>, name: string): CapturedPacket[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = bytes.length >= 4 ? view.getUint32(0, true) : 0;
  if (magic === 0x0a0d0d0a) return [...readBlocks(view, name)];
  for (const little of [true, false]) {
    const order = bytes.length >= 4 ? view.getUint32(0, little) : 0;
    if (order === 0xa1b2c3d4) return [...readRecords(view, little, 1000n, name)];
    if (order === 0xa1b23c4d) return [...readRecords(view, little, 1n, name)];
  }
  throw new SyntaxError(
    `Cannot read "${name}": magic 0x${magic.toString(16)}, expected a pcap or pcapng file`,
  );
}

const PCAP_HEADER_BYTES = 24;
const PCAP_RECORD_BYTES = 16;

function* readRecords(
  view: DataView,
  little: boolean,
  unit: bigint,
  name: string,
): Generator<CapturedPacket> {
  if (view.byteLength < PCAP_HEADER_BYTES) {
    throw new SyntaxError(`Cannot read "${name}": ${view.byteLength} bytes, expected a header`);
  }
  const link = view.getUint32(20, little) & 0xffff;
  for (let at = PCAP_HEADER_BYTES; at + PCAP_RECORD_BYTES <= view.byteLength;) {
    const length = view.getUint32(at + 8, little);
    const data = at + PCAP_RECORD_BYTES;
    if (length > view.byteLength - data) return;
    const now = BigInt(view.getUint32(at, little)) * SECOND +
      BigInt(view.getUint32(at + 4, little)) * unit;
    yield { data: framed(bytesAt(view, data, length), link, name), now };
    at = data + length;
  }
}

const BLOCK = { SECTION: 0x0a0d0d0a, INTERFACE: 1, SIMPLE: 3, ENHANCED: 6 } as const;
const BLOCK_BYTES = 12;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

interface Interface {
  readonly link: number;
  /** Units of time in a second. */
  readonly units: bigint;
}

function* readBlocks(view: DataView, name: string): Generator<CapturedPacket> {
  let little = true;
  let interfaces: Interface[] = [];
  for (let at = 0; at + BLOCK_BYTES <= view.byteLength;) {
    if (view.getUint32(at, true) === BLOCK.SECTION) {
      little = view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC;
      interfaces = [];
    }
    const type = view.getUint32(at, little);
    const length = view.getUint32(at + 4, little);
    if (length < BLOCK_BYTES || length > view.byteLength - at) return;
    const body = new DataView(view.buffer, view.byteOffset + at + 8, length - BLOCK_BYTES);
    if (type === BLOCK.INTERFACE) interfaces.push(readInterface(body, little));
    const packet = readBlock(type, body, little, interfaces, name);
    if (packet !== undefined) yield packet;
    at += length + (4 - length % 4) % 4;
  }
}

const OPTION_RESOLUTION = 9;

function readInterface(body: DataView, little: boolean): Interface {
  if (body.byteLength < 8) return { link: -1, units: 1n };
  let units = 1_000_000n;
  for (let at = 8; at + 4 <= body.byteLength;) {
    const code = body.getUint16(at, little);
    const length = body.getUint16(at + 2, little);
    if (code === OPTION_RESOLUTION && length >= 1 && at + 4 < body.byteLength) {
      const resolution = body.getUint8(at + 4);
      const exponent = BigInt(resolution & 0x7f);
      units = resolution & 0x80 ? 2n ** exponent : 10n ** exponent;
    }
    at += 4 + length + (4 - length % 4) % 4;
  }
  return { link: body.getUint16(0, little), units };
}

function readBlock(
  type: number,
  body: DataView,
  little: boolean,
  interfaces: readonly Interface[],
  name: string,
): CapturedPacket | undefined {
  if (type === BLOCK.SIMPLE && body.byteLength >= 4) {
    const length = Math.min(body.getUint32(0, little), body.byteLength - 4);
    const data = bytesAt(body, 4, length);
    return { data: framed(data, interfaces[0]?.link ?? -1, name), now: 0n };
  }
  if (type !== BLOCK.ENHANCED || body.byteLength < 20) return undefined;
  const origin = interfaces[body.getUint32(0, little)];
  if (origin === undefined) return undefined;
  const ticks = BigInt(body.getUint32(4, little)) << 32n | BigInt(body.getUint32(8, little));
  const length = Math.min(body.getUint32(12, little), body.byteLength - 20);
  const now = ticks * SECOND / origin.units;
  return { data: framed(bytesAt(body, 20, length), origin.link, name), now };
}

function bytesAt(view: DataView, at: number, length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset + at, length).slice();
}

const ETHERNET_BYTES = 14;
const ETHERTYPE_OFF = 12;
const IP_VERSION_6 = 6;

/** The packet as Ethernet would carry it. */
function framed(
  data: Uint8Array<ArrayBuffer>,
  link: number,
  name: string,
): Uint8Array<ArrayBuffer> {
  if (link === LINK_ETHERNET) return data;
  if (!LINK_RAW.includes(link)) {
    throw new SyntaxError(
      `Cannot read "${name}": link type ${link}, expected Ethernet (1) or raw IP (101)`,
    );
  }
  const frame = new Uint8Array(ETHERNET_BYTES + data.length);
  const isIpv6 = (data[0] ?? 0) >> 4 === IP_VERSION_6;
  new DataView(frame.buffer).setUint16(ETHERTYPE_OFF, isIpv6 ? 0x86dd : 0x0800);
  frame.set(data, ETHERNET_BYTES);
  return frame;
}
