import {
  DROP_AUTH_REQUIRED,
  DROP_CT_INVALID_HDR,
  DROP_CT_UNKNOWN_PROTO,
  DROP_EP_NOT_READY,
  DROP_FRAG_NOT_FOUND,
  DROP_INVALID,
  DROP_INVALID_EXTHDR,
  DROP_INVALID_SIP,
  DROP_POLICY,
  DROP_POLICY_DENY,
  DROP_PROXY_LOOKUP_FAILED,
  DROP_PROXY_SET_FAILED,
  DROP_PROXY_UNKNOWN_PROTO,
  DROP_TTL_EXCEEDED,
  DROP_UNKNOWN_L3,
  DROP_VLAN_FILTERED,
  MARK_ENFORCED,
  MARK_HOST,
  MARK_IDENTITY,
  MARK_TO_PROXY,
  PACKET_NOT_RUN,
  PACKET_OK,
  PACKET_REDIRECT,
  PACKET_SHOT,
  REASON_SLOT_FALLBACK,
} from "../../src/datapath/layout.ts";
import type { PacketInput } from "../../src/datapath/packet_batch.ts";
import { newPacket, type PacketBuilder } from "../../src/datapath/packet_builder.ts";
import {
  AUDITED,
  CLIENT,
  CLIENT_IDENTITY,
  delivered,
  ip4,
  ip6,
  ipv4,
  ipv6,
  NAMELESS,
  PROXY_PORT,
  SERVER,
  UNREADY,
} from "./_node.ts";

/** Ports of a client and a web server. */
export const WEB = { source: 4000, destination: 80 };
/** The same, back. */
export const WEB_REPLY = { source: 80, destination: 4000 };
const ENFORCED = { verdict: PACKET_REDIRECT, mark: MARK_ENFORCED };
const TO_STACK = {
  verdict: PACKET_OK,
  mark: (CLIENT_IDENTITY << 16 | MARK_IDENTITY) >>> 0,
};
const DROPPED = { verdict: PACKET_SHOT, mark: 0 };

/** A packet with one byte changed. */
function withByte(packet: PacketBuilder, offset: number, value: number): Uint8Array {
  const data = packet.build();
  data[offset] = value;
  return data;
}

/** A packet, and what becomes of it on a fresh node. */
export interface Row {
  readonly description: string;
  readonly packet: PacketBuilder | Uint8Array;
  /** Where it enters; from the client if absent. */
  readonly fields?: Partial<PacketInput>;
  readonly out: { readonly verdict: number; readonly mark: number };
  /** Absent: the packet as it came. */
  readonly packetOut?: Uint8Array;
  /** Reasons of the events, in order; 0 is a policy verdict. */
  readonly events: readonly number[];
}

const fragment = { source: ipv4(CLIENT), destination: ipv4(SERVER) };
const ends6 = { source: ipv6(CLIENT), destination: ipv6(SERVER) };
const LINK_LOCAL = Uint8Array.of(0xFE, 0x80, ...new Array(13).fill(0), 1);
const TO_CONTAINER = { endpoint: SERVER, hook: "to_container" } as const;

/** Read by emulator and kernel. */
export const ROWS: readonly Row[] = [
  {
    description: "a SYN that both sides allow is delivered by the last hop",
    packet: ip4(CLIENT, SERVER).tcp(WEB),
    out: ENFORCED,
    packetOut: delivered(ip4(CLIENT, SERVER).tcp(WEB), SERVER),
    events: [0, 0],
  },
  {
    description: "the same over IPv6",
    packet: ip6(CLIENT, SERVER).tcp(WEB),
    out: ENFORCED,
    packetOut: delivered(ip6(CLIENT, SERVER).tcp(WEB), SERVER),
    events: [0, 0],
  },
  {
    description: "UDP to an allowed port",
    packet: ip4(CLIENT, SERVER).udp({ source: 4000, destination: 53 }),
    out: ENFORCED,
    packetOut: delivered(ip4(CLIENT, SERVER).udp({ source: 4000, destination: 53 }), SERVER),
    events: [0, 0],
  },
  {
    description: "an allowed echo request",
    packet: ip4(CLIENT, SERVER).icmp({ type: 8, id: 5 }),
    out: ENFORCED,
    packetOut: delivered(ip4(CLIENT, SERVER).icmp({ type: 8, id: 5 }), SERVER),
    events: [0, 0],
  },
  {
    description: "an allowed echo request over IPv6",
    packet: ip6(CLIENT, SERVER).icmpv6({ type: 128, id: 5 }),
    out: ENFORCED,
    packetOut: delivered(ip6(CLIENT, SERVER).icmpv6({ type: 128, id: 5 }), SERVER),
    events: [0, 0],
  },
  {
    description: "a port that the destination does not allow",
    packet: ip4(CLIENT, SERVER).tcp({ source: 4000, destination: 81 }),
    out: DROPPED,
    packetOut: delivered(ip4(CLIENT, SERVER).tcp({ source: 4000, destination: 81 }), SERVER),
    events: [0, DROP_POLICY],
  },
  {
    description: "a port that a deny rule names",
    packet: ip4(CLIENT, SERVER).tcp({ source: 4000, destination: 23 }),
    out: DROPPED,
    events: [DROP_POLICY_DENY],
  },
  {
    description: "a port that wants authentication",
    packet: ip4(CLIENT, SERVER).tcp({ source: 4000, destination: 88 }),
    out: DROPPED,
    packetOut: delivered(ip4(CLIENT, SERVER).tcp({ source: 4000, destination: 88 }), SERVER),
    events: [0, DROP_AUTH_REQUIRED],
  },
  {
    description: "SCTP is matched by protocol",
    packet: ip4(CLIENT, SERVER).sctp(WEB),
    out: DROPPED,
    packetOut: delivered(ip4(CLIENT, SERVER).sctp(WEB), SERVER),
    events: [0, DROP_POLICY],
  },
  {
    description: "a destination beyond the node goes to the stack with its identity",
    packet: ip4(CLIENT, 77).tcp(WEB),
    out: TO_STACK,
    events: [0],
  },
  {
    description: "a destination without a slot is judged by its scope and told",
    packet: ip4(CLIENT, 200).tcp(WEB),
    out: TO_STACK,
    events: [REASON_SLOT_FALLBACK, 0],
  },
  {
    description: "a spoofed source",
    packet: ip4(SERVER, CLIENT).tcp(WEB),
    out: DROPPED,
    events: [DROP_INVALID_SIP],
  },
  {
    description: "a spoofed IPv6 source",
    packet: ip6(SERVER, CLIENT).tcp(WEB),
    out: DROPPED,
    events: [DROP_INVALID_SIP],
  },
  {
    description: "source 0.0.0.0 of an endpoint without an IPv4 address",
    packet: newPacket().eth().ipv4({ source: new Uint8Array(4), destination: ipv4(SERVER) })
      .tcp(WEB),
    fields: { endpoint: NAMELESS },
    out: DROPPED,
    events: [DROP_INVALID_SIP],
  },
  {
    description: "source :: of an endpoint without an IPv6 address",
    packet: newPacket().eth().ipv6({ source: new Uint8Array(16), destination: ipv6(SERVER) })
      .tcp(WEB),
    fields: { endpoint: NAMELESS },
    out: DROPPED,
    events: [DROP_INVALID_SIP],
  },
  {
    description: "a destination that has no policy yet",
    packet: ip4(CLIENT, UNREADY).tcp(WEB),
    out: DROPPED,
    packetOut: delivered(ip4(CLIENT, UNREADY).tcp(WEB), UNREADY),
    events: [0, DROP_EP_NOT_READY],
  },
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
    description: "a container's mark is not believed",
    packet: newPacket().eth().arp(),
    fields: { mark: MARK_ENFORCED },
    out: { verdict: PACKET_OK, mark: 0 },
    events: [],
  },
  {
    description: "to_container drops what should have gone to a proxy",
    packet: ip4(CLIENT, SERVER).tcp(WEB),
    fields: { ...TO_CONTAINER, mark: PROXY_PORT.web << 16 | MARK_TO_PROXY },
    out: { verdict: PACKET_SHOT, mark: PROXY_PORT.web << 16 | MARK_TO_PROXY },
    events: [DROP_PROXY_SET_FAILED],
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
  {
    description: "a redirect at ingress goes to the stack, with the proxy's port",
    packet: ip4(CLIENT, SERVER).tcp({ source: 4000, destination: 8080 }),
    out: { verdict: PACKET_OK, mark: (PROXY_PORT.web << 16 | MARK_TO_PROXY) >>> 0 },
    packetOut: delivered(ip4(CLIENT, SERVER).tcp({ source: 4000, destination: 8080 }), SERVER),
    events: [0, 0],
  },
  {
    description: "a redirect at egress reaches no endpoint",
    packet: ip6(CLIENT, SERVER).udp({ source: 4000, destination: 5353 }),
    out: { verdict: PACKET_OK, mark: (PROXY_PORT.egress << 16 | MARK_TO_PROXY) >>> 0 },
    events: [0],
  },
  {
    description: "a redirect to a proxy that does not listen",
    packet: ip4(CLIENT, SERVER).tcp({ source: 4000, destination: 8081 }),
    out: DROPPED,
    packetOut: delivered(ip4(CLIENT, SERVER).tcp({ source: 4000, destination: 8081 }), SERVER),
    events: [0, DROP_PROXY_LOOKUP_FAILED],
  },
  {
    description: "a redirect whose number is in no table",
    packet: ip4(CLIENT, SERVER).tcp({ source: 4000, destination: 8082 }),
    out: DROPPED,
    packetOut: delivered(ip4(CLIENT, SERVER).tcp({ source: 4000, destination: 8082 }), SERVER),
    events: [0, DROP_PROXY_LOOKUP_FAILED],
  },
  {
    description: "a redirect of a protocol that no proxy speaks",
    packet: ip4(CLIENT, SERVER).sctp({ source: 4000, destination: 8080 }),
    out: DROPPED,
    packetOut: delivered(ip4(CLIENT, SERVER).sctp({ source: 4000, destination: 8080 }), SERVER),
    events: [0, DROP_PROXY_UNKNOWN_PROTO],
  },
  {
    description: "a redirect is not possible for what comes from the stack",
    packet: ip4(CLIENT, SERVER).tcp({ source: 4000, destination: 8080 }),
    fields: TO_CONTAINER,
    out: DROPPED,
    events: [DROP_PROXY_SET_FAILED],
  },
  {
    description: "audit mode lets pass what no rule allows, and says so",
    packet: ip4(CLIENT, AUDITED).tcp({ source: 4000, destination: 81 }),
    out: ENFORCED,
    packetOut: delivered(ip4(CLIENT, AUDITED).tcp({ source: 4000, destination: 81 }), AUDITED),
    events: [0, DROP_POLICY],
  },
  {
    description: "audit mode lets pass what wants authentication",
    packet: ip4(CLIENT, AUDITED).tcp({ source: 4000, destination: 88 }),
    out: ENFORCED,
    packetOut: delivered(ip4(CLIENT, AUDITED).tcp({ source: 4000, destination: 88 }), AUDITED),
    events: [0, DROP_AUTH_REQUIRED],
  },
  {
    description: "audit mode of the destination is not the source's",
    packet: ip4(CLIENT, AUDITED).tcp({ source: 4000, destination: 23 }),
    out: DROPPED,
    events: [DROP_POLICY_DENY],
  },
  {
    description: "audit mode drops what is no matter of policy",
    packet: ip4(CLIENT, AUDITED).tcp({ source: 4000, destination: 8081 }),
    out: DROPPED,
    packetOut: delivered(ip4(CLIENT, AUDITED).tcp({ source: 4000, destination: 8081 }), AUDITED),
    events: [0, DROP_PROXY_LOOKUP_FAILED],
  },
  {
    description: "audit mode does not excuse a spoofed source",
    packet: ip4(CLIENT, SERVER).tcp(WEB),
    fields: { endpoint: AUDITED },
    out: DROPPED,
    events: [DROP_INVALID_SIP],
  },
  {
    description: "to_container lets pass what has been enforced",
    packet: ip4(77, SERVER).tcp(WEB),
    fields: { ...TO_CONTAINER, mark: MARK_ENFORCED },
    out: { verdict: PACKET_OK, mark: MARK_ENFORCED },
    events: [],
  },
  {
    description: "to_container takes the source from the address",
    packet: ip4(CLIENT, SERVER).tcp(WEB),
    fields: TO_CONTAINER,
    out: { verdict: PACKET_OK, mark: 0 },
    events: [0],
  },
  {
    description: "to_container takes the source from the mark before the address",
    packet: ip4(77, SERVER).tcp(WEB),
    fields: { ...TO_CONTAINER, mark: TO_STACK.mark },
    out: { verdict: PACKET_OK, mark: TO_STACK.mark },
    events: [0],
  },
  {
    description: "to_container takes the host's mark as identity 1",
    packet: ip4(CLIENT, SERVER).tcp(WEB),
    fields: { ...TO_CONTAINER, mark: MARK_HOST },
    out: { verdict: PACKET_SHOT, mark: MARK_HOST },
    events: [DROP_POLICY],
  },
  {
    description: "to_container drops what policy does not allow",
    packet: ip4(77, SERVER).tcp(WEB),
    fields: TO_CONTAINER,
    out: DROPPED,
    events: [DROP_POLICY],
  },
  {
    description: "an endpoint that does not exist runs nothing",
    packet: ip4(CLIENT, SERVER).tcp(WEB),
    fields: { endpoint: 77 },
    out: { verdict: PACKET_NOT_RUN, mark: 0 },
    events: [],
  },
];
