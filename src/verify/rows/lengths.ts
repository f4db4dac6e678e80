import type { PacketBuilder } from "../../datapath/packet_builder.ts";
import type { Family } from "../address.ts";
import { writeIpv4Checksum } from "../frame.ts";
import {
  bothWays,
  drop,
  ip,
  type PacketRow,
  type RowOutcome,
  type SourcePorts,
  type Way,
} from "./row.ts";

const ETHERNET = 14;
/** Bytes of the IP header, where it states a length, and how many of its own that counts. */
const HEADER = {
  4: { bytes: 20, lengthAt: ETHERNET + 2, counted: 20 },
  6: { bytes: 40, lengthAt: ETHERNET + 4, counted: 0 },
} as const;

type L4 = readonly [
  name: string,
  header: number,
  (to: PacketBuilder, source: number, way: Way) => PacketBuilder,
];

const TRANSPORTS: readonly L4[] = [
  ["UDP", 8, (to, source) => to.udp({ source, destination: 7 })],
  ["TCP", 20, (to, source, { port }) => to.tcp({ source, destination: port })],
  ["SCTP", 12, (to, source) => to.sctp({ source, destination: 7 })],
];
const ECHO: Readonly<Record<Family, L4>> = {
  4: ["ICMP echo", 8, (to, id) => to.icmp({ type: 8, id })],
  6: ["ICMPv6 echo", 8, (to, id) => to.icmpv6({ type: 128, id })],
};

/** Packets that end at every byte of their headers, and packets that claim to. */
export function lengthRows(family: Family, ports: SourcePorts): PacketRow[] {
  return [...TRANSPORTS, ECHO[family]].flatMap((l4) => [
    ...cutRows(family, l4, ports),
    ...claimRows(family, l4, ports),
  ]);
}

/** A packet with `extra` bytes of data. */
function whole(family: Family, [, , add]: L4, way: Way, ports: SourcePorts, extra: number) {
  return add(ip(family, way.source, way.destination), ports.next(), way)
    .payload(new Uint8Array(extra)).build();
}

function cutRows(family: Family, l4: L4, ports: SourcePorts): PacketRow[] {
  const [name, header] = l4;
  const { bytes } = HEADER[family];
  const rows: PacketRow[] = [];
  for (let length = ETHERNET; length < ETHERNET + bytes + header; length++) {
    const cut = (way: Way) => whole(family, l4, way, ports, 0).slice(0, length);
    const what = `IPv${family} ${name} cut after byte ${length}`;
    rows.push(
      ...bothWays(`${what}, its length as before`, cut, drop("INVALID")),
      ...bothWays(
        `${what}, its length adjusted`,
        (way) => claiming(cut(way), family, length - ETHERNET - bytes),
        length < ETHERNET + bytes ? drop("INVALID") : drop("CT_INVALID_HDR"),
      ),
    );
  }
  return rows;
}

function claimRows(family: Family, l4: L4, ports: SourcePorts): PacketRow[] {
  const [name, header] = l4;
  const { counted } = HEADER[family];
  const rows = [0, 1, 2, 150].flatMap((extra) =>
    bothWays(
      `IPv${family} ${name} with ${extra} bytes of data`,
      (way) => whole(family, l4, way, ports, extra),
      "allowed",
    )
  );
  const tooShort = [-counted, -1].filter((claim) => claim + counted >= 0 && claim < 0)
    .map((claim) => [claim, drop("INVALID")] as const);
  const claims: readonly (readonly [bytes: number, RowOutcome | "allowed"])[] = [
    ...tooShort,
    [0, drop("CT_INVALID_HDR")],
    [header - 1, drop("CT_INVALID_HDR")],
    [header, "allowed"],
    [header + 9, "allowed"],
    [header + 10, "allowed"],
    [header + 11, drop("INVALID")],
    [0xffff - counted, drop("INVALID")],
  ];
  for (const [claim, becomes] of claims) {
    rows.push(...bothWays(
      `IPv${family} ${name} of ${header + 10} bytes that claims ${claim}`,
      (way) => claiming(whole(family, l4, way, ports, 10), family, claim),
      becomes,
    ));
  }
  return rows;
}

/** The frame, stating that `bytes` stand behind its IP header, if it has a whole one. */
function claiming(frame: Uint8Array, family: Family, bytes: number): Uint8Array {
  const header = HEADER[family];
  if (frame.length < ETHERNET + header.bytes) return frame;
  const copy = frame.slice();
  const view = new DataView(copy.buffer);
  view.setUint16(header.lengthAt, bytes + header.counted);
  if (family === 4) writeIpv4Checksum(view);
  return copy;
}
