/**
 * Captured packets as the Ethernet frames that a veth would have carried.
 *
 * @module
 */
import { LINK_TYPE, linkTypeName } from "./link_type.ts";

/** A captured packet without what its link type put before it. */
interface Payload {
  readonly ethertype: number;
  /** Bytes of the header that are not the packet's. */
  readonly headerBytes: number;
  /** Sender's MAC address, where the header has it. */
  readonly source?: Uint8Array;
}

/** A frame, or why there is none. */
export type FrameOfPacket =
  | {
    readonly frame: Uint8Array;
    /** Bytes that the frame is longer than what was captured: negative where it is shorter. */
    readonly added: number;
  }
  | { readonly refused: string };

const ETHERNET_BYTES = 14;
const MAC_BYTES = 6;
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
/** AF_INET is the same everywhere; AF_INET6 is Linux's, the BSDs', Darwin's. */
const AF_INET = 2;
const AF_INET6: readonly number[] = [10, 24, 28, 30];

const SLL_BYTES = 16;
const SLL2_BYTES = 20;

/**
 * The packet as an Ethernet frame: as it is, or with a header made for it, in which the receiver's
 * address is zero.
 *
 * @param data What was captured, at least nothing.
 */
export function ethernetFrame(linkType: number, data: Uint8Array): FrameOfPacket {
  if (linkType === LINK_TYPE.ETHERNET) {
    return data.length < ETHERNET_BYTES
      ? { refused: `${data.length} bytes, expected at least an Ethernet header` }
      : { frame: data, added: 0 };
  }
  const read = PAYLOADS.get(linkType);
  if (read === undefined) {
    return { refused: `link type ${linkTypeName(linkType)}, expected one that carries IP as is` };
  }
  const payload = read(data);
  if (typeof payload === "string") return { refused: payload };
  const { ethertype, headerBytes, source } = payload;
  const packet = data.subarray(headerBytes);
  const frame = new Uint8Array(ETHERNET_BYTES + packet.length);
  if (source !== undefined) frame.set(source, MAC_BYTES);
  new DataView(frame.buffer).setUint16(2 * MAC_BYTES, ethertype);
  frame.set(packet, ETHERNET_BYTES);
  return { frame, added: ETHERNET_BYTES - headerBytes };
}

/** Whether packets of this link type can become frames at all. */
export function carriesIp(linkType: number): boolean {
  return linkType === LINK_TYPE.ETHERNET || PAYLOADS.has(linkType);
}

type ReadPayload = (data: Uint8Array) => Payload | string;

const PAYLOADS: ReadonlyMap<number, ReadPayload> = new Map<number, ReadPayload>([
  [LINK_TYPE.NULL, (data) => behindFamily(data, true)],
  [LINK_TYPE.LOOP, (data) => behindFamily(data, false)],
  [LINK_TYPE.RAW, rawIp],
  [LINK_TYPE.RAW_BSD, rawIp],
  [LINK_TYPE.RAW_OPENBSD, rawIp],
  [LINK_TYPE.IPV4, () => ({ ethertype: IPV4, headerBytes: 0 })],
  [LINK_TYPE.IPV6, () => ({ ethertype: IPV6, headerBytes: 0 })],
  [LINK_TYPE.LINUX_SLL, cooked],
  [LINK_TYPE.LINUX_SLL2, cooked2],
]);

/** Without a version that IP has, it is IPv4 that lies: the program says so. */
function rawIp(data: Uint8Array): Payload {
  return { ethertype: (data[0] ?? 0) >> 4 === 6 ? IPV6 : IPV4, headerBytes: 0 };
}

/** @param either The byte order is that of a machine that nobody knows. */
function behindFamily(data: Uint8Array, either: boolean): Payload | string {
  if (data.length < 4) return `${data.length} bytes, expected an address family`;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const bigEndian = view.getUint32(0);
  const family = either && bigEndian > 0xffff ? view.getUint32(0, true) : bigEndian;
  if (family === AF_INET) return { ethertype: IPV4, headerBytes: 4 };
  if (AF_INET6.includes(family)) return { ethertype: IPV6, headerBytes: 4 };
  return `address family ${family}, expected IPv4 or IPv6`;
}

function cooked(data: Uint8Array): Payload | string {
  if (data.length < SLL_BYTES) return `${data.length} bytes, expected a header of ${SLL_BYTES}`;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return {
    ethertype: view.getUint16(14),
    headerBytes: SLL_BYTES,
    ...sender(data.subarray(6), view.getUint16(4)),
  };
}

function cooked2(data: Uint8Array): Payload | string {
  if (data.length < SLL2_BYTES) return `${data.length} bytes, expected a header of ${SLL2_BYTES}`;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return {
    ethertype: view.getUint16(0),
    headerBytes: SLL2_BYTES,
    ...sender(data.subarray(12), view.getUint8(11)),
  };
}

function sender(address: Uint8Array, length: number): { source?: Uint8Array } {
  return length === MAC_BYTES ? { source: address.subarray(0, MAC_BYTES) } : {};
}
