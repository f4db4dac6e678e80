import { newPacket, type PacketBuilder } from "../../datapath/packet_builder.ts";
import { MARK_HOST } from "../../datapath/layout.ts";
import type { Family } from "../address.ts";
import {
  about,
  asked,
  error,
  ERRORS,
  gets,
  sends,
  type Side,
  SIDES,
  udp,
  unreachable,
} from "./icmp_error.ts";
import { ROW_ENDPOINT } from "../row_node.ts";
import {
  between,
  drop,
  ip,
  MACS,
  type PacketRow,
  type RowEvent,
  type RowParty,
  type SourcePorts,
} from "./row.ts";

const { PEER } = ROW_ENDPOINT;

const PATH_MTU = { 4: { type: 3, code: 4 }, 6: { type: 2, code: 0 } } as const;
/** ICMP types that quote a packet and change routes, or are no errors at all. */
const NO_ERRORS = { 4: [2, 4, 5, 10, 13, 14, 30], 6: [0, 5, 127, 131, 132, 137] } as const;

/** ICMP errors: part of the flow whose packet they quote, or a matter of policy. */
export function relatedRows(ports: SourcePorts): PacketRow[] {
  return ([4, 6] as const).flatMap((family) => [
    ...SIDES.flatMap((side) => [
      ...typeRows(side, family, ports),
      ...unrelatedRows(side, family, ports),
    ]),
    ...protocolRows(family, ports),
    ...directionRows(family, ports),
    ...icmpRows(family),
  ]);
}

function typeRows(side: Side, family: Family, ports: SourcePorts): PacketRow[] {
  const { name, opens, tells, allowed } = side;
  const rows = ERRORS[family].map((message): PacketRow => {
    const packet = asked(family, side, ports.next());
    const data = about(family, side, message, packet);
    const late = family === 6 && message.type === 2 ? "pass" : drop("POLICY");
    return {
      description: `IPv${family}: ICMP ${message.type}/${message.code} ${name}`,
      packets: [opens(packet, "pass"), tells(data, "pass", 59), tells(data, late, 60)],
    };
  });
  for (const type of NO_ERRORS[family]) {
    const packet = asked(family, side, ports.next());
    // One type that policy opens: it passes, but not as part of the flow.
    const becomes = allowed.some((one) => one === type) ? "pass" : drop("POLICY");
    const event: RowEvent = becomes === "pass" ? "verdict" : becomes;
    rows.push({
      description: `IPv${family}: ICMP ${type} is not related to what it quotes, ${name}`,
      packets: [
        opens(packet, "pass"),
        { ...tells(about(family, side, { type, code: 0 }, packet), becomes), tells: [event] },
      ],
    });
  }
  const stray = about(family, side, PATH_MTU[family], asked(family, side, ports.next()));
  rows.push({
    description: `IPv${family}: a path MTU message without a flow, ${name}`,
    packets: [{ ...tells(stray, "pass"), tells: [] }],
  });
  return rows;
}

/** Every protocol that conntrack keeps can be quoted. */
function protocolRows(family: Family, ports: SourcePorts): PacketRow[] {
  return ([
    ["SUBJECT", "PEER", 90, sends, "deliver", "WORLD", gets, "pass"],
    ["PEER", "SUBJECT", 80, gets, "pass", "SUBJECT", sends, "deliver"],
  ] as const).flatMap(([from, to, port, opens, opened, by, tells, told]) =>
    quotable(family, from, to, port, ports).map(([name, packet]): PacketRow => ({
      description: `IPv${family}: an ICMP error of the ${by} that quotes ${name}`,
      packets: [
        opens(packet, opened),
        tells(error(family, by, from, unreachable(family), packet), told),
      ],
    }))
  ).concat(otherProtocolRows(family));
}

const KINDS = ["hopByHop", "routing", "destination", "authentication"] as const;

function quotable(
  family: Family,
  from: RowParty,
  to: RowParty,
  destination: number,
  ports: SourcePorts,
): readonly (readonly [name: string, packet: PacketBuilder])[] {
  const start = ip(family, from, to);
  const id = ports.next();
  const ends = () => ({ source: ports.next(), destination });
  return [
    ["TCP", start.tcp(ends())],
    ["UDP", start.udp(ends())],
    ["SCTP", start.sctp(ends())],
    [
      "an echo request",
      family === 4 ? start.icmp({ type: 8, id }) : start.icmpv6({ type: 128, id }),
    ],
    [
      "IP with options or extension headers",
      family === 4
        ? newPacket().eth(MACS)
          .ipv4({ ...between(4, from, to), options: new Uint8Array(12).fill(1) })
          .tcp(ends())
        : start.extension("hopByHop").extension("destination").tcp(ends()),
    ],
    ...(family === 4 ? [] : KINDS.map((kind) =>
      [
        `IPv6 with ${kind} alone`,
        start.extension(kind, kind === "authentication" ? { bytes: 24 } : {}).udp(ends()),
      ] as const
    )),
    [
      "a packet that has fragments",
      family === 4
        ? newPacket().eth(MACS)
          .ipv4({ ...between(4, from, to), fragment: 0x2000, id }).tcp(ends())
        : start.fragment({ offset: 0, more: true, id }).tcp(ends()),
    ],
  ];
}

/** What has no ports is known by its addresses; an answer can be quoted as well. */
function otherProtocolRows(family: Family): PacketRow[] {
  const message = unreachable(family);
  const other = ip(family, "WORLD", "SUBJECT", { protocol: 49 }).payload(new Uint8Array(20));
  const [request, reply] = family === 4 ? [8, 0] : [128, 129];
  const echo = (from: RowParty, to: RowParty, type: number) => {
    const start = ip(family, from, to);
    return family === 4 ? start.icmp({ type, id: 7 }) : start.icmpv6({ type, id: 7 });
  };
  return [
    {
      description: `IPv${family}: an ICMP error that quotes a protocol without ports`,
      packets: [
        { ...gets(other, "pass"), mark: MARK_HOST },
        sends(error(family, "SUBJECT", "WORLD", message, other), "pass"),
      ],
    },
    {
      description: `IPv${family}: an ICMP error that quotes the subject's echo reply`,
      packets: [
        gets(echo("PEER", "SUBJECT", request), "pass"),
        sends(echo("SUBJECT", "PEER", reply), "deliver"),
        gets(error(family, "CIDR", "SUBJECT", message, echo("SUBJECT", "PEER", reply)), "pass"),
      ],
    },
    {
      description: `IPv${family}: an ICMP error that quotes the peer's echo reply`,
      packets: [
        sends(echo("SUBJECT", "PEER", request), "deliver"),
        gets(echo("PEER", "SUBJECT", reply), "pass"),
        sends(
          error(family, "SUBJECT", "PEER", message, echo("PEER", "SUBJECT", reply)),
          "deliver",
        ),
      ],
    },
  ];
}

/** Either end may be told, by the other end or by a router, about either direction's packets. */
function directionRows(family: Family, ports: SourcePorts): PacketRow[] {
  const message = unreachable(family);
  const [a, b, c, d] = [ports.next(), ports.next(), ports.next(), ports.next()];
  const asked = udp(family, "PEER", "SUBJECT", a, 7);
  const answered = udp(family, "SUBJECT", "PEER", 7, a);
  const asking = udp(family, "SUBJECT", "PEER", b, 7);
  const back = udp(family, "PEER", "SUBJECT", 7, b);
  const expired = udp(family, "PEER", "SUBJECT", d, 7);
  const start = ip(family, "SUBJECT", "PEER", { ttl: 1 });
  const tired = (family === 4 ? start.icmp(message) : start.icmpv6(message)).quote(expired);
  const elsewhere = udp(family, "WORLD", "PEER", ports.next(), 53);
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
      description: `IPv${family}: the subject tells the world of what was sent to its peer`,
      packets: [
        { ...gets(elsewhere, "pass"), endpoint: PEER },
        sends(error(family, "SUBJECT", "WORLD", message, elsewhere), drop("POLICY")),
        {
          endpoint: PEER,
          hook: "from_container",
          data: error(family, "PEER", "WORLD", message, elsewhere),
          becomes: "pass",
          tells: [],
        },
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
      description: `IPv${family}: a router behind the peer's program tells of what was routed`,
      packets: [
        sends(udp(family, "SUBJECT", "WORLD", c, 54), "pass"),
        {
          endpoint: PEER,
          hook: "from_container",
          data: error(family, "PEER", "SUBJECT", message, udp(family, "SUBJECT", "WORLD", c, 54)),
          becomes: "deliver",
        },
      ],
    },
    {
      description: `IPv${family}: an error whose TTL is used up`,
      packets: [gets(expired, "pass"), sends(tired, drop("TTL"))],
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
function unrelatedRows(side: Side, family: Family, ports: SourcePorts): PacketRow[] {
  const message = unreachable(family);
  const refused = drop("POLICY");
  const { name, opens, tells, ends: [from, to], port } = side;
  const [a, b, c] = [ports.next(), ports.next(), ports.next()];
  const elsewhere = "CIDR";
  const told = (quoted: PacketBuilder) => tells(about(family, side, message, quoted), refused);
  const ends = { source: a, destination: port };
  const prolonged = asked(family, side, b);
  return [
    {
      description: `IPv${family}: ICMP errors that quote no packet of a flow, ${name}`,
      packets: [
        opens(asked(family, side, a), "pass"),
        told(asked(family, side, ports.next())),
        told(udp(family, from, to, a, port + 1)),
        told(udp(family, from, elsewhere, a, port)),
        told(ip(family, from, to).tcp(ends)),
        told(ip(family, from, to).sctp(ends)),
        told(ip(family, from, to, { protocol: 46 }).payload(new Uint8Array(20))),
      ],
    },
    {
      description: `IPv${family}: ICMP errors for a packet that another sent, ${name}`,
      packets: [
        opens(asked(family, side, c), "pass"),
        told(udp(family, to, from, port, c)),
        told(udp(family, "PEER", to, c, port)),
      ],
    },
    {
      description: `IPv${family}: an ICMP error neither prolongs a flow nor starts one, ${name}`,
      packets: [
        opens(prolonged, "pass"),
        tells(about(family, side, message, prolonged), "pass", 50),
        tells(udp(family, to, from, port, b), refused, 60),
      ],
    },
  ];
}

/** Of ICMP only echoes have flows; a flow of identifier 0 looks like other types do. */
function icmpRows(family: Family): PacketRow[] {
  const types = family === 4 ? [13, 9, 7] : [131, 127, 130];
  const message = unreachable(family);
  const icmp = (from: RowParty, to: RowParty, type: number) => {
    const start = ip(family, from, to);
    return family === 4 ? start.icmp({ type }) : start.icmpv6({ type });
  };
  const request = family === 4 ? 8 : 128;
  return ([
    ["SUBJECT", "PEER", sends, "deliver", gets],
    ["PEER", "SUBJECT", gets, "pass", sends],
  ] as const).map(([from, to, opens, opened, tells]) => ({
    description: `IPv${family}: ICMP errors of the ${to} that quote ICMP which is no echo`,
    packets: [
      opens(icmp(from, to, request), opened),
      ...types.map((type) =>
        tells(error(family, to, from, message, icmp(from, to, type)), drop("POLICY"))
      ),
    ],
  }));
}
