import { newPacket, type PacketBuilder } from "../../datapath/packet_builder.ts";
import type { Family } from "../address.ts";
import { ROW_ENDPOINT } from "../row_node.ts";
import { unreachable } from "./icmp_error.ts";
import {
  between,
  drop,
  ip,
  MACS,
  type PacketRow,
  patched,
  type RowOutcome,
  type RowPacket,
  type RowParty,
  type SourcePorts,
} from "./row.ts";

const { SUBJECT, PEER } = ROW_ENDPOINT;
const PROTOCOL = { ICMP: 1, TCP: 6, UDP: 17, GRE: 47, ICMPV6: 58, SCTP: 132 };

/** Fragments of one packet: its family, its ends and its identification. */
interface Pieces {
  readonly family: Family;
  readonly id: number;
  readonly from: RowParty;
  readonly to: RowParty;
}

/** Seconds after a first fragment until which later ones find it. */
const LATEST = 30 - 50e-6;

/** The first piece: IP, the header that `add` puts behind it, and more to come. */
function first(
  { family, id, from, to }: Pieces,
  add: (p: PacketBuilder) => PacketBuilder,
  protocol?: number,
): Uint8Array {
  const ends = between(family, from, to);
  const start = newPacket().eth(MACS);
  return add(
    family === 4
      ? start.ipv4({ ...ends, id, protocol, fragment: 0x2000 })
      : start.ipv6(ends).fragment({ offset: 0, more: true, id, protocol }),
  ).payload(new Uint8Array(16)).build();
}

/** A later piece, of bytes that could be taken for ports. */
function later({ family, id, from, to }: Pieces, protocol: number, offset = 3): Uint8Array {
  const ends = between(family, from, to);
  const start = newPacket().eth(MACS);
  const packet = family === 4
    ? start.ipv4({ ...ends, id, protocol, fragment: offset })
    : start.ipv6(ends).fragment({ offset, more: false, id, protocol });
  return packet.payload(Uint8Array.of(0, 90, 0, 80, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 2)).build();
}

/** Packets in pieces: the later ones fare as the first one did. */
export function fragmentRows(ports: SourcePorts): PacketRow[] {
  return ([4, 6] as const).flatMap((family) => [
    ...outwardRows(family, ports),
    ...inwardRows(family, ports),
    ...echoRows(family, ports),
    ...strayRows(family, ports),
    ...routedRows(family, ports),
    ...wholeRows(family, ports),
    ...shortRows(family, ports),
    ...(family === 6 ? [...chainRows(ports), ...fieldRows(ports)] : []),
  ]);
}

function out(data: Uint8Array, becomes: RowOutcome, at = 0): RowPacket {
  return { endpoint: SUBJECT, hook: "from_container", data, at, becomes };
}

function into(data: Uint8Array, becomes: RowOutcome, at = 0): RowPacket {
  return { endpoint: SUBJECT, hook: "to_container", data, at, becomes };
}

function outwardRows(family: Family, ports: SourcePorts): PacketRow[] {
  const pieces = (): Pieces => ({ family, id: ports.next(), from: "SUBJECT", to: "PEER" });
  const tcp = (destination: number) => (p: PacketBuilder) =>
    p.tcp({ source: ports.next(), destination });
  const [a, b, c, d, e] = [pieces(), pieces(), pieces(), pieces(), pieces()];
  const name = `from the subject, IPv${family}`;
  return [
    {
      description: `two fragments of an allowed TCP packet ${name}`,
      packets: [out(first(a, tcp(90)), "deliver"), out(later(a, PROTOCOL.TCP), "deliver")],
    },
    {
      description: `a fragment that comes just before 30 seconds ${name}`,
      packets: [out(first(b, tcp(90)), "deliver"), out(later(b, PROTOCOL.TCP), "deliver", LATEST)],
    },
    {
      description: `a fragment that comes 30 seconds later ${name}`,
      packets: [
        out(first(c, tcp(90)), "deliver"),
        out(later(c, PROTOCOL.TCP), drop("FRAGMENT"), 30),
      ],
    },
    {
      description: `two fragments of a TCP packet to a closed port ${name}`,
      packets: [
        out(first(d, tcp(9)), drop("POLICY")),
        out(later(d, PROTOCOL.TCP), drop("POLICY")),
      ],
    },
    {
      description: `two fragments of a TCP packet to a denied port ${name}`,
      packets: [out(first(e, tcp(91)), drop("DENY")), out(later(e, PROTOCOL.TCP), drop("DENY"))],
    },
  ];
}

function inwardRows(family: Family, ports: SourcePorts): PacketRow[] {
  const pieces = (): Pieces => ({ family, id: ports.next(), from: "PEER", to: "SUBJECT" });
  const udp = (p: PacketBuilder) => p.udp({ source: ports.next(), destination: 7 });
  const tcp = (p: PacketBuilder) => p.tcp({ source: ports.next(), destination: 81 });
  const [a, b, c, d, e] = [pieces(), pieces(), pieces(), pieces(), pieces()];
  const name = `to the subject, IPv${family}`;
  return [
    {
      description: `two fragments of an allowed UDP packet ${name}`,
      packets: [into(first(a, udp), "pass"), into(later(a, PROTOCOL.UDP), "pass")],
    },
    {
      description: `two fragments of a TCP packet to a denied port ${name}`,
      packets: [into(first(b, tcp), drop("DENY")), into(later(b, PROTOCOL.TCP), drop("DENY"))],
    },
    {
      description: `a fragment that comes just before 30 seconds ${name}`,
      packets: [into(first(d, udp), "pass"), into(later(d, PROTOCOL.UDP), "pass", LATEST)],
    },
    {
      description: `a fragment that comes 30 seconds later ${name}`,
      packets: [into(first(e, udp), "pass"), into(later(e, PROTOCOL.UDP), drop("FRAGMENT"), 30)],
    },
    {
      description: `two fragments by way of the peer's own program ${name}`,
      packets: [first(c, udp), later(c, PROTOCOL.UDP)].map((data): RowPacket => ({
        endpoint: PEER,
        hook: "from_container",
        data,
        becomes: "deliver",
      })),
    },
  ];
}

function echoRows(family: Family, ports: SourcePorts): PacketRow[] {
  const pieces = (from: RowParty, to: RowParty): Pieces => ({ family, id: ports.next(), from, to });
  const protocol = family === 4 ? PROTOCOL.ICMP : PROTOCOL.ICMPV6;
  const [request, reply] = family === 4 ? [8, 0] : [128, 129];
  const id = ports.next();
  const icmp = (type: number) => (p: PacketBuilder) =>
    family === 4 ? p.icmp({ type, id }) : p.icmpv6({ type, id });
  const there = pieces("SUBJECT", "PEER");
  const back = pieces("PEER", "SUBJECT");
  const refused = pieces("SUBJECT", "PEER");
  const unquoted = pieces("WORLD", "SUBJECT");
  const told = pieces("PEER", "SUBJECT");
  const asked = ip(family, "SUBJECT", "PEER").udp({ source: ports.next(), destination: 7 });
  const refuses = (p: PacketBuilder) =>
    (family === 4 ? p.icmp(unreachable(4)) : p.icmpv6(unreachable(6))).quote(asked);
  const tooBig = (p: PacketBuilder) =>
    family === 4 ? p.icmp({ type: 3, code: 4 }) : p.icmpv6({ type: 2 });
  return [
    {
      description: `a large echo in fragments, there and back, IPv${family}`,
      packets: [
        out(first(there, icmp(request)), "deliver"),
        out(later(there, protocol), "deliver"),
        into(first(back, icmp(reply)), "pass"),
        into(later(back, protocol), "pass"),
      ],
    },
    {
      description: `fragments of an ICMP type that policy does not allow, IPv${family}`,
      packets: [
        out(first(refused, icmp(family === 4 ? 17 : 139)), drop("POLICY")),
        out(later(refused, protocol), drop("POLICY")),
      ],
    },
    {
      description: `fragments of a path MTU message, IPv${family}`,
      packets: [
        into(first(unquoted, tooBig), drop("POLICY")),
        into(later(unquoted, protocol), drop("POLICY")),
      ],
    },
    {
      description: `fragments of an ICMP error about a flow, IPv${family}`,
      packets: [
        out(asked.build(), "deliver"),
        into(first(told, refuses), drop("POLICY")),
        into(later(told, protocol), drop("POLICY")),
      ],
    },
  ];
}

function strayRows(family: Family, ports: SourcePorts): PacketRow[] {
  const pieces = (): Pieces => ({ family, id: ports.next(), from: "SUBJECT", to: "PEER" });
  const udp = (p: PacketBuilder) => p.udp({ source: ports.next(), destination: 7 });
  const name = `from the subject, IPv${family}`;
  const rows: PacketRow[] = [];
  for (const protocol of [...Object.values(PROTOCOL)]) {
    if (protocol === (family === 4 ? PROTOCOL.ICMPV6 : PROTOCOL.ICMP)) continue;
    rows.push({
      description: `a later fragment of protocol ${protocol} without its first one ${name}`,
      packets: [out(later(pieces(), protocol), drop("FRAGMENT"))],
    });
  }
  const [a, b, c, d] = [pieces(), pieces(), pieces(), pieces()];
  rows.push(
    {
      description: `a later fragment before its first one ${name}`,
      packets: [
        out(later(a, PROTOCOL.UDP), drop("FRAGMENT")),
        out(first(a, udp), "deliver"),
        out(later(a, PROTOCOL.UDP), "deliver"),
      ],
    },
    {
      description: `a later fragment of another packet ${name}`,
      packets: [
        out(first(b, udp), "deliver"),
        out(later({ ...b, id: b.id ^ 0x8000 }, PROTOCOL.UDP), drop("FRAGMENT")),
        out(later({ ...b, to: "WORLD" }, PROTOCOL.UDP), drop("FRAGMENT")),
      ],
    },
    {
      description: `a first fragment of a spoofed source is not remembered ${name}`,
      packets: [
        out(first({ ...c, from: "BUSY" }, udp), drop("INVALID_SIP")),
        into(later({ ...c, from: "BUSY" }, PROTOCOL.UDP), drop("FRAGMENT")),
      ],
    },
    {
      description: `a first fragment that cuts the TCP header off ${name}`,
      packets: [
        out(first(d, (p) => p, PROTOCOL.TCP), drop("CT_INVALID_HDR")),
        out(later(d, PROTOCOL.TCP), drop("FRAGMENT")),
      ],
    },
  );
  return rows;
}

/** Past one hook only: what the next one remembers lives as long, and would cover for it. */
function routedRows(family: Family, ports: SourcePorts): PacketRow[] {
  const pieces = (): Pieces => ({ family, id: ports.next(), from: "SUBJECT", to: "WORLD" });
  const udp = (p: PacketBuilder) => p.udp({ source: ports.next(), destination: 54 });
  const [a, b, c] = [pieces(), pieces(), pieces()];
  const name = `from the subject to the world, IPv${family}`;
  return [
    {
      description: `a fragment that comes just before 30 seconds ${name}`,
      packets: [out(first(a, udp), "pass"), out(later(a, PROTOCOL.UDP), "pass", LATEST)],
    },
    {
      description: `a fragment that comes 30 seconds later ${name}`,
      packets: [out(first(b, udp), "pass"), out(later(b, PROTOCOL.UDP), drop("FRAGMENT"), 30)],
    },
    {
      description: `a first fragment that comes twice ${name}`,
      packets: [
        out(first(c, udp), "pass"),
        out(first(c, udp), "pass", 20),
        out(later(c, PROTOCOL.UDP), "pass", 49),
      ],
    },
  ];
}

/** A whole packet is nobody's first fragment. */
function wholeRows(family: Family, ports: SourcePorts): PacketRow[] {
  const pieces: Pieces = { family, id: ports.next(), from: "SUBJECT", to: "PEER" };
  const ends = between(family, pieces.from, pieces.to);
  const start = newPacket().eth(MACS);
  const whole = family === 4
    ? start.ipv4({ ...ends, id: pieces.id })
    : start.ipv6(ends).fragment({ offset: 0, more: false, id: pieces.id });
  return [{
    description: `a fragment of a packet that came whole, IPv${family}`,
    packets: [
      out(whole.udp({ source: ports.next(), destination: 7 }).build(), "deliver"),
      out(later(pieces, PROTOCOL.UDP), drop("FRAGMENT")),
    ],
  }];
}

/** The last piece may be shorter than any header, which nobody looks for there. */
function shortRows(family: Family, ports: SourcePorts): PacketRow[] {
  const headers = family === 4 ? 20 : 48;
  return [PROTOCOL.TCP, PROTOCOL.UDP, PROTOCOL.SCTP, family === 4 ? 1 : 58].flatMap((protocol) =>
    [0, 1, 7].map((length): PacketRow => {
      const pieces: Pieces = { family, id: ports.next(), from: "SUBJECT", to: "PEER" };
      const ends = between(family, pieces.from, pieces.to);
      const start = newPacket().eth(MACS);
      const packet = family === 4
        ? start.ipv4({ ...ends, id: pieces.id, protocol, fragment: 3 })
        : start.ipv6(ends).fragment({ offset: 3, more: false, id: pieces.id, protocol });
      const data = packet.payload(new Uint8Array(length).fill(0xff)).build();
      return {
        description: `a last fragment of ${headers + length} bytes, ` +
          `protocol ${protocol}, IPv${family}`,
        packets: [out(data, drop("FRAGMENT"))],
      };
    })
  );
}

/** A first fragment may have more extension headers; of a later one only the name is there. */
function chainRows(ports: SourcePorts): PacketRow[] {
  const pieces: Pieces = { family: 6, id: ports.next(), from: "SUBJECT", to: "PEER" };
  const options = (p: PacketBuilder) =>
    p.extension("destination").udp({ source: ports.next(), destination: 7 });
  return [{
    description: "fragments of a packet with destination options, IPv6",
    packets: [
      out(later(pieces, DESTINATION_OPTIONS), drop("FRAGMENT")),
      out(first(pieces, options), "deliver"),
      out(later(pieces, DESTINATION_OPTIONS), "deliver"),
    ],
  }];
}

const DESTINATION_OPTIONS = 60;
/** Of the lower byte of an IPv6 fragment header's offset field, behind Ethernet and IPv6. */
const OFFSET_FIELD = 14 + 40 + 3;

/** The field of offset and flags: two bits in it mean nothing. */
function fieldRows(ports: SourcePorts): PacketRow[] {
  const fields: readonly (readonly [field: number, name: string, becomes: RowOutcome])[] = [
    [0, "a whole packet", "deliver"],
    [1, "a first fragment", "deliver"],
    [6, "a whole packet", "deliver"],
    [7, "a first fragment", "deliver"],
    [8, "a last fragment", drop("FRAGMENT")],
    [9, "a later fragment", drop("FRAGMENT")],
    [14, "a last fragment", drop("FRAGMENT")],
  ];
  return fields.map(([field, name, becomes]) => {
    const pieces: Pieces = { family: 6, id: ports.next(), from: "SUBJECT", to: "PEER" };
    const udp = (p: PacketBuilder) => p.udp({ source: ports.next(), destination: 7 });
    const started = becomes === "deliver" && (field & 1) === 1;
    return {
      description: `IPv6 with ${field} for fragment offset and flags: ${name}`,
      packets: [
        out(patched(first(pieces, udp), [OFFSET_FIELD, field]), becomes),
        // Only a first fragment is remembered.
        out(later(pieces, PROTOCOL.UDP), started ? "deliver" : drop("FRAGMENT")),
      ],
    };
  });
}
