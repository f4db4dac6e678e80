import type { Family } from "../address.ts";
import type { TcpFlag } from "../../datapath/packet_builder.ts";
import { ROW_ENDPOINT } from "../row_node.ts";
import {
  drop,
  ip,
  type PacketRow,
  type RowOutcome,
  type RowPacket,
  type RowParty,
  type SourcePorts,
} from "./row.ts";

const { SUBJECT, PEER } = ROW_ENDPOINT;

/** Flows through time. Port 90 of the peer is open to the subject, nothing of it the other way. */
export function conntrackRows(ports: SourcePorts): PacketRow[] {
  return ([4, 6] as const).flatMap((family) => [
    ...(["endpoint", "stack"] as const).flatMap((by) => [
      ...tcpRows(() => new TcpFlow(family, ports.next(), by), `IPv${family}, peer by the ${by}`),
      ...udpRows(family, by, ports),
      ...echoRows(family, by, ports),
    ]),
    ...ingressRows(family, ports),
  ]);
}

/** How the peer's packets reach the subject. */
type By = "endpoint" | "stack";

/** A flow that the subject opens: each method is one packet of it. */
class TcpFlow {
  constructor(readonly family: Family, readonly port: number, readonly by: By) {}

  sends(flags: readonly TcpFlag[], at: number, becomes: RowOutcome = "deliver"): RowPacket {
    const data = ip(this.family, "SUBJECT", "PEER")
      .tcp({ source: this.port, destination: 90, flags }).build();
    return { endpoint: SUBJECT, hook: "from_container", data, at, becomes };
  }

  gets(flags: readonly TcpFlag[], at: number, becomes?: RowOutcome): RowPacket {
    const data = ip(this.family, "PEER", "SUBJECT")
      .tcp({ source: 90, destination: this.port, flags }).build();
    return arriving(this.by, data, at, becomes);
  }
}

function arriving(by: By, data: Uint8Array, at: number, becomes?: RowOutcome): RowPacket {
  return by === "endpoint"
    ? { endpoint: PEER, hook: "from_container", data, at, becomes: becomes ?? "deliver" }
    : { endpoint: SUBJECT, hook: "to_container", data, at, becomes: becomes ?? "pass" };
}

function tcpRows(flow: () => TcpFlow, name: string): PacketRow[] {
  const row = (description: string, make: (f: TcpFlow) => RowPacket[]): PacketRow => ({
    description: `${description} (TCP, ${name})`,
    packets: make(flow()),
  });
  return [
    row("an answer without a question", (f) => [f.gets(["ACK"], 0, drop("POLICY"))]),
    row("an answer in the last second of an unanswered flow", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN", "ACK"], 59),
    ]),
    row("an answer one second too late", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN", "ACK"], 60, drop("POLICY")),
    ]),
    row("another packet prolongs an unanswered flow", (f) => [
      f.sends(["SYN"], 0),
      f.sends(["ACK"], 30),
      f.gets(["ACK"], 89),
    ]),
    row("an answered flow may be silent for 7999 seconds", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN", "ACK"], 1),
      f.gets(["ACK"], 8000),
    ]),
    row("an answered flow may not be silent for 8000 seconds", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN", "ACK"], 1),
      f.gets(["ACK"], 8001, drop("POLICY")),
    ]),
    row("a reset leaves 9 seconds", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN", "ACK"], 1),
      f.sends(["RST"], 2),
      f.gets(["ACK"], 11),
    ]),
    row("a reset leaves no 10 seconds", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN", "ACK"], 1),
      f.sends(["RST"], 2),
      f.gets(["ACK"], 12, drop("POLICY")),
    ]),
    row("a reset by the peer closes as well", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["RST", "ACK"], 1),
      f.gets(["ACK"], 11, drop("POLICY")),
    ]),
    row("the end of one side alone closes nothing", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN", "ACK"], 1),
      f.sends(["FIN", "ACK"], 2),
      f.gets(["ACK"], 7000),
    ]),
    row("the end of the peer's side alone closes nothing", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN", "ACK"], 1),
      f.gets(["FIN", "ACK"], 2),
      f.gets(["ACK"], 7000),
    ]),
    row("the end of both sides closes", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN", "ACK"], 1),
      f.sends(["FIN", "ACK"], 2),
      f.gets(["FIN", "ACK"], 3),
      f.gets(["ACK"], 12),
      f.gets(["ACK"], 22, drop("POLICY")),
    ]),
    row("a first packet with FIN leaves an unanswered flow", (f) => [
      f.sends(["FIN", "ACK"], 0),
      f.gets(["ACK"], 59),
    ]),
    row("a first packet with RST leaves a closed flow", (f) => [
      f.sends(["RST"], 0),
      f.gets(["ACK"], 9),
      f.gets(["ACK"], 19, drop("POLICY")),
    ]),
    row("a client that reuses its port opens the flow again", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN", "ACK"], 1),
      f.sends(["RST"], 2),
      f.sends(["SYN"], 3),
      f.gets(["SYN", "ACK"], 62),
    ]),
    row("after one FIN a client may reuse its port", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN", "ACK"], 1),
      f.sends(["FIN", "ACK"], 2),
      f.sends(["SYN"], 3),
      f.gets(["ACK"], 62),
      f.gets(["FIN", "ACK"], 63),
      f.gets(["ACK"], 8062),
    ]),
    row("a SYN with ACK does not open a closed flow again", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN", "ACK"], 1),
      f.sends(["RST"], 2),
      f.sends(["SYN", "ACK"], 3),
      f.gets(["ACK"], 13, drop("POLICY")),
    ]),
    row("a SYN in an open flow is part of it", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN", "ACK"], 1),
      f.sends(["SYN"], 2),
      f.gets(["ACK"], 7000),
    ]),
    row("a server may not open a closed flow from its side", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN", "ACK"], 1),
      f.sends(["RST"], 2),
      f.gets(["SYN"], 3, drop("POLICY")),
      f.gets(["PSH", "ACK"], 4),
    ]),
    row("a flow in the last seconds of the clock's 32 bits of seconds", (f) => [
      f.sends(["SYN"], LATE),
      f.gets(["SYN", "ACK"], LATE + 1),
    ]),
  ];
}

/** The row's start and this make less than 2³² seconds, the lifetimes included. */
const LATE = 4_000_000_000;

function udpRows(family: Family, by: By, ports: SourcePorts): PacketRow[] {
  const name = `(UDP, IPv${family}, peer by the ${by})`;
  const flow = () => {
    const port = ports.next();
    const udp = (from: RowParty, to: RowParty, source: number, destination: number) =>
      ip(family, from, to).udp({ source, destination }).build();
    return {
      sends: (at: number, becomes: RowOutcome): RowPacket => ({
        endpoint: SUBJECT,
        hook: "from_container",
        data: udp("SUBJECT", "WORLD", port, 54),
        at,
        becomes,
      }),
      gets: (at: number, becomes: RowOutcome): RowPacket => ({
        endpoint: SUBJECT,
        hook: "to_container",
        data: udp("WORLD", "SUBJECT", 54, port),
        at,
        becomes,
      }),
    };
  };
  if (by === "endpoint") return []; // everything in UDP is open between the two
  const [a, b, c] = [flow(), flow(), flow()];
  return [
    {
      description: `an answer without a question ${name}`,
      packets: [a.gets(0, drop("POLICY"))],
    },
    {
      description: `answers prolong a flow by 59 seconds each ${name}`,
      packets: [b.sends(0, "pass"), b.gets(59, "pass"), b.gets(118, "pass")],
    },
    {
      description: `an answer one second too late ${name}`,
      packets: [c.sends(0, "pass"), c.gets(1, "pass"), c.gets(61, drop("POLICY"))],
    },
  ];
}

function echoRows(family: Family, by: By, ports: SourcePorts): PacketRow[] {
  const [request, reply] = family === 4 ? [8, 0] : [128, 129];
  const name = `(IPv${family}, peer by the ${by})`;
  const echo = (from: RowParty, to: RowParty, type: number, id: number) => {
    const packet = ip(family, from, to);
    return (family === 4 ? packet.icmp({ type, id }) : packet.icmpv6({ type, id })).build();
  };
  const sends = (id: number, at: number): RowPacket => ({
    endpoint: SUBJECT,
    hook: "from_container",
    data: echo("SUBJECT", "PEER", request, id),
    at,
    becomes: "deliver",
  });
  const gets = (id: number, at: number, becomes?: RowOutcome) =>
    arriving(by, echo("PEER", "SUBJECT", reply, id), at, becomes);
  const [a, b, c, d] = [ports.next(), ports.next(), ports.next(), ports.next()];
  return [
    {
      description: `an echo reply to a request ${name}`,
      packets: [sends(a, 0), gets(a, 59), gets(a, 118)],
    },
    {
      description: `an echo reply without a request ${name}`,
      packets: [gets(b, 0, drop("POLICY")), gets(b, 1, drop("POLICY"))],
    },
    {
      description: `an echo reply to another request ${name}`,
      packets: [sends(c, 0), gets(c ^ 0x8000, 1, drop("POLICY"))],
    },
    {
      description: `an echo reply one second too late ${name}`,
      packets: [sends(d, 0), gets(d, 60, drop("POLICY"))],
    },
  ];
}

/** Flows that others open to the subject: its own packets answer them. */
function ingressRows(family: Family, ports: SourcePorts): PacketRow[] {
  return (["endpoint", "stack"] as const).flatMap((by) => {
    const port = ports.next();
    const other = ports.next();
    const name = `(IPv${family}, peer by the ${by})`;
    const into = (at: number, flags: readonly TcpFlag[], from = port, becomes?: RowOutcome) =>
      arriving(
        by,
        ip(family, "PEER", "SUBJECT").tcp({ source: from, destination: 80, flags }).build(),
        at,
        becomes,
      );
    const answer = (at: number, becomes: RowOutcome, to = port): RowPacket => ({
      endpoint: SUBJECT,
      hook: "from_container",
      data: ip(family, "SUBJECT", "PEER").tcp({ source: 80, destination: to, flags: ["ACK"] })
        .build(),
      at,
      becomes,
    });
    return [
      {
        description: `the subject answers who may ask it ${name}`,
        packets: [
          into(0, ["SYN"]),
          answer(1, "deliver"),
          into(2, ["ACK"]),
          answer(8001, "deliver"),
        ],
      },
      {
        description: `the subject answers nobody who did not ask ${name}`,
        packets: [answer(0, drop("POLICY"), other), answer(1, drop("POLICY"), other)],
      },
      {
        description: `the subject answers too late ${name}`,
        packets: [into(0, ["SYN"], other), answer(60, drop("POLICY"), other)],
      },
    ];
  });
}
