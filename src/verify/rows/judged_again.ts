import { MARK_HOST } from "../../datapath/layout.ts";
import type { Family } from "../address.ts";
import { ROW_ENDPOINT } from "../row_node.ts";
import { REDIRECTED_PORT } from "../row_policies.ts";
import { arriving, leaving } from "./flow_packets.ts";
import { drop, ip, type PacketRow, type SourcePorts } from "./row.ts";

const { SUBJECT } = ROW_ENDPOINT;

/** Flows of which policy refuses a later packet. */
export function judgedAgainRows(ports: SourcePorts): PacketRow[] {
  return ([4, 6] as const).flatMap((family) => [
    ...againRows(family, ports),
    ...endedRows(family, ports),
  ]);
}

/** Policy is asked about every packet that is no answer, also about those of known flows. */
function againRows(family: Family, ports: SourcePorts): PacketRow[] {
  const closed = 79;
  const data = ip(family, "PEER", "SUBJECT").tcp({ source: ports.next(), destination: closed })
    .build();
  const into = { endpoint: SUBJECT, hook: "to_container", data } as const;
  const [request, reply] = family === 4 ? [8, 0] : [128, 129];
  const echo = (type: number) => {
    const packet = ip(family, "SUBJECT", "PEER");
    return (family === 4 ? packet.icmp({ type }) : packet.icmpv6({ type })).build();
  };
  const port = ports.next();
  const asked = ip(family, "PEER", "SUBJECT").tcp({ source: port, destination: 80 }).build();
  const tired = ip(family, "SUBJECT", "PEER", { ttl: 1 })
    .tcp({ source: 80, destination: port, flags: ["ACK"] }).build();
  return [
    {
      description: `an answer with TTL 1 (IPv${family})`,
      packets: [arriving("stack", asked, 0), leaving(tired, 1, drop("TTL"))],
    },
    {
      description: `a flow that the host began and another goes on with (IPv${family})`,
      packets: [{ ...into, mark: MARK_HOST, becomes: "pass" }, {
        ...into,
        becomes: drop("POLICY"),
      }],
    },
    {
      // With the identifier 0 both have the same ports, and so are one flow.
      description: `an echo reply after a request of the same side (IPv${family})`,
      packets: [leaving(echo(request), 0), leaving(echo(reply), 1, drop("POLICY"))],
    },
  ];
}

/** Ports of the subject, by what becomes of its peer there and of the answers to the host. */
const REFUSALS = [
  ["no rule allows any more", 79, drop("POLICY"), drop("POLICY")],
  ["a rule denies now", 81, drop("DENY"), drop("POLICY")],
  ["wants authentication now", 82, drop("AUTH"), drop("POLICY")],
  ["no proxy gets", REDIRECTED_PORT.LISTENING, drop("PROXY_SET"), "deliver"],
] as const;

/** Policy ends a flow for both sides; what only could not be carried out ends none. */
function endedRows(family: Family, ports: SourcePorts): PacketRow[] {
  return REFUSALS.map(([name, closed, refused, answered]) => {
    const port = ports.next();
    const asked = ip(family, "PEER", "SUBJECT").tcp({ source: port, destination: closed }).build();
    const answer = ip(family, "SUBJECT", "PEER")
      .tcp({ source: closed, destination: port, flags: ["ACK"] }).build();
    const byHost = { ...arriving("stack", asked, 0), mark: MARK_HOST };
    return {
      description: `an answer to a flow that ${name} (IPv${family})`,
      packets: [
        byHost,
        leaving(answer, 1),
        arriving("stack", asked, 2, refused),
        leaving(answer, 3, answered),
      ],
    };
  });
}
