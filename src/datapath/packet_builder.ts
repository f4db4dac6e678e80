/**
 * Packets as sentences: `newPacket().eth().ipv4({ … }).tcp({ … }).build()`. Lengths and
 * checksums are filled in; what a test wants wrong it changes in the bytes.
 *
 * @module
 */
import type { AddressBytes, MacBytes } from "./datapath.ts";
import { internetChecksum } from "./internet_checksum.ts";

/** Fields of an Ethernet header. */
export interface EthOptions {
  /** @default {00:00:00:00:00:00} */
  readonly source?: MacBytes | undefined;
  /** @default {00:00:00:00:00:00} */
  readonly destination?: MacBytes | undefined;
  /** Ethertype, host byte order. @default {that of the next header} */
  readonly type?: number | undefined;
}

/** Fields that both IP headers have. */
export interface IpOptions {
  /** 4 bytes for IPv4, 16 for IPv6. */
  readonly source: AddressBytes;
  readonly destination: AddressBytes;
  /** TTL or hop limit. @default {64} */
  readonly ttl?: number | undefined;
  /** @default {that of the next header} */
  readonly protocol?: number | undefined;
}

/** Fields of an IPv4 header. */
export interface Ipv4Options extends IpOptions {
  /** Identification, by which fragments find together. @default {0} */
  readonly id?: number | undefined;
  /** Flags and fragment offset, host byte order. @default {0x4000, don't fragment} */
  readonly fragment?: number | undefined;
  /** Header options, a multiple of 4 bytes up to 40. */
  readonly options?: Uint8Array | undefined;
}

/** Fields of an IPv6 extension header that is no fragment header. */
export interface ExtensionOptions {
  /** Bytes of the header, a multiple of 8, or of 4 for AH. @default {8} */
  readonly bytes?: number | undefined;
  /** The fourth byte, which in a routing header counts the segments left. @default {0} */
  readonly segmentsLeft?: number | undefined;
  /** @default {that of the next header} */
  readonly protocol?: number | undefined;
}

/** Fields of an IPv6 fragment header. */
export interface FragmentOptions {
  /** Offset in units of 8 bytes. */
  readonly offset: number;
  /** Whether more fragments follow. */
  readonly more: boolean;
  /** Identification. */
  readonly id: number;
  /** @default {that of the next header} */
  readonly protocol?: number | undefined;
}

/** Ports, host byte order. */
export interface PortOptions {
  readonly source: number;
  readonly destination: number;
}

/** TCP flags, as in {@linkcode TcpOptions.flags}. */
export type TcpFlag = "FIN" | "SYN" | "RST" | "PSH" | "ACK";

/** Fields of a TCP header. */
export interface TcpOptions extends PortOptions {
  /** @default {["SYN"]} */
  readonly flags?: readonly TcpFlag[] | undefined;
}

/** Fields of an ICMP or ICMPv6 header. */
export interface IcmpOptions {
  readonly type: number;
  /** @default {0} */
  readonly code?: number | undefined;
  /** Of an echo, host byte order. @default {0} */
  readonly id?: number | undefined;
  /** Of an echo, host byte order. @default {0} */
  readonly sequence?: number | undefined;
}

const ETHERTYPE = { arp: 0x0806, ipv4: 0x0800, ipv6: 0x86DD, vlan: 0x8100 };
const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 };
const EXTENSION = { hopByHop: 0, routing: 43, authentication: 51, destination: 60 };
const FRAGMENT = 44;
const NO_NEXT_HEADER = 59;
const FLAG_BITS: Record<TcpFlag, number> = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16 };
const NO_MAC = new Uint8Array(6);

/** Where a layer's checksum is, relative to its start, and whether addresses are part of it. */
interface Checksum {
  readonly offset: number;
  readonly pseudoHeader: boolean;
}

/** A header: its bytes, and how what follows changes them. */
interface Layer {
  readonly header: Uint8Array;
  /** Ethertype or IP protocol by which the layer before names this one; a payload has none. */
  readonly number?: number;
  /** Sets the number of the next layer and the length of all that follows. */
  readonly complete?: (next: number | undefined, bytes: number) => void;
  readonly addresses?: Uint8Array;
  readonly checksum?: Checksum;
}

/** Starts a packet. */
export function newPacket(): PacketBuilder {
  return new PacketBuilder([]);
}

/** Headers so far. Every method returns a new builder, so prefixes can be shared. */
export class PacketBuilder {
  readonly #layers: readonly Layer[];

  constructor(layers: readonly Layer[]) {
    this.#layers = layers;
  }

  #with(layer: Layer): PacketBuilder {
    return new PacketBuilder([...this.#layers, layer]);
  }

  /** Ethernet. */
  eth(options: EthOptions = {}): PacketBuilder {
    const header = new Uint8Array(14);
    header.set(options.destination ?? NO_MAC, 0);
    header.set(options.source ?? NO_MAC, 6);
    return this.#with({
      header,
      number: 0,
      complete: (next) => setUint16(header, 12, options.type ?? next ?? 0),
    });
  }

  /** An 802.1Q or 802.1ad tag behind the Ethernet header or another tag. */
  vlan(id: number, type: number = ETHERTYPE.vlan): PacketBuilder {
    const header = new Uint8Array(4);
    setUint16(header, 0, id);
    return this.#with({
      header,
      number: type,
      complete: (next) => setUint16(header, 2, next ?? 0),
    });
  }

  /** An ARP request for Ethernet and IPv4. */
  arp(): PacketBuilder {
    const header = new Uint8Array(28);
    header.set([0, 1, 8, 0, 6, 4, 0, 1]);
    return this.#with({ header, number: ETHERTYPE.arp });
  }

  /** IPv4. */
  ipv4(options: Ipv4Options): PacketBuilder {
    const { source, destination, ttl = 64, protocol, id = 0, fragment = 0x4000 } = options;
    const header = new Uint8Array(20 + (options.options?.length ?? 0));
    header[0] = 0x40 | header.length / 4;
    setUint16(header, 4, id);
    setUint16(header, 6, fragment);
    header[8] = ttl;
    header.set(source, 12);
    header.set(destination, 16);
    header.set(options.options ?? [], 20);
    return this.#with({
      header,
      number: ETHERTYPE.ipv4,
      addresses: header.subarray(12, 20),
      complete: (next, bytes) => {
        setUint16(header, 2, header.length + bytes);
        header[9] = protocol ?? next ?? 0;
        setUint16(header, 10, 0); // of the build before
        setUint16(header, 10, internetChecksum(header));
      },
    });
  }

  /** IPv6. */
  ipv6(options: IpOptions): PacketBuilder {
    const { source, destination, ttl = 64, protocol } = options;
    const header = new Uint8Array(40);
    header[0] = 0x60;
    header[7] = ttl;
    header.set(source, 8);
    header.set(destination, 24);
    return this.#with({
      header,
      number: ETHERTYPE.ipv6,
      addresses: header.subarray(8, 40),
      complete: (next, bytes) => {
        setUint16(header, 4, bytes);
        header[6] = protocol ?? next ?? NO_NEXT_HEADER;
      },
    });
  }

  /** An IPv6 extension header of zeros. */
  extension(kind: keyof typeof EXTENSION, options: ExtensionOptions = {}): PacketBuilder {
    const { bytes = 8, segmentsLeft = 0, protocol } = options;
    const header = new Uint8Array(bytes);
    header[1] = kind === "authentication" ? bytes / 4 - 2 : bytes / 8 - 1;
    header[3] = segmentsLeft;
    return this.#with({
      header,
      number: EXTENSION[kind],
      complete: (next) => header[0] = protocol ?? next ?? NO_NEXT_HEADER,
    });
  }

  /** An IPv6 fragment header. */
  fragment({ offset, more, id, protocol }: FragmentOptions): PacketBuilder {
    const header = new Uint8Array(8);
    setUint16(header, 2, offset << 3 | (more ? 1 : 0));
    setUint16(header, 4, id >>> 16);
    setUint16(header, 6, id);
    return this.#with({
      header,
      number: FRAGMENT,
      complete: (next) => header[0] = protocol ?? next ?? NO_NEXT_HEADER,
    });
  }

  /** TCP without options. */
  tcp(options: TcpOptions): PacketBuilder {
    const header = ports(20, options);
    header[12] = 5 << 4;
    header[13] = (options.flags ?? ["SYN"]).reduce((bits, flag) => bits | FLAG_BITS[flag], 0);
    setUint16(header, 14, 0xFFFF);
    return this.#with({
      header,
      number: PROTOCOL.tcp,
      checksum: { offset: 16, pseudoHeader: true },
    });
  }

  /** UDP. */
  udp(options: PortOptions): PacketBuilder {
    const header = ports(8, options);
    return this.#with({
      header,
      number: PROTOCOL.udp,
      complete: (_next, bytes) => setUint16(header, 4, 8 + bytes),
      checksum: { offset: 6, pseudoHeader: true },
    });
  }

  /** SCTP's common header; its CRC stays 0, since no chunk follows. */
  sctp(options: PortOptions): PacketBuilder {
    return this.#with({ header: ports(12, options), number: PROTOCOL.sctp });
  }

  /** ICMP. */
  icmp(options: IcmpOptions): PacketBuilder {
    const checksum = { offset: 2, pseudoHeader: false };
    return this.#with({ header: icmpHeader(options), number: PROTOCOL.icmp, checksum });
  }

  /** ICMPv6. */
  icmpv6(options: IcmpOptions): PacketBuilder {
    const checksum = { offset: 2, pseudoHeader: true };
    return this.#with({ header: icmpHeader(options), number: PROTOCOL.icmpv6, checksum });
  }

  /** What an ICMP error quotes: a packet without its Ethernet header. */
  quote(packet: PacketBuilder | Uint8Array): PacketBuilder {
    return this.payload((packet instanceof Uint8Array ? packet : packet.build()).slice(14));
  }

  /** Bytes behind the last header. */
  payload(bytes: Uint8Array): PacketBuilder {
    return this.#with({ header: bytes });
  }

  /** The packet. Each call returns new bytes. */
  build(): Uint8Array {
    const layers = this.#layers;
    let bytes = 0;
    for (const [i, layer] of [...layers.entries()].reverse()) {
      layer.complete?.(layers[i + 1]?.number, bytes);
      bytes += layer.header.length;
    }
    const packet = new Uint8Array(bytes);
    let at = 0;
    for (const { header } of layers) {
      packet.set(header, at);
      at += header.length;
    }
    writeChecksums(packet, layers);
    return packet;
  }
}

/** Checksums of L4 cover all that follows, so they come last. */
function writeChecksums(packet: Uint8Array, layers: readonly Layer[]): void {
  let at = 0;
  let addresses = new Uint8Array();
  for (const layer of layers) {
    if (layer.addresses) addresses = layer.addresses.slice();
    if (layer.checksum) {
      const segment = packet.subarray(at);
      const { offset, pseudoHeader } = layer.checksum;
      setUint16(segment, offset, 0);
      const pseudo = pseudoHeader
        ? pseudoHeaderOf(addresses, layer.number ?? 0, segment.length)
        : [];
      const checksum = internetChecksum(Uint8Array.from([...pseudo, ...segment]));
      // A UDP checksum of 0 would mean "none" (RFC 768).
      setUint16(segment, offset, checksum || (layer.number === PROTOCOL.udp ? 0xFFFF : 0));
    }
    at += layer.header.length;
  }
}

/** RFC 9293 for IPv4 and RFC 8200 for IPv6: of the same sum, since only zeros differ. */
function pseudoHeaderOf(addresses: Uint8Array, protocol: number, length: number): number[] {
  return [...addresses, 0, protocol, length >> 8, length & 0xFF];
}

function setUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >> 8 & 0xFF;
  bytes[offset + 1] = value & 0xFF;
}

function ports(bytes: number, { source, destination }: PortOptions): Uint8Array {
  const header = new Uint8Array(bytes);
  setUint16(header, 0, source);
  setUint16(header, 2, destination);
  return header;
}

function icmpHeader({ type, code = 0, id = 0, sequence = 0 }: IcmpOptions): Uint8Array {
  const header = Uint8Array.of(type, code, 0, 0, 0, 0, 0, 0);
  setUint16(header, 4, id);
  setUint16(header, 6, sequence);
  return header;
}
