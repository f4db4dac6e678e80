import type { Family } from "../address.ts";
import type { PacketBuilder } from "../../datapath/packet_builder.ts";
import { PROXY_PORT, ROW_ENDPOINT } from "../row_node.ts";
import { REDIRECTED_PORT, REDIRECTED_WITH_AUTH } from "../row_policies.ts";
import { type Place, PLACES } from "./places.ts";
import {
  audited,
  drop,
  ip,
  MACS,
  type PacketRow,
  patched,
  type RowEvent,
  type RowOutcome,
  type RowPacket,
  type RowParty,
  type SourcePorts,
} from "./row.ts";
import { newPacket } from "../../datapath/packet_builder.ts";

const { SUBJECT, NOT_READY } = ROW_ENDPOINT;

/** An endpoint in audit mode: policy's drops pass and are told, all others stay drops. */
export function auditRows(ports: SourcePorts): PacketRow[] {
  return ([4, 6] as const).flatMap((family) =>
    PLACES.flatMap((place) => [
      ...policyRows(place, family, ports),
      ...redirectRows(place, family, ports),
      ...flowRows(place, family, ports),
    ]).concat(untrackedRows(family), otherRows(family, ports))
  );
}

function packet(
  { endpoint, hook, ends: [from, to], allowed, before, after }: Place,
  data: (packet: PacketBuilder) => PacketBuilder,
  family: Family,
  event: RowEvent,
): RowPacket {
  const dropped = typeof event === "object" && "drop" in event;
  return {
    endpoint,
    hook,
    data: data(ip(family, from, to)).build(),
    becomes: dropped ? event : allowed,
    tells: dropped ? [...before, event] : [...before, event, ...after],
  };
}

function policyRows(place: Place, family: Family, ports: SourcePorts): PacketRow[] {
  const { open, closed, denied, authenticated } = place.ports;
  const cases: readonly (readonly [name: string, port: number, event: RowEvent])[] = [
    ["that is open", open, "verdict"],
    ["that no rule opens", closed, audited("POLICY")],
    ["that a rule denies", denied, audited("DENY")],
    ["that wants authentication", authenticated, audited("AUTH")],
  ];
  return cases.map(([name, destination, event]) => {
    const source = ports.next();
    return {
      description: `audit: a port ${name}, ${place.name}, IPv${family}`,
      packets: [packet(place, (p) => p.tcp({ source, destination }), family, event)],
    };
  });
}

/** A redirect that fails is no policy's drop. */
function redirectRows(place: Place, family: Family, ports: SourcePorts): PacketRow[] {
  const tcp = (destination: number, event: RowEvent) => {
    const source = ports.next();
    return packet(place, (p) => p.tcp({ source, destination }), family, event);
  };
  const possible = place.hook === "from_container";
  const listening = tcp(REDIRECTED_PORT.LISTENING, possible ? "verdict" : drop("PROXY_SET"));
  const proxied: RowPacket = {
    ...listening,
    becomes: { proxy: PROXY_PORT.LISTENING },
    tells: [...place.before, "verdict"],
  };
  return [
    {
      description: `audit: a redirect, ${place.name}, IPv${family}`,
      packets: [possible ? proxied : listening],
    },
    {
      description: `audit: a redirect to a proxy that does not listen, ${place.name}, IPv${family}`,
      packets: [
        tcp(REDIRECTED_PORT.SILENT, possible ? drop("PROXY_LOOKUP") : drop("PROXY_SET")),
      ],
    },
    {
      description: `audit: a redirect that wants authentication, ${place.name}, IPv${family}`,
      packets: [tcp(REDIRECTED_WITH_AUTH, audited("AUTH"))],
    },
  ];
}

/** What passes begins a flow like any other: its answers are answers. */
function flowRows(place: Place, family: Family, ports: SourcePorts): PacketRow[] {
  const { endpoint, ends: [from, to], ports: { closed: destination } } = place;
  const source = ports.next();
  const asks = (flags: readonly ("SYN" | "ACK")[]) =>
    packet(place, (p) => p.tcp({ source, destination, flags }), family, audited("POLICY"));
  const data = ip(family, to, from)
    .tcp({ source: destination, destination: source, flags: ["SYN", "ACK"] }).build();
  const outcome: Pick<RowPacket, "endpoint" | "hook" | "becomes"> = from === "SUBJECT"
    ? { endpoint: SUBJECT, hook: "to_container", becomes: "pass" }
    : { endpoint: SUBJECT, hook: "from_container", becomes: "deliver" };
  // By way of the stack the peer's own program has not seen the flow.
  const tells: readonly RowEvent[] = from === "PEER" && endpoint === SUBJECT ? ["verdict"] : [];
  return [{
    description: `audit: a flow that policy would not allow, ${place.name}, IPv${family}`,
    packets: [asks(["SYN"]), { ...outcome, data, tells }, { ...asks(["ACK"]), tells: [] }],
  }];
}

/** ICMP without a flow. */
function untrackedRows(family: Family): PacketRow[] {
  const [hook, endpoint] = ["to_container", SUBJECT] as const;
  const icmp = (type: number) => {
    const start = ip(family, "WORLD", "SUBJECT");
    return (family === 4 ? start.icmp({ type }) : start.icmpv6({ type })).build();
  };
  const [open, closed] = family === 4 ? [13, 17] : [131, 139];
  return [{
    description: `audit: ICMP without a flow, IPv${family}`,
    packets: [
      { endpoint, hook, data: icmp(open), becomes: "pass", tells: ["verdict"] },
      { endpoint, hook, data: icmp(closed), becomes: "pass", tells: [audited("POLICY")] },
    ],
  }];
}

/** Audit mode is about policy: who lies, or has none, is dropped as ever. */
function otherRows(family: Family, ports: SourcePorts): PacketRow[] {
  const tcp = (from: RowParty, to: RowParty) => ({
    source: ports.next(),
    destination: 90,
    from,
    to,
  });
  const data = ({ from, to, ...ends }: ReturnType<typeof tcp>, ttl = 64) =>
    ip(family, from, to, { ttl }).tcp(ends).build();
  const row = (
    description: string,
    bytes: Uint8Array,
    becomes: RowOutcome,
    where: Partial<RowPacket> = {},
  ): PacketRow => ({
    description: `audit: ${description}, IPv${family}`,
    packets: [{ endpoint: SUBJECT, hook: "from_container", data: bytes, becomes, ...where }],
  });
  return [
    row("a spoofed source", data(tcp("BUSY", "PEER")), drop("INVALID_SIP")),
    row("a version that lies", patched(data(tcp("SUBJECT", "PEER")), [14, 0x55]), drop("INVALID")),
    row("a TTL that is used up", data(tcp("SUBJECT", "PEER"), 1), drop("TTL")),
    row("an endpoint without a policy", data(tcp("NOT_READY", "PEER")), drop("NOT_READY"), {
      endpoint: NOT_READY,
    }),
    row("a tag", newPacket().eth(MACS).vlan(3).payload(new Uint8Array(46)).build(), drop("VLAN")),
  ];
}
