import {
  DROP_CT_INVALID_HDR,
  DROP_CT_UNKNOWN_PROTO,
  DROP_FRAG_NOT_FOUND,
  DROP_INVALID,
  DROP_INVALID_EXTHDR,
  DROP_POLICY,
  DROP_TTL_EXCEEDED,
  DROP_UNKNOWN_L3,
  DROP_VLAN_FILTERED,
  PACKET_OK,
} from "../../src/datapath/layout.ts";
import { newPacket, type PacketBuilder } from "../../src/datapath/packet_builder.ts";
import { CLIENT, delivered, ip4, ip6, ipv4, ipv6, SERVER } from "./_node.ts";
import { DROPPED, ENFORCED, type Row, WEB } from "./_row.ts";

/** A packet with one byte changed. */
function withByte(packet: PacketBuilder, offset: number, value: number): Uint8Array {
  const data = packet.build();
  data[offset] = value;
  return data;
}

const fragment = { source: ipv4(CLIENT), destination: ipv4(SERVER) };
const ends6 = { source: ipv6(CLIENT), destination: ipv6(SERVER) };
const LINK_LOCAL = Uint8Array.of(0xFE, 0x80, ...new Array(13).fill(0), 1);

/** What headers say, and how they lie. */
export const HEADER_ROWS: readonly Row[] = [
  {
    description: "a TTL that is used up",
    packet: newPacket().eth().ipv4({ ...fragment, ttl: 1 }).tcp(WEB),
    out: DROPPED,
    events: [0, DROP_TTL_EXCEEDED],
  },
  {
    description: "a first fragment is judged by its own header",
    packet: newPacket().eth().ipv4({ ...fragment, fragment: 0x2000 }).tcp(WEB),
    out: ENFORCED,
    packetOut: delivered(
      newPacket().eth().ipv4({ ...fragment, fragment: 0x2000 }).tcp(WEB),
      SERVER,
    ),
    events: [0, 0],
  },
  {
    description: "a later fragment without its first one",
    packet: newPacket().eth().ipv4({ ...fragment, fragment: 1, id: 9 }).tcp(WEB),
    out: DROPPED,
    events: [DROP_FRAG_NOT_FOUND],
  },
  {
    description: "a first fragment over IPv6",
    packet: newPacket().eth().ipv6(ends6).fragment({ offset: 0, more: true, id: 8 }).tcp(WEB),
    out: ENFORCED,
    packetOut: delivered(
      newPacket().eth().ipv6(ends6).fragment({ offset: 0, more: true, id: 8 }).tcp(WEB),
      SERVER,
    ),
    events: [0, 0],
  },
  {
    description: "a later fragment over IPv6 without its first one",
    packet: newPacket().eth().ipv6(ends6).fragment({ offset: 1, more: true, id: 9 }).tcp(WEB),
    out: DROPPED,
    events: [DROP_FRAG_NOT_FOUND],
  },
  {
    description: "an IPv6 fragment header cut off",
    packet: newPacket().eth().ipv6({ ...ends6, protocol: 44 }).payload(new Uint8Array(7)),
    out: DROPPED,
    events: [DROP_INVALID_EXTHDR],
  },
  {
    description: "IPv6 extension headers before the ports",
    packet: newPacket().eth().ipv6(ends6).extension("hopByHop").extension("routing").tcp(WEB),
    out: ENFORCED,
    packetOut: delivered(
      newPacket().eth().ipv6(ends6).extension("hopByHop").extension("routing").tcp(WEB),
      SERVER,
    ),
    events: [0, 0],
  },
  {
    description: "an IPv6 routing header with a segment left",
    packet: newPacket().eth().ipv6(ends6).extension("routing", { segmentsLeft: 1 }).tcp(WEB),
    out: DROPPED,
    events: [DROP_INVALID_EXTHDR],
  },
  {
    description: "a protocol without ports is judged by its number",
    packet: newPacket().eth().ipv4({ ...fragment, protocol: 47 }).payload(new Uint8Array(8)),
    out: DROPPED,
    packetOut: delivered(
      newPacket().eth().ipv4({ ...fragment, protocol: 47 }).payload(new Uint8Array(8)),
      SERVER,
    ),
    events: [0, DROP_POLICY],
  },
  {
    description: "ICMPv6 in IPv4",
    packet: ip4(CLIENT, SERVER).icmpv6({ type: 128 }),
    out: DROPPED,
    events: [DROP_CT_UNKNOWN_PROTO],
  },
  {
    description: "a TCP header that is cut off",
    packet: newPacket().eth().ipv4({ ...fragment, protocol: 6 }).payload(new Uint8Array(19)),
    out: DROPPED,
    events: [DROP_CT_INVALID_HDR],
  },
  {
    description: "a UDP header that is cut off",
    packet: newPacket().eth().ipv4({ ...fragment, protocol: 17 }).payload(new Uint8Array(7)),
    out: DROPPED,
    events: [DROP_CT_INVALID_HDR],
  },
  {
    description: "an IPv4 length beyond the packet",
    packet: ip4(CLIENT, SERVER).tcp(WEB).build().slice(0, 50),
    out: DROPPED,
    events: [DROP_INVALID],
  },
  {
    description: "an IPv4 header length below 20",
    packet: withByte(ip4(CLIENT, SERVER).tcp(WEB), 14, 0x44),
    out: DROPPED,
    events: [DROP_INVALID],
  },
  {
    description: "an IPv6 version that lies",
    packet: withByte(ip6(CLIENT, SERVER).tcp(WEB), 14, 0x45),
    out: DROPPED,
    events: [DROP_INVALID],
  },
  {
    description: "an IP header that is cut off",
    packet: ip4(CLIENT, SERVER).tcp(WEB).build().slice(0, 33),
    out: DROPPED,
    events: [DROP_INVALID],
  },
  {
    description: "a VLAN tag",
    packet: newPacket().eth().vlan(7).ipv4(fragment).tcp(WEB),
    out: DROPPED,
    events: [DROP_VLAN_FILTERED],
  },
  {
    description: "an ethertype that is not IP",
    packet: newPacket().eth({ type: 0x88CC }).payload(new Uint8Array(50)),
    out: DROPPED,
    events: [DROP_UNKNOWN_L3],
  },
  {
    description: "ARP is the stack's",
    packet: newPacket().eth().arp(),
    out: { verdict: PACKET_OK, mark: 0 },
    events: [],
  },
  {
    description: "neighbour discovery is the stack's",
    packet: newPacket().eth().ipv6({ source: ipv6(CLIENT), destination: LINK_LOCAL, ttl: 255 })
      .icmpv6({ type: 135 }),
    out: { verdict: PACKET_OK, mark: 0 },
    events: [],
  },
  {
    description: "neighbour discovery that was forwarded is not",
    packet: newPacket().eth().ipv6({ source: ipv6(CLIENT), destination: ipv6(SERVER), ttl: 254 })
      .icmpv6({ type: 135 }),
    out: DROPPED,
    packetOut: delivered(
      newPacket().eth().ipv6({ source: ipv6(CLIENT), destination: ipv6(SERVER), ttl: 254 })
        .icmpv6({ type: 135 }),
      SERVER,
    ),
    events: [0, DROP_POLICY],
  },
  {
    description: "fragmentation needed passes whatever policy says",
    packet: ip4(CLIENT, SERVER).icmp({ type: 3, code: 4 }),
    out: ENFORCED,
    packetOut: delivered(ip4(CLIENT, SERVER).icmp({ type: 3, code: 4 }), SERVER),
    events: [],
  },
  {
    description: "packet too big passes whatever policy says",
    packet: ip6(CLIENT, SERVER).icmpv6({ type: 2 }),
    out: ENFORCED,
    packetOut: delivered(ip6(CLIENT, SERVER).icmpv6({ type: 2 }), SERVER),
    events: [],
  },
  {
    description: "an ICMP error that quotes a packet of no flow is a matter of policy",
    packet: ip4(CLIENT, SERVER).icmp({ type: 3, code: 1 }).quote(ip4(SERVER, CLIENT).tcp(WEB)),
    out: DROPPED,
    packetOut: delivered(
      ip4(CLIENT, SERVER).icmp({ type: 3, code: 1 }).quote(ip4(SERVER, CLIENT).tcp(WEB)),
      SERVER,
    ),
    events: [0, DROP_POLICY],
  },
  {
    description: "two VLAN tags",
    packet: newPacket().eth().vlan(7, 0x88A8).vlan(8).ipv4(fragment).tcp(WEB),
    out: DROPPED,
    events: [DROP_VLAN_FILTERED],
  },
  {
    description: "Ethernet padding behind the packet is ignored",
    packet: Uint8Array.from([
      ...ip4(CLIENT, SERVER).udp({ source: 4000, destination: 53 }).build(),
      ...new Array(18).fill(0xAA),
    ]),
    out: ENFORCED,
    packetOut: Uint8Array.from([
      ...delivered(ip4(CLIENT, SERVER).udp({ source: 4000, destination: 53 }), SERVER),
      ...new Array(18).fill(0xAA),
    ]),
    events: [0, 0],
  },
  {
    description: "IPv4 options before the ports",
    packet: newPacket().eth().ipv4({ ...fragment, options: new Uint8Array(40) }).tcp(WEB),
    out: ENFORCED,
    packetOut: delivered(
      newPacket().eth().ipv4({ ...fragment, options: new Uint8Array(40) }).tcp(WEB),
      SERVER,
    ),
    events: [0, 0],
  },
];
