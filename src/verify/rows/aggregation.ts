import type { Family } from "../address.ts";
import { ROW_ENDPOINT, ROW_INTERVAL } from "../row_node.ts";
import {
  drop,
  ip,
  type PacketRow,
  type RowEvent,
  type RowOutcome,
  type RowPacket,
  type RowParty,
  type SourcePorts,
} from "./row.ts";

const { SUBJECT, PEER } = ROW_ENDPOINT;

/** The fraction of a second by which a clock that counts it wrongly would be late or early. */
const JUST = 50e-6;

/** Seconds at which packets come, and whether an event tells of the one that does. */
const TIMES: readonly (readonly [at: number, told: boolean])[] = [
  [0, true],
  [ROW_INTERVAL / 5, false],
  [ROW_INTERVAL - JUST, false],
  [ROW_INTERVAL, true],
  [ROW_INTERVAL * 6 / 5, false],
  [2 * ROW_INTERVAL - JUST, false],
  [2 * ROW_INTERVAL, true],
  [10 * ROW_INTERVAL, true],
];

/** A node that tells of a flow, or of a kind of packets without one, once in an interval. */
export function aggregationRows(ports: SourcePorts): PacketRow[] {
  return ([4, 6] as const).flatMap((family) => [
    ...flowRows(family, ports),
    ...dropRows(family, ports),
    ...kindRows(family, ports),
    ...untrackedRows(family),
    ...fallbackRows(family, ports),
  ]);
}

type Sender = Pick<RowPacket, "endpoint" | "hook"> & {
  readonly from: RowParty;
  readonly to: RowParty;
  readonly becomes: RowOutcome;
};

const FROM_SUBJECT: Sender = {
  endpoint: SUBJECT,
  hook: "from_container",
  from: "SUBJECT",
  to: "WORLD",
  becomes: "pass",
};
const TO_SUBJECT: Sender = {
  endpoint: SUBJECT,
  hook: "to_container",
  from: "WORLD",
  to: "SUBJECT",
  becomes: "pass",
};
/** Past both programs: the peer's egress, then the subject's ingress. */
const FROM_PEER: Sender = {
  endpoint: PEER,
  hook: "from_container",
  from: "PEER",
  to: "SUBJECT",
  becomes: "deliver",
};

function udp(family: Family, { from, to }: Sender, source: number, destination: number) {
  return ip(family, from, to).udp({ source, destination }).build();
}

/** Packets at every one of the times. */
function through(
  { endpoint, hook, becomes }: Sender,
  data: Uint8Array,
  events: readonly RowEvent[],
  start = 0,
): RowPacket[] {
  return TIMES.map(([at, told]) => ({
    endpoint,
    hook,
    data,
    at: start + at,
    becomes,
    tells: told ? events : [],
  }));
}

function flowRows(family: Family, ports: SourcePorts): PacketRow[] {
  const [a, b, c, d] = [ports.next(), ports.next(), ports.next(), ports.next()];
  const long = TIMES.at(-1)?.[0] ?? 0;
  const both: readonly RowEvent[] = ["verdict", "verdict"];
  const answers: readonly RowEvent[] = ["answer", "answer"];
  return [
    {
      description: `aggregation: a flow from the subject and its answers, IPv${family}`,
      packets: [
        ...through(FROM_SUBJECT, udp(family, FROM_SUBJECT, a, 54), ["verdict"]),
        ...through(TO_SUBJECT, udp(family, TO_SUBJECT, 54, a), ["answer"], long),
      ],
    },
    {
      description: `aggregation: a flow to the subject and its answers, IPv${family}`,
      packets: [
        ...through(TO_SUBJECT, udp(family, TO_SUBJECT, b, 53), ["verdict"]),
        ...through(FROM_SUBJECT, udp(family, FROM_SUBJECT, 53, b), ["answer"], long),
      ],
    },
    {
      description: `aggregation: a flow from the peer's program and its answers, IPv${family}`,
      packets: [
        ...through(FROM_PEER, udp(family, FROM_PEER, c, 7), both),
        ...through(
          { ...FROM_SUBJECT, to: "PEER", becomes: "deliver" },
          udp(family, { ...FROM_SUBJECT, to: "PEER" }, 7, c),
          answers,
          long,
        ),
      ],
    },
    {
      description: `aggregation: a flow to the peer's program and its answers, IPv${family}`,
      packets: [
        ...through(
          { ...FROM_SUBJECT, to: "PEER", becomes: "deliver" },
          udp(family, { ...FROM_SUBJECT, to: "PEER" }, d, 7),
          both,
        ),
        ...through(FROM_PEER, udp(family, FROM_PEER, 7, d), answers, long),
      ],
    },
  ];
}

/** A packet that is dropped has no flow: its kind is told of, whatever its source port. */
function dropRows(family: Family, ports: SourcePorts): PacketRow[] {
  return [FROM_SUBJECT, TO_SUBJECT].map((sender) => {
    const closed = ports.next();
    const becomes = drop("POLICY");
    const packets = through({ ...sender, becomes }, new Uint8Array(), [becomes])
      .map((packet) => ({ ...packet, data: udp(family, sender, ports.next(), closed) }));
    return { description: `aggregation: drops at ${sender.hook}, IPv${family}`, packets };
  });
}

/** Whatever makes another kind is told of at once. */
function kindRows(family: Family, ports: SourcePorts): PacketRow[] {
  const [closed, other] = [ports.next(), ports.next()];
  const source = ports.next();
  const ends = { source, destination: closed };
  const becomes = drop("POLICY");
  const told = (sender: Sender, data: Uint8Array, reason = becomes): RowPacket => {
    const { endpoint, hook } = sender;
    return { endpoint, hook, data, becomes: reason, tells: [reason] };
  };
  const first = told(TO_SUBJECT, udp(family, TO_SUBJECT, source, closed));
  const spoofed = { ...FROM_SUBJECT, from: "WORLD_ANY" as const };
  return [{
    description: `aggregation: drops of many kinds, IPv${family}`,
    packets: [
      first,
      told(TO_SUBJECT, udp(family, TO_SUBJECT, source, other)),
      told(TO_SUBJECT, ip(family, "WORLD", "SUBJECT").tcp(ends).build()),
      told(TO_SUBJECT, ip(family, "CIDR", "SUBJECT").udp(ends).build()),
      told(FROM_SUBJECT, udp(family, FROM_SUBJECT, source, closed)),
      told(FROM_SUBJECT, ip(family, "SUBJECT", "CIDR").udp(ends).build()),
      told(spoofed, udp(family, spoofed, source, closed), drop("INVALID_SIP")),
      { ...first, tells: [] },
    ],
  }];
}

/** ICMP without a flow that a rule allows. */
function untrackedRows(family: Family): PacketRow[] {
  const [into, out] = family === 4 ? [13, 14] : [131, 132];
  return ([[TO_SUBJECT, into], [FROM_SUBJECT, out]] as const).map(([sender, type]) => {
    const start = ip(family, sender.from, sender.to);
    const data = (family === 4 ? start.icmp({ type }) : start.icmpv6({ type })).build();
    return {
      description: `aggregation: ICMP without a flow at ${sender.hook}, IPv${family}`,
      packets: through(sender, data, ["verdict"]),
    };
  });
}

/** That an identity has no slot is told of once as well, beside the flows that it has. */
function fallbackRows(family: Family, ports: SourcePorts): PacketRow[] {
  return ([
    { ...TO_SUBJECT, from: "SLOTLESS", port: 1024 },
    { ...FROM_SUBJECT, to: "SLOTLESS", port: 2048 },
  ] as const).map(({ port, ...sender }) => {
    const tcp = () =>
      ip(family, sender.from, sender.to).tcp({ source: ports.next(), destination: port }).build();
    const packets = through(sender, new Uint8Array(), ["fallback"]).map((packet): RowPacket => ({
      ...packet,
      data: tcp(),
      // Each is a flow of its own.
      tells: [...packet.tells ?? [], "verdict"],
    }));
    return { description: `aggregation: no slot at ${sender.hook}, IPv${family}`, packets };
  });
}
