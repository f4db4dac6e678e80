import { addressBytes, type Family } from "../address.ts";
import {
  IDENTITY_HOST,
  MARK_ENFORCED,
  MARK_HOST,
  MARK_IDENTITY,
  MARK_TO_PROXY,
} from "../../datapath/layout.ts";
import { newPacket } from "../../datapath/packet_builder.ts";
import { identityMark } from "../opinion.ts";
import { ROW_ADDRESS, ROW_ENDPOINT } from "../row_node.ts";
import { ROW_IDENTITY } from "../row_identity.ts";
import {
  drop,
  ip,
  MACS,
  type PacketRow,
  patched,
  type RowOutcome,
  type RowParty,
  type SourcePorts,
} from "./row.ts";

const { SUBJECT, PEER, NOT_READY } = ROW_ENDPOINT;
const FAMILIES = [4, 6] as const;

/** Who sends, by address and by mark; who receives; TTLs. */
export function senderRows(ports: SourcePorts): PacketRow[] {
  return FAMILIES.flatMap((family) => [
    ...spoofRows(family, ports),
    ...markRows(family, ports),
    ...identityRows(family, ports),
    ...notReadyRows(family, ports),
    ...ttlRows(family, ports),
    ...icmpRows(family, ports),
    ...selfRows(family, ports),
  ]);
}

function one(
  description: string,
  packet: {
    hook?: "from_container" | "to_container";
    endpoint?: number;
    mark?: number;
    data: Uint8Array;
  },
  becomes: RowOutcome,
): PacketRow {
  const { hook = "from_container", endpoint = SUBJECT, ...rest } = packet;
  return { description, packets: [{ hook, endpoint, ...rest, becomes }] };
}

function spoofRows(family: Family, ports: SourcePorts): PacketRow[] {
  const own = addressBytes(ROW_ADDRESS.SUBJECT[family]);
  const destination = addressBytes(ROW_ADDRESS.PEER[family]);
  const nothing = new Uint8Array(own.length);
  const sources = Array.from(own, (value, byte) => ({
    name: `that differs in byte ${byte}`,
    source: patched(own, [byte, value ^ 1]),
  }));
  return [...sources, { name: "of zeros", source: nothing }].map(({ name, source }) => {
    const start = newPacket().eth(MACS);
    const packet = family === 4
      ? start.ipv4({ source, destination })
      : start.ipv6({ source, destination });
    const data = packet.udp({ source: ports.next(), destination: 7 }).build();
    return one(`IPv${family} source ${name}`, { data }, drop("INVALID_SIP"));
  });
}

function tcp(family: Family, source: RowParty, destination: RowParty, from: number, to: number) {
  return ip(family, source, destination).tcp({ source: from, destination: to }).build();
}

function markRows(family: Family, ports: SourcePorts): PacketRow[] {
  const rows: PacketRow[] = [];
  const into = (mark: number, port: number) => ({
    hook: "to_container" as const,
    mark: mark >>> 0,
    data: tcp(family, "PEER", "SUBJECT", ports.next(), port),
  });
  const allowedByAddress = 80;
  const allowedToNobody = 79;
  for (let nibble = 0; nibble < 16; nibble++) {
    for (const other of [0, 0x12340056, 0xffff_f0ff]) {
      const mark = (nibble << 8 | other) >>> 0;
      const shown = `0x${mark.toString(16)}`;
      const kind = nibble << 8;
      const unknown = kind === MARK_IDENTITY;
      const astray = kind === MARK_TO_PROXY;
      rows.push(one(
        `IPv${family} with mark ${shown} to an open port`,
        into(mark, allowedByAddress),
        astray ? drop("PROXY_SET") : unknown ? drop("POLICY") : "pass",
      ));
      rows.push(one(
        `IPv${family} with mark ${shown} to a closed port`,
        into(mark, allowedToNobody),
        astray
          ? drop("PROXY_SET")
          : kind === MARK_ENFORCED || kind === MARK_HOST
          ? "pass"
          : drop("POLICY"),
      ));
    }
  }
  const malformed = new Uint8Array(60);
  rows.push(one(`a malformed packet that is marked as enforced (IPv${family})`, {
    hook: "to_container",
    mark: MARK_ENFORCED,
    data: malformed,
  }, "pass"));
  const byIdentity: [identity: number, port: number, RowOutcome][] = [
    [ROW_IDENTITY.PEER, 80, "pass"],
    [ROW_IDENTITY.PEER, 81, drop("DENY")],
    [ROW_IDENTITY.PEER, 82, drop("AUTH")],
    [ROW_IDENTITY.LONG, 83, "pass"],
    [ROW_IDENTITY.LONG ^ 0x10000, 83, drop("POLICY")],
    [ROW_IDENTITY.LONG ^ 0x800000, 83, drop("POLICY")],
    [ROW_IDENTITY.LONG ^ 1, 83, drop("POLICY")],
    [ROW_IDENTITY.SUBJECT, 84, "pass"],
    [6, 85, "pass"],
    [9, 86, "pass"],
    [10, 87, "pass"],
    [IDENTITY_HOST, 79, "pass"],
    [255, 77, "pass"],
    [254, 77, drop("POLICY")],
    [256, 77, drop("POLICY")],
    [65000, 80, drop("POLICY")],
    [65000, 1024, "pass"],
    [65000, 1100, drop("DENY")],
    [0, 1024, "pass"],
    [0xffffff, 1024, "pass"],
  ];
  for (const [identity, port, becomes] of byIdentity) {
    rows.push(one(
      `IPv${family} with identity ${identity} in its mark, to port ${port}`,
      into(identityMark(identity), port),
      becomes,
    ));
  }
  return rows;
}

function identityRows(family: Family, ports: SourcePorts): PacketRow[] {
  const world = family === 4 ? [86, 96] as const : [87, 97] as const;
  const known: [RowParty, ingressPort: number, egressPort: number][] = [
    ["WORLD", ...world],
    ["CIDR", 88, 98],
    ["INSIDE", 67, 68],
    // Without a slot a peer is judged by its scope.
    ["SLOTLESS_CIDR", ...world],
    ["SLOTLESS_NODE", 85, 95],
    ["SLOTLESS", 1024, 2048],
    ["SLOTLESS_RESERVED", 1024, 2048],
    ["FAR", 1024, 2048],
  ];
  return known.flatMap(([party, ingress, egress]) => [
    one(`IPv${family} from ${party} to an open port`, {
      hook: "to_container",
      data: tcp(family, party, "SUBJECT", ports.next(), ingress),
    }, "pass"),
    one(`IPv${family} from ${party} to a closed port`, {
      hook: "to_container",
      data: tcp(family, party, "SUBJECT", ports.next(), 79),
    }, drop("POLICY")),
    one(`IPv${family} to ${party}, open port`, {
      data: tcp(family, "SUBJECT", party, ports.next(), egress),
    }, "pass"),
    one(`IPv${family} to ${party}, closed port`, {
      data: tcp(family, "SUBJECT", party, ports.next(), 79),
    }, drop("POLICY")),
  ]);
}

function notReadyRows(family: Family, ports: SourcePorts): PacketRow[] {
  return [
    one(`IPv${family} from an endpoint without a policy`, {
      endpoint: NOT_READY,
      data: tcp(family, "NOT_READY", "PEER", ports.next(), 80),
    }, drop("NOT_READY")),
    one(`IPv${family} through the stack to an endpoint without a policy`, {
      endpoint: NOT_READY,
      hook: "to_container",
      data: tcp(family, "PEER", "NOT_READY", ports.next(), 80),
    }, drop("NOT_READY")),
    one(`IPv${family} from the subject to an endpoint without a policy`, {
      data: tcp(family, "SUBJECT", "NOT_READY", ports.next(), 80),
    }, drop("NOT_READY")),
  ];
}

function ttlRows(family: Family, ports: SourcePorts): PacketRow[] {
  const udp = (ttl: number, from: RowParty, to: RowParty, port: number) =>
    ip(family, from, to, { ttl }).udp({ source: ports.next(), destination: port }).build();
  return [0, 1, 2, 3, 128, 255].flatMap((ttl) => [
    one(
      `IPv${family} to a local endpoint with TTL ${ttl}`,
      { data: udp(ttl, "SUBJECT", "PEER", 7) },
      ttl > 1 ? "deliver" : drop("TTL"),
    ),
    one(
      `IPv${family} from another endpoint with TTL ${ttl}`,
      { endpoint: PEER, data: udp(ttl, "PEER", "SUBJECT", 7) },
      ttl > 1 ? "deliver" : drop("TTL"),
    ),
    one(
      `IPv${family} to the world with TTL ${ttl}`,
      { data: udp(ttl, "SUBJECT", "WORLD", 54) },
      "pass", // the stack's business
    ),
    one(
      `IPv${family} through the stack with TTL ${ttl}`,
      { hook: "to_container", data: udp(ttl, "PEER", "SUBJECT", 7) },
      "pass",
    ),
  ]);
}

function icmpRows(family: Family, ports: SourcePorts): PacketRow[] {
  const rows: PacketRow[] = [];
  // Never asked of policy: the world may say it to the subject, and it to the world.
  const codes = [[3, 3], [3, 4], [3, 5], [2, 4], [4, 4], [11, 4], [1, 4]] as const;
  for (const [type, code] of codes) {
    const needed = family === 4 ? type === 3 && code === 4 : type === 2;
    const data = (from: RowParty, to: RowParty) => {
      const packet = ip(family, from, to);
      return (family === 4 ? packet.icmp({ type, code }) : packet.icmpv6({ type, code })).build();
    };
    const becomes = needed ? "pass" : drop("POLICY");
    const name = `ICMP for IPv${family}, type ${type} code ${code}`;
    rows.push(
      one(`${name}, to the subject`, {
        hook: "to_container",
        data: data("WORLD", "SUBJECT"),
      }, becomes),
      one(`${name}, to the world`, { data: data("SUBJECT", "WORLD") }, becomes),
      one(`${name}, to the subject from another endpoint`, {
        endpoint: PEER,
        data: data("PEER", "SUBJECT"),
      }, needed ? "deliver" : drop("POLICY")),
    );
  }
  if (family === 4) {
    const needed = { type: 3, code: 4 };
    const data = ip(4, "SUBJECT", "PEER", { ttl: 1 }).icmp(needed).build();
    rows.push(one("fragmentation needed, with TTL 1", { data }, drop("TTL")));
  }
  // Types that a rule allows, of ICMP without flows.
  const [into, out] = family === 4 ? [13, 14] : [131, 132];
  for (
    const [from, to, type, hook] of [
      ["WORLD", "SUBJECT", into, "to_container"],
      ["SUBJECT", "WORLD", out, "from_container"],
    ] as const
  ) {
    for (const [neighbour, becomes] of [[type, "pass"], [type + 1, drop("POLICY")]] as const) {
      const packet = ip(family, from, to);
      const icmp = { type: neighbour, id: ports.next() };
      const data = (family === 4 ? packet.icmp(icmp) : packet.icmpv6(icmp)).build();
      // 14 and 132 are the other direction's, 15 and 133 nobody's.
      rows.push(one(`ICMP type ${neighbour} at ${hook}`, { hook, data }, becomes));
    }
  }
  return rows;
}

function selfRows(family: Family, ports: SourcePorts): PacketRow[] {
  const port = 50_000;
  return [
    one(`IPv${family} from the subject to itself, open port`, {
      data: tcp(family, "SUBJECT", "SUBJECT", ports.next(), 84),
    }, "deliver"),
    one(`IPv${family} from the subject to itself, closed port`, {
      data: tcp(family, "SUBJECT", "SUBJECT", ports.next(), port),
    }, drop("POLICY")),
    one(`IPv${family} from the subject to itself from the port it goes to`, {
      data: tcp(family, "SUBJECT", "SUBJECT", 84, 84),
    }, "deliver"),
  ];
}
