import type { PacketBuilder } from "../../datapath/packet_builder.ts";
import {
  bothWays,
  drop,
  ip,
  type PacketRow,
  type RowOutcome,
  type SourcePorts,
  type Way,
} from "./row.ts";

type Chain = (packet: PacketBuilder) => PacketBuilder;

const HOP: Chain = (p) => p.extension("hopByHop");
const ROUTING: Chain = (p) => p.extension("routing");
const DESTINATION: Chain = (p) => p.extension("destination");
const AUTHENTICATION: Chain = (p) => p.extension("authentication", { bytes: 24 });
const WHOLE: Chain = (p) => p.fragment({ offset: 0, more: false, id: 7 });

/** `times` destination headers of the least size. */
function repeated(times: number): Chain {
  return (p) => Array.from({ length: times }).reduce<PacketBuilder>(DESTINATION, p);
}

/** Headers between IPv6 and TCP, and what becomes of a packet that policy allows. */
const CHAINS: readonly (readonly [name: string, chain: Chain, RowOutcome | "allowed"])[] = [
  ["hop-by-hop options", HOP, "allowed"],
  ["hop-by-hop options of 16 bytes", (p) => p.extension("hopByHop", { bytes: 16 }), "allowed"],
  ["a routing header that has arrived", ROUTING, "allowed"],
  [
    "a routing header with a segment left",
    (p) => p.extension("routing", { segmentsLeft: 1 }),
    drop("EXTHDR"),
  ],
  [
    "a routing header with 255 segments left",
    (p) => p.extension("routing", { segmentsLeft: 255 }),
    drop("EXTHDR"),
  ],
  ["destination options", DESTINATION, "allowed"],
  ["destination options of 64 bytes", (p) => p.extension("destination", { bytes: 64 }), "allowed"],
  ["an authentication header", AUTHENTICATION, "allowed"],
  [
    "an authentication header of 12 bytes",
    (p) => p.extension("authentication", { bytes: 12 }),
    "allowed",
  ],
  ["a fragment header of a whole packet", WHOLE, "allowed"],
  [
    "every kind of extension header once",
    (p) => AUTHENTICATION(WHOLE(DESTINATION(ROUTING(HOP(p))))),
    "allowed",
  ],
  ["hop-by-hop options in second place", (p) => HOP(DESTINATION(p)), drop("EXTHDR")],
  ["hop-by-hop options twice", (p) => HOP(HOP(p)), drop("EXTHDR")],
  ["two fragment headers", (p) => WHOLE(WHOLE(p)), drop("EXTHDR")],
  ["7 destination headers", repeated(7), "allowed"],
  ["8 destination headers", repeated(8), "allowed"],
  ["9 destination headers", repeated(9), drop("EXTHDR")],
];

const ETHERNET = 14;
const IPV6 = 40;

/** IPv6 extension headers: chains that are read, and chains that lie. */
export function extensionRows(ports: SourcePorts): PacketRow[] {
  const start = (way: Way) => ip(6, way.source, way.destination);
  const tcp = (way: Way) => ({ source: ports.next(), destination: way.port });
  const rows = CHAINS.flatMap(([name, chain, becomes]) => [
    ...bothWays(
      `IPv6 with ${name} before TCP`,
      (way) => chain(start(way)).tcp(tcp(way)).build(),
      becomes,
    ),
    ...bothWays(
      `IPv6 with ${name} before a port that is closed`,
      (way) => chain(start(way)).tcp({ source: ports.next(), destination: 9 }).build(),
      becomes === "allowed" ? drop("POLICY") : becomes,
    ),
  ]);
  // Cut off anywhere: inside the chain it is the chain that is wrong, behind it the L4 header.
  const chain: Chain = (p) => AUTHENTICATION(ROUTING(HOP(p)));
  const extensions = 8 + 8 + 24;
  for (let length = 0; length < extensions + 20; length++) {
    rows.push(...bothWays(
      `IPv6 that ends ${length} bytes behind its header, inside a chain of ${extensions} and TCP`,
      (way) => cut(chain(start(way)).tcp(tcp(way)).build(), length),
      length < extensions ? drop("EXTHDR") : drop("CT_INVALID_HDR"),
    ));
    rows.push(...bothWays(
      `IPv6 that claims to end ${length} bytes behind its header, inside such a chain`,
      (way) => claiming(chain(start(way)).tcp(tcp(way)).build(), length),
      length < extensions ? drop("EXTHDR") : drop("CT_INVALID_HDR"),
    ));
  }
  for (const length of [0, 8, 255]) {
    rows.push(...bothWays(`IPv6 whose destination options claim ${length} units`, (way) => {
      const frame = DESTINATION(start(way)).tcp(tcp(way)).build();
      frame[ETHERNET + IPV6 + 1] = length;
      return frame;
    }, length === 0 ? "allowed" : drop("EXTHDR")));
  }
  rows.push(
    ...bothWays("IPv6 jumbogram: payload length 0 and hop-by-hop options", (way) => {
      const frame = HOP(start(way)).tcp(tcp(way)).build();
      frame.set([0, 0], ETHERNET + 4);
      return frame;
    }, drop("EXTHDR")),
    ...bothWays(
      "neighbour solicitation behind destination options is a matter of policy",
      (way) =>
        DESTINATION(ip(6, way.source, way.destination, { ttl: 255 }))
          .icmpv6({ type: 135 }).build(),
      drop("POLICY"),
    ),
    ...otherRows(),
    ...bothWays(
      "IPv6 with nothing behind destination options",
      (way) => DESTINATION(start(way)).build(),
      drop("POLICY"),
    ),
  );
  return rows;
}

/** Numbers that are read further; ICMPv6 needs a type, which others have rows for. */
const READ = [0, 6, 17, 43, 44, 51, 58, 60, 132];
const ICMP = 1;

/** All other protocols behind an extension header: judged by number. */
function otherRows(): PacketRow[] {
  const others = Array.from({ length: 256 }, (_, i) => i).filter((i) => !READ.includes(i));
  return others.flatMap((protocol) =>
    bothWays(
      `IPv6 with protocol ${protocol} behind destination options`,
      (way) =>
        ip(6, way.source, way.destination).extension("destination", { protocol })
          .payload(new Uint8Array(24).fill(0xff)).build(),
      drop(protocol === ICMP ? "CT_UNKNOWN_PROTO" : "POLICY"),
    )
  );
}

/** The frame with `length` bytes behind the IPv6 header, which says so. */
function cut(frame: Uint8Array, length: number): Uint8Array {
  return claiming(frame.slice(0, ETHERNET + IPV6 + length), length);
}

/** The frame, with another payload length. */
function claiming(frame: Uint8Array, length: number): Uint8Array {
  const copy = frame.slice();
  copy.set([length >> 8, length & 0xff], ETHERNET + 4);
  return copy;
}
