import { addressOf, type Probe } from "./probe.ts";

const ECHO_REQUEST = { 4: 8, 6: 128 } as const;
const ECHO_REPLY = { 4: 0, 6: 129 } as const;
const ECHO_HEADER = 8;

/** An ICMP echo request, from the ICMP header on. The kernel writes ICMPv6's checksum. */
export function echoRequest(family: 4 | 6, identifier: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ECHO_HEADER + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, ECHO_REQUEST[family]);
  view.setUint16(4, identifier);
  view.setUint16(6, 1); // sequence number
  bytes.set(data, ECHO_HEADER);
  if (family === 4) view.setUint16(2, internetChecksum(bytes));
  return bytes;
}

/** RFC 1071. */
function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (const [at, byte] of bytes.entries()) sum += at % 2 === 0 ? byte << 8 : byte;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/**
 * Tells whether what a raw ICMP socket received is the answer to the probe's request. Such a
 * socket hears everything: other probes' answers, and the requests of others.
 */
export function isEchoReply(
  received: Uint8Array,
  probe: Probe,
  identifier: number,
  data: Uint8Array,
): boolean {
  const icmp = probe.family === 4 ? ipv4Payload(received, probe) : received;
  if (!icmp || icmp.length !== ECHO_HEADER + data.length) return false;
  const view = new DataView(icmp.buffer, icmp.byteOffset, icmp.length);
  return view.getUint8(0) === ECHO_REPLY[probe.family] && view.getUint16(4) === identifier &&
    data.every((byte, at) => icmp[ECHO_HEADER + at] === byte);
}

/** What follows the IPv4 header, if the packet comes from the probe's destination. */
function ipv4Payload(packet: Uint8Array, probe: Probe): Uint8Array | undefined {
  const header = ((packet[0] ?? 0) & 0xf) * 4;
  if (header < 20 || packet.length < header) return undefined;
  const from = addressOf(probe.destination, 4);
  return from.every((byte, at) => packet[12 + at] === byte) ? packet.subarray(header) : undefined;
}
