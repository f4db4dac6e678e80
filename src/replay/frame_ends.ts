import { addressOfBytes } from "../verify/address.ts";
import { hasPorts, IP_PROTOCOL, isIcmp, protocolName } from "../verify/flow.ts";

/**
 * What a frame says of its ends, for reports and to find its pods; what cannot be read is absent.
 * The programs read for themselves, and much more strictly.
 */
export interface FrameEnds {
  readonly sourceMac: Uint8Array;
  readonly destinationMac: Uint8Array;
  /** `TCP`, `ARP`, `ethertype 0x88cc`. */
  readonly protocol: string;
  /** Addresses as text; of ARP those that it is about. */
  readonly source?: string;
  readonly destination?: string;
  /** Host byte order; of the first fragment only. */
  readonly sport?: number;
  /** ICMP: the type. */
  readonly dport?: number;
  /** Only a part of an IP packet. */
  readonly fragment?: boolean;
  /** The frame ends before the headers do that policy reads. */
  readonly cutOff?: boolean;
}

const ETHERTYPE = { IPV4: 0x0800, ARP: 0x0806, VLAN: 0x8100, IPV6: 0x86dd, VLAN_SERVICE: 0x88a8 };
const ETHERNET_BYTES = 14;
const VLAN_TAG_BYTES = 4;
const MOST_VLAN_TAGS = 2;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const ARP_BYTES = 28;
/** Hop-by-hop, routing, destination options: next header, length in 8 bytes beyond the first 8. */
const EXTENSIONS: readonly number[] = [0, 43, 60];
const FRAGMENT = 44;
/** Bytes of the headers that policy reads, by IP protocol. */
const HEADER_BYTES: Readonly<Record<number, number>> = {
  [IP_PROTOCOL.ICMP]: 8,
  [IP_PROTOCOL.TCP]: 20,
  [IP_PROTOCOL.UDP]: 8,
  [IP_PROTOCOL.ICMPV6]: 8,
  [IP_PROTOCOL.SCTP]: 12,
};
const AUTHENTICATION = 51;
/** Smaller numbers where the ethertype stands are lengths (IEEE 802.3). */
const FIRST_ETHERTYPE = 0x0600;

/** Reads the ends of a frame of at least 14 bytes. */
export function frameEnds(frame: Uint8Array): FrameEnds {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const macs = { destinationMac: frame.subarray(0, 6), sourceMac: frame.subarray(6, 12) };
  let at = ETHERNET_BYTES;
  let ethertype = view.getUint16(12);
  for (let tags = 0; tags < MOST_VLAN_TAGS && isVlan(ethertype); tags++) {
    if (frame.length < at + VLAN_TAG_BYTES) break;
    ethertype = view.getUint16(at + 2);
    at += VLAN_TAG_BYTES;
  }
  const tagged = at > ETHERNET_BYTES || isVlan(ethertype);
  const ends = READERS[ethertype]?.(
    new DataView(view.buffer, view.byteOffset + at, frame.length - at),
  );
  const protocol = ends?.protocol ??
    (ethertype < FIRST_ETHERTYPE
      ? "IEEE 802.3"
      : `ethertype 0x${ethertype.toString(16).padStart(4, "0")}`);
  return { ...macs, ...ends, protocol: tagged ? "VLAN" : protocol };
}

function isVlan(ethertype: number): boolean {
  return ethertype === ETHERTYPE.VLAN || ethertype === ETHERTYPE.VLAN_SERVICE;
}

type Ends = Omit<FrameEnds, "sourceMac" | "destinationMac">;

const READERS: Readonly<Record<number, (packet: DataView) => Ends>> = {
  [ETHERTYPE.IPV4]: ipv4,
  [ETHERTYPE.IPV6]: ipv6,
  [ETHERTYPE.ARP]: arp,
};

function ipv4(packet: DataView): Ends {
  if (packet.byteLength < IPV4_BYTES) return { protocol: "IPv4", cutOff: true };
  const protocol = packet.getUint8(9);
  const at = (packet.getUint8(0) & 15) * 4;
  const isFirst = (packet.getUint16(6) & 0x1fff) === 0;
  const isPart = (packet.getUint16(6) & 0x3fff) !== 0;
  return {
    protocol: protocolName(protocol),
    source: addressAt(packet, 12, 4),
    destination: addressAt(packet, 16, 4),
    ...(isFirst ? ports(packet, at, protocol) : packet.byteLength < at ? { cutOff: true } : {}),
    ...(isPart ? { fragment: true } : {}),
  };
}

function ipv6(packet: DataView): Ends {
  if (packet.byteLength < IPV6_BYTES) return { protocol: "IPv6", cutOff: true };
  const { protocol, at, fragment } = behindExtensions(packet);
  return {
    protocol: protocolName(protocol),
    source: addressAt(packet, 8, 16),
    destination: addressAt(packet, 24, 16),
    ...(at === undefined ? {} : ports(packet, at, protocol)),
    ...(fragment ? { fragment } : {}),
  };
}

/** Each step goes at least 8 bytes ahead. */
function behindExtensions(packet: DataView) {
  let protocol = packet.getUint8(6);
  let at = IPV6_BYTES;
  let fragment = false;
  while (packet.byteLength >= at + 8) {
    const next = packet.getUint8(at);
    const length = packet.getUint8(at + 1);
    if (EXTENSIONS.includes(protocol)) at += (length + 1) * 8;
    else if (protocol === AUTHENTICATION) at += (length + 2) * 4;
    else if (protocol === FRAGMENT) {
      fragment = true;
      if ((packet.getUint16(at + 2) & 0xfff8) !== 0) return { protocol: next, fragment };
      at += 8;
    } else break;
    protocol = next;
  }
  return { protocol, at, fragment };
}

/** Of a chain of extension headers that goes on, the next one is what is missing. */
function isCutOff(packet: DataView, at: number, protocol: number): boolean {
  const wanted = isExtension(protocol) ? 8 : HEADER_BYTES[protocol] ?? 0;
  return packet.byteLength < at + wanted;
}

function isExtension(protocol: number): boolean {
  return EXTENSIONS.includes(protocol) || protocol === AUTHENTICATION || protocol === FRAGMENT;
}

function ports(
  packet: DataView,
  at: number,
  protocol: number,
): Pick<Ends, "sport" | "dport" | "cutOff"> {
  const cut = isCutOff(packet, at, protocol) ? { cutOff: true } : {};
  if (packet.byteLength < at + 4) return cut;
  if (isIcmp({ protocol })) return { dport: packet.getUint8(at), ...cut };
  return hasPorts({ protocol })
    ? { sport: packet.getUint16(at), dport: packet.getUint16(at + 2), ...cut }
    : cut;
}

function arp(packet: DataView): Ends {
  const isAboutIpv4 = packet.byteLength >= ARP_BYTES && packet.getUint16(2) === ETHERTYPE.IPV4 &&
    packet.getUint8(4) === 6 && packet.getUint8(5) === 4;
  if (!isAboutIpv4) return { protocol: "ARP" };
  return {
    protocol: "ARP",
    source: addressAt(packet, 14, 4),
    destination: addressAt(packet, 24, 4),
  };
}

function addressAt(packet: DataView, at: number, length: number): string {
  return addressOfBytes(new Uint8Array(packet.buffer, packet.byteOffset + at, length)).text;
}
