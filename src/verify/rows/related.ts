import { newPacket, type PacketBuilder } from "../../datapath/packet_builder.ts";
import type { Family } from "../address.ts";
import { ROW_ENDPOINT } from "../row_node.ts";
import {
  between,
  drop,
  ip,
  MACS,
  type PacketRow,
  type RowOutcome,
  type RowPacket,
  type RowParty,
  type SourcePorts,
} from "./row.ts";

const { SUBJECT, PEER } = ROW_ENDPOINT;

/** ICMP types that quote a packet, and a code that means nothing special; by family. */
const ERRORS = {
  4: [{ type: 3, code: 1 }, { type: 3, code: 3 }, { type: 11, code: 0 }, { type: 12, code: 0 }],
  6: [{ type: 1, code: 4 }, { type: 2, code: 0 }, { type: 3, code: 0 }, { type: 4, code: 1 }],
} as const;
const PATH_MTU = { 4: { type: 3, code: 4 }, 6: { type: 2, code: 0 } } as const;
/** ICMP types that quote a packet and change routes, or are no errors at all. */
const NO_ERRORS = { 4: [4, 5, 13, 30], 6: [0, 5, 127, 137] } as const;

type Message = { readonly type: number; readonly code: number };

/** ICMP errors: part of the flow whose packet they quote, or a matter of policy. */
export function relatedRows(ports: SourcePorts): PacketRow[] {
  return ([4, 6] as const).flatMap((family) => [
    ...typeRows(family, ports),
    ...protocolRows(family, ports),
    ...directionRows(family, ports),
    ...unrelatedRows(family, ports),
    ...damagedRows(family, ports),
  ]);
}

/** An ICMP message that quotes a packet. */
function error(
  family: Family,
  from: RowParty,
  to: RowParty,
  message: Message,
  quoted: PacketBuilder | Uint8Array,
): Uint8Array {
  const start = ip(family, from, to);
  const icmp = family === 4 ? start.icmp(message) : start.icmpv6(message);
  return icmp.quote(quoted).build();
}

function udp(family: Family, from: RowParty, to: RowParty, source: number, destination: number) {
  return ip(family, from, to).udp({ source, destination });
}

function sends(packet: PacketBuilder | Uint8Array, becomes: RowOutcome, at = 0): RowPacket {
  const data = packet instanceof Uint8Array ? packet : packet.build();
  return { endpoint: SUBJECT, hook: "from_container", data, at, becomes };
}

function gets(packet: PacketBuilder | Uint8Array, becomes: RowOutcome, at = 0): RowPacket {
  return { ...sends(packet, becomes, at), hook: "to_container" };
}

function unreachable(family: Family): Message {
  return ERRORS[family][0];
}

function typeRows(family: Family, ports: SourcePorts): PacketRow[] {
  const rows = ERRORS[family].map((message): PacketRow => {
    const sent = udp(family, "SUBJECT", "WORLD", ports.next(), 54);
    const about = error(family, "CIDR", "SUBJECT", message, sent);
    return {
      description: `IPv${family}: ICMP ${message.type}/${message.code} of a router on the way`,
      packets: [sends(sent, "pass"), gets(about, "pass", 59), gets(about, lateFor(message), 60)],
    };
    function lateFor({ type }: Message): RowOutcome {
      return family === 6 && type === 2 ? "pass" : drop("POLICY");
    }
  });
  for (const type of NO_ERRORS[family]) {
    const sent = udp(family, "SUBJECT", "WORLD", ports.next(), 54);
    const about = error(family, "CIDR", "SUBJECT", { type, code: 0 }, sent);
    // One type that policy opens: it passes, but not as part of the flow.
    const becomes = family === 4 && type === 13 ? "pass" : drop("POLICY");
    rows.push({
      description: `IPv${family}: ICMP ${type} is not related to what it quotes`,
      packets: [sends(sent, "pass"), gets(about, becomes)],
    });
  }
  const stray = udp(family, "SUBJECT", "WORLD", ports.next(), 54);
  rows.push({
    description: `IPv${family}: path MTU messages pass without a flow`,
    packets: [
      gets(error(family, "CIDR", "SUBJECT", PATH_MTU[family], stray), "pass"),
      sends(error(family, "SUBJECT", "WORLD", PATH_MTU[family], stray), "pass"),
    ],
  });
  return rows;
}

/** Every protocol that conntrack keeps can be quoted. */
function protocolRows(family: Family, ports: SourcePorts): PacketRow[] {
  const start = ip(family, "SUBJECT", "PEER");
  const id = ports.next();
  const ends = () => ({ source: ports.next(), destination: 90 });
  const sent: readonly (readonly [name: string, packet: PacketBuilder])[] = [
    ["TCP", start.tcp(ends())],
    ["UDP", start.udp(ends())],
    [
      "an echo request",
      family === 4 ? start.icmp({ type: 8, id }) : start.icmpv6({ type: 128, id }),
    ],
    [
      "IP with options or extension headers",
      family === 4
        ? newPacket().eth(MACS)
          .ipv4({ ...between(4, "SUBJECT", "PEER"), options: new Uint8Array(12).fill(1) })
          .tcp(ends())
        : start.extension("hopByHop").extension("destination").tcp(ends()),
    ],
  ];
  return sent.map(([name, packet]) => ({
    description: `IPv${family}: an ICMP error that quotes ${name}`,
    packets: [
      sends(packet, "deliver"),
      gets(error(family, "WORLD", "SUBJECT", unreachable(family), packet), "pass"),
    ],
  }));
}

/** Either end may be told, by the other end or by a router, about either direction's packets. */
function directionRows(family: Family, ports: SourcePorts): PacketRow[] {
  const message = unreachable(family);
  const [a, b, c] = [ports.next(), ports.next(), ports.next()];
  const asked = udp(family, "PEER", "SUBJECT", a, 7);
  const answered = udp(family, "SUBJECT", "PEER", 7, a);
  const asking = udp(family, "SUBJECT", "PEER", b, 7);
  const back = udp(family, "PEER", "SUBJECT", 7, b);
  const outside = udp(family, "WORLD", "SUBJECT", c, 53);
  return [
    {
      description: `IPv${family}: the subject refuses what it was sent`,
      packets: [
        gets(asked, "pass"),
        sends(error(family, "SUBJECT", "PEER", message, asked), "deliver"),
      ],
    },
    {
      description: `IPv${family}: the subject is told that its answer did not arrive`,
      packets: [
        gets(asked, "pass"),
        sends(answered, "deliver"),
        gets(error(family, "CIDR", "SUBJECT", message, answered), "pass"),
      ],
    },
    {
      description: `IPv${family}: the subject refuses an answer`,
      packets: [
        sends(asking, "deliver"),
        gets(back, "pass"),
        sends(error(family, "SUBJECT", "PEER", message, back), "deliver"),
      ],
    },
    {
      description: `IPv${family}: the subject refuses what came from outside`,
      packets: [
        gets(outside, "pass"),
        sends(error(family, "SUBJECT", "WORLD", message, outside), "pass"),
      ],
    },
    {
      description: `IPv${family}: the peer refuses, past both programs`,
      packets: [
        sends(asking, "deliver"),
        {
          endpoint: PEER,
          hook: "from_container",
          data: error(family, "PEER", "SUBJECT", message, asking),
          becomes: "deliver",
        },
      ],
    },
  ];
}

/** What quotes a packet of no flow, or is sent to another, is judged as any ICMP. */
function unrelatedRows(family: Family, ports: SourcePorts): PacketRow[] {
  const message = unreachable(family);
  const refused = drop("POLICY");
  const [a, b, c, d] = [ports.next(), ports.next(), ports.next(), ports.next()];
  const sent = udp(family, "SUBJECT", "WORLD", a, 54);
  const to = (quoted: PacketBuilder, from: RowParty = "WORLD") =>
    gets(error(family, from, "SUBJECT", message, quoted), refused);
  const [request, timestamp] = family === 4 ? [8, 13] : [128, 131];
  const icmp = (type: number) => {
    const start = ip(family, "SUBJECT", "WORLD");
    return family === 4 ? start.icmp({ type, id: d }) : start.icmpv6({ type, id: d });
  };
  return [
    {
      description: `IPv${family}: ICMP errors that quote no packet of a flow`,
      packets: [
        sends(sent, "pass"),
        to(udp(family, "SUBJECT", "WORLD", b, 54)),
        to(udp(family, "SUBJECT", "WORLD", a, 55)),
        to(udp(family, "SUBJECT", "CIDR", a, 54)),
        to(ip(family, "SUBJECT", "WORLD").tcp({ source: a, destination: 54 })),
        to(ip(family, "SUBJECT", "WORLD").sctp({ source: a, destination: 54 })),
        to(icmp(request)),
        to(icmp(timestamp)),
      ],
    },
    {
      description: `IPv${family}: ICMP errors for a packet that another sent`,
      packets: [
        sends(udp(family, "SUBJECT", "WORLD", c, 54), "pass"),
        to(udp(family, "WORLD", "SUBJECT", 54, c)),
        to(udp(family, "PEER", "WORLD", c, 54)),
      ],
    },
    {
      description: `IPv${family}: an ICMP error neither prolongs a flow nor starts one`,
      packets: [
        sends(udp(family, "SUBJECT", "WORLD", b, 54), "pass"),
        gets(
          error(family, "CIDR", "SUBJECT", message, udp(family, "SUBJECT", "WORLD", b, 54)),
          "pass",
          50,
        ),
        gets(udp(family, "WORLD", "SUBJECT", 54, b), refused, 60),
      ],
    },
  ];
}

/** Quotes that are cut off or lie: no part of them is believed. */
function damagedRows(family: Family, ports: SourcePorts): PacketRow[] {
  const message = unreachable(family);
  const refused = drop("POLICY");
  const sent = udp(family, "SUBJECT", "WORLD", ports.next(), 54);
  const inner = sent.build();
  const ipBytes = family === 4 ? 20 : 40;
  const whole = 14 + ipBytes + 8;
  const quote = (bytes: Uint8Array, becomes: RowOutcome) =>
    gets(error(family, "CIDR", "SUBJECT", message, bytes), becomes);
  const withByte = (offset: number, value: number) => {
    const copy = inner.slice();
    copy[offset] = value;
    return copy;
  };
  const packets = [sends(sent, "pass")];
  for (let length = 14; length <= whole; length++) {
    packets.push(quote(inner.slice(0, length), length === whole ? "pass" : refused));
  }
  const lies = family === 4
    ? [withByte(14, 0x44), withByte(14, 0x46), withByte(14, 0x65), withByte(21, 1)]
    : [withByte(14, 0x40), withByte(20, 0), withByte(20, 44)];
  packets.push(...lies.map((bytes) => quote(bytes, refused)));
  if (family === 6) {
    const ends = between(6, "SUBJECT", "WORLD");
    const later = newPacket().eth(MACS).ipv6(ends)
      .fragment({ offset: 1, more: true, id: 1, protocol: 17 }).payload(inner.slice(54));
    const routed = newPacket().eth(MACS).ipv6(ends)
      .extension("routing", { segmentsLeft: 1, protocol: 17 }).payload(inner.slice(54));
    packets.push(quote(later.build(), refused), quote(routed.build(), refused));
  }
  return [{ description: `IPv${family}: quotes that are cut off or lie`, packets }];
}
