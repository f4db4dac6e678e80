import type { Family } from "../address.ts";
import type { TcpFlag } from "../../datapath/packet_builder.ts";
import { arriving, type By, leaving } from "./flow_packets.ts";
import {
  drop,
  ip,
  type PacketRow,
  type RowOutcome,
  type RowPacket,
  type RowParty,
  type SourcePorts,
} from "./row.ts";

/**
 * Flows through time, opened by the subject and by its peer. Each has one open port to the
 * other; what goes back through it passes as an answer only. A row stands for each of its
 * beginnings too, since the tables are compared at its end.
 */
export function conntrackRows(ports: SourcePorts): PacketRow[] {
  return ([4, 6] as const).flatMap((family) =>
    (["endpoint", "stack"] as const).flatMap((by) => {
      const name = `IPv${family}, peer by the ${by}`;
      return [
        ...tcpRows(() => new TcpFlow(family, ports.next(), by, "subject"), `subject asks, ${name}`),
        ...tcpRows(() => new TcpFlow(family, ports.next(), by, "peer"), `peer asks, ${name}`),
        ...udpRows(family, by, ports),
        ...echoRows(family, by, ports),
      ];
    })
  );
}

/** A flow between subject and peer: each method is one packet of it. */
class TcpFlow {
  constructor(
    readonly family: Family,
    readonly port: number,
    readonly by: By,
    readonly client: "subject" | "peer",
  ) {}

  /** A packet of the one who asks. */
  sends(flags: readonly TcpFlag[], at: number, becomes?: RowOutcome): RowPacket {
    return this.client === "subject"
      ? leaving(this.#bytes("SUBJECT", "PEER", this.port, 90, flags), at, becomes)
      : arriving(this.by, this.#bytes("PEER", "SUBJECT", this.port, 80, flags), at, becomes);
  }

  /** A packet of the other. */
  gets(flags: readonly TcpFlag[], at: number, becomes?: RowOutcome): RowPacket {
    return this.client === "subject"
      ? arriving(this.by, this.#bytes("PEER", "SUBJECT", 90, this.port, flags), at, becomes)
      : leaving(this.#bytes("SUBJECT", "PEER", 80, this.port, flags), at, becomes);
  }

  #bytes(
    from: RowParty,
    to: RowParty,
    source: number,
    destination: number,
    flags: readonly TcpFlag[],
  ): Uint8Array {
    return ip(this.family, from, to).tcp({ source, destination, flags }).build();
  }
}

function tcpRows(flow: () => TcpFlow, name: string): PacketRow[] {
  const row = (description: string, make: (f: TcpFlow) => RowPacket[]): PacketRow[] => {
    const { length } = make(flow());
    return Array.from({ length }, (_, i) => ({
      description: `${description} (TCP, ${name})` +
        (i + 1 < length ? `, first ${i + 1} of ${length} packets` : ""),
      packets: make(flow()).slice(0, i + 1),
    }));
  };
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
    row("an open flow may be silent for 7999 seconds", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN", "ACK"], 1),
      f.sends(["ACK"], 2),
      f.gets(["ACK"], 8001),
    ]),
    row("an open flow may not be silent for 8000 seconds", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN", "ACK"], 1),
      f.sends(["ACK"], 2),
      f.gets(["ACK"], 8002, drop("POLICY")),
    ]),
    row("a flow that is half open may be silent for 59 seconds", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN", "ACK"], 1),
      f.gets(["SYN", "ACK"], 60),
      f.gets(["ACK"], 120, drop("POLICY")),
    ]),
    row("a SYN that is sent again leaves a flow half open", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN", "ACK"], 1),
      f.sends(["SYN"], 2),
      f.gets(["SYN", "ACK"], 62, drop("POLICY")),
    ]),
    row("a flow that both sides begin at once is open", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN"], 1),
      f.sends(["SYN", "ACK"], 2),
      f.gets(["ACK"], 8001),
    ]),
    row("a flow that was there before its node is open once it is answered", (f) => [
      f.sends(["ACK"], 0),
      f.gets(["ACK"], 1),
      f.gets(["ACK"], 8000),
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
      f.sends(["ACK"], 1),
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
      f.sends(["ACK"], 61),
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
      f.sends(["ACK"], 1),
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
    row("a SYN with FIN opens a closed flow again", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN", "ACK"], 1),
      f.sends(["RST"], 2),
      f.sends(["SYN", "FIN"], 3),
      f.gets(["SYN", "ACK"], 62),
    ]),
    row("a SYN of the server in an open flow is part of it", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["SYN"], 1),
      f.gets(["SYN", "FIN"], 2),
    ]),
    row("after a FIN without an answer a SYN of the server is no part of the flow", (f) => [
      f.sends(["SYN"], 0),
      f.sends(["FIN", "ACK"], 1),
      f.gets(["SYN"], 2, drop("POLICY")),
      f.gets(["SYN", "FIN"], 3, drop("POLICY")),
      f.gets(["SYN", "ACK"], 4),
    ]),
    row("after a FIN without an answer a SYN opens the flow again", (f) => [
      f.sends(["SYN"], 0),
      f.sends(["FIN", "ACK"], 1),
      f.sends(["SYN"], 2),
      f.gets(["FIN", "ACK"], 3),
      f.sends(["ACK"], 4),
    ]),
    row("after the server's FIN a SYN opens the flow again", (f) => [
      f.sends(["SYN"], 0),
      f.gets(["FIN", "ACK"], 1),
      f.gets(["SYN"], 2, drop("POLICY")),
      f.sends(["SYN"], 3),
      f.gets(["ACK"], 62),
    ]),
    row("a reset without an answer closes", (f) => [
      f.sends(["SYN"], 0),
      f.sends(["RST"], 1),
      f.gets(["ACK"], 11, drop("POLICY")),
    ]),
    row("a FIN with RST closes", (f) => [
      f.sends(["FIN", "RST"], 0),
      f.gets(["FIN", "RST"], 1),
    ]),
    row("all other flags mean nothing", (f) => [
      f.sends(["PSH"], 0),
      f.gets(["PSH"], 1),
      f.sends(["PSH", "ACK"], 2),
    ]),
    row("a flow in the last seconds of the clock's 32 bits of seconds", (f) => [
      f.sends(["SYN"], LATE),
      f.gets(["SYN", "ACK"], LATE + 1),
    ]),
  ].flat();
}

/** The row's start and this make less than 2³² seconds, the lifetimes included. */
const LATE = 4_000_000_000;

function udpRows(family: Family, by: By, ports: SourcePorts): PacketRow[] {
  if (by === "endpoint") return []; // the world has none
  const rows: PacketRow[] = [];
  // The subject may ask the world on one port, and the world the subject on another.
  for (const client of ["subject", "world"] as const) {
    const row = (
      description: string,
      make: (
        sends: (at: number) => RowPacket,
        gets: (at: number, becomes?: RowOutcome) => RowPacket,
      ) => RowPacket[],
    ) => {
      const port = ports.next();
      const packet = (from: RowParty, source: number, destination: number) =>
        ip(family, from, from === "SUBJECT" ? "WORLD" : "SUBJECT")
          .udp({ source, destination }).build();
      const out = (source: number, destination: number) => (at: number, becomes?: RowOutcome) =>
        leaving(packet("SUBJECT", source, destination), at, becomes ?? "pass");
      const into = (source: number, destination: number) => (at: number, becomes?: RowOutcome) =>
        arriving("stack", packet("WORLD", source, destination), at, becomes);
      const packets = client === "subject"
        ? make(out(port, 54), into(54, port))
        : make(into(port, 53), out(53, port));
      rows.push({ description: `${description} (UDP, ${client} asks, IPv${family})`, packets });
    };
    row("an answer without a question", (_, gets) => [gets(0, drop("POLICY"))]);
    row("a question", (sends) => [sends(0)]);
    row("a question asked again", (sends) => [sends(0), sends(10)]);
    row("an answer", (sends, gets) => [sends(0), gets(10)]);
    row("answers prolong a flow by 59 seconds each", (sends, gets) => [
      sends(0),
      gets(59),
      gets(118),
    ]);
    row("an answer one second too late", (sends, gets) => [
      sends(0),
      gets(1),
      gets(61, drop("POLICY")),
    ]);
  }
  return rows;
}

function echoRows(family: Family, by: By, ports: SourcePorts): PacketRow[] {
  const [request, reply] = family === 4 ? [8, 0] : [128, 129];
  const echo = (from: RowParty, to: RowParty, type: number, id: number) => {
    const packet = ip(family, from, to);
    return (family === 4 ? packet.icmp({ type, id }) : packet.icmpv6({ type, id })).build();
  };
  return (["subject", "peer"] as const).flatMap((client) => {
    const out = (type: number) => (id: number, at: number, becomes?: RowOutcome) =>
      leaving(echo("SUBJECT", "PEER", type, id), at, becomes);
    const into = (type: number) => (id: number, at: number, becomes?: RowOutcome) =>
      arriving(by, echo("PEER", "SUBJECT", type, id), at, becomes);
    const [sends, gets] = client === "subject"
      ? [out(request), into(reply)]
      : [into(request), out(reply)];
    const name = `(${client} asks, IPv${family}, peer by the ${by})`;
    const [a, b, c, d, e] = [ports.next(), ports.next(), ports.next(), ports.next(), ports.next()];
    return [
      {
        description: `an echo request ${name}`,
        packets: [sends(e, 0)],
      },
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
  });
}
