/**
 * Flows as bytes. One plain function per header, fast enough for millions of flows;
 * packets that lie about themselves are made from these by `malformed.ts`.
 *
 * @module
 */
import type { IpAddress } from "../cluster/ip_address.ts";
import { type Flow, IP_PROTOCOL, isIcmp } from "./flow.ts";

/** What a frame has beside its flow. */
export interface LinkOptions {
  readonly sourceMac: Uint8Array;
  readonly destinationMac: Uint8Array;
  /** TTL or hop limit. */
  readonly ttl: number;
}

/** Bytes of an Ethernet header. */
export const ETHERNET_BYTES = 14;
/** Bytes of an IPv4 header without options. */
export const IPV4_BYTES = 20;
/** Bytes of an IPv6 header. */
export const IPV6_BYTES = 40;

const L4_BYTES: Readonly<Record<number, number>> = {
  [IP_PROTOCOL.TCP]: 20,
  [IP_PROTOCOL.UDP]: 8,
  [IP_PROTOCOL.SCTP]: 12,
  [IP_PROTOCOL.ICMP]: 8,
  [IP_PROTOCOL.ICMPV6]: 8,
};
/** Payload of protocols that policy does not know. */
const OPAQUE_BYTES = 8;

/** Writes the Ethernet frame of a flow's packet, without payload. */
export function frameOf(flow: Flow, link: LinkOptions): Uint8Array<ArrayBuffer> {
  const { family } = flow.source;
  const l3Bytes = family === 4 ? IPV4_BYTES : IPV6_BYTES;
  const l4Bytes = L4_BYTES[flow.protocol] ?? OPAQUE_BYTES;
  const frame = new Uint8Array(ETHERNET_BYTES + l3Bytes + l4Bytes);
  const view = new DataView(frame.buffer);
  frame.set(link.destinationMac, 0);
  frame.set(link.sourceMac, 6);
  view.setUint16(12, family === 4 ? 0x0800 : 0x86dd);
  if (family === 4) writeIpv4(view, flow, link.ttl, l4Bytes);
  else writeIpv6(view, flow, link.ttl, l4Bytes);
  writeL4(view, ETHERNET_BYTES + l3Bytes, flow);
  writeL4Checksum(view, ETHERNET_BYTES + l3Bytes, flow);
  return frame;
}

/** Sets the header checksum of the frame's IPv4 header, which may have options. */
export function writeIpv4Checksum(view: DataView): void {
  const bytes = (view.getUint8(ETHERNET_BYTES) & 15) * 4;
  view.setUint16(ETHERNET_BYTES + 10, 0);
  view.setUint16(ETHERNET_BYTES + 10, fold(sum(view, ETHERNET_BYTES, bytes)));
}

function writeIpv4(view: DataView, flow: Flow, ttl: number, l4Bytes: number): void {
  const at = ETHERNET_BYTES;
  view.setUint8(at, 0x45);
  view.setUint16(at + 2, IPV4_BYTES + l4Bytes);
  view.setUint16(at + 6, 0x4000); // don't fragment
  view.setUint8(at + 8, ttl);
  view.setUint8(at + 9, flow.protocol);
  writeAddress(view, at + 12, flow.source);
  writeAddress(view, at + 16, flow.destination);
  writeIpv4Checksum(view);
}

function writeIpv6(view: DataView, flow: Flow, ttl: number, l4Bytes: number): void {
  const at = ETHERNET_BYTES;
  view.setUint8(at, 0x60);
  view.setUint16(at + 4, l4Bytes);
  view.setUint8(at + 6, flow.protocol);
  view.setUint8(at + 7, ttl);
  writeAddress(view, at + 8, flow.source);
  writeAddress(view, at + 24, flow.destination);
}

function writeAddress(view: DataView, at: number, { family, words }: IpAddress): void {
  for (let i = 0; i < (family === 4 ? 1 : 4); i++) view.setUint32(at + i * 4, words[i] ?? 0);
}

function writeL4(view: DataView, at: number, flow: Flow): void {
  if (isIcmp(flow)) {
    view.setUint8(at, flow.dport);
    view.setUint8(at + 1, flow.code);
    view.setUint16(at + 4, flow.sport);
    return;
  }
  if (L4_BYTES[flow.protocol] === undefined) return;
  view.setUint16(at, flow.sport);
  view.setUint16(at + 2, flow.dport);
  if (flow.protocol === IP_PROTOCOL.UDP) view.setUint16(at + 4, 8);
  if (flow.protocol !== IP_PROTOCOL.TCP) return;
  view.setUint8(at + 12, 5 << 4);
  view.setUint8(at + 13, flow.tcpFlags);
  view.setUint16(at + 14, 0xffff);
}

/** SCTP's checksum is a CRC over the chunks, of which these packets have none: it stays 0. */
function writeL4Checksum(view: DataView, at: number, { source, protocol }: Flow): void {
  const offset = protocol === IP_PROTOCOL.TCP
    ? 16
    : protocol === IP_PROTOCOL.UDP
    ? 6
    : protocol === IP_PROTOCOL.ICMP || protocol === IP_PROTOCOL.ICMPV6
    ? 2
    : undefined;
  if (offset === undefined) return;
  const bytes = view.byteLength - at;
  let total = sum(view, at, bytes);
  if (protocol !== IP_PROTOCOL.ICMP) {
    const addressBytes = source.family === 4 ? 8 : 32;
    total += sum(view, at - addressBytes, addressBytes) + protocol + bytes;
  }
  const checksum = fold(total);
  // In UDP 0 means "no checksum".
  view.setUint16(at + offset, checksum === 0 && protocol === IP_PROTOCOL.UDP ? 0xffff : checksum);
}

function sum(view: DataView, at: number, bytes: number): number {
  let total = 0;
  for (let i = 0; i < bytes; i += 2) total += view.getUint16(at + i);
  return total;
}

function fold(total: number): number {
  let folded = total;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}
