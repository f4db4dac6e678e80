import type { Family } from "../address.ts";
import { bothWays, ip, type PacketRow, patched, type SourcePorts, type Way } from "./row.ts";

const ETHERNET = 14;
const HEADER = { 4: 20, 6: 40 } as const;

type Change = readonly [name: string, ...changes: readonly [offset: number, value: number][]];

/** Offsets are those of the L4 header. */
const TCP: readonly Change[] = [
  ["a header of no length", [12, 0x00]],
  ["a header of 4 words", [12, 0x40]],
  ["a header that ends behind the packet", [12, 0xf0]],
  ["no flags", [13, 0x00]],
  ["all flags", [13, 0xff]],
  ["SYN, FIN and RST", [13, 0x07]],
  ["another checksum", [16, 0xab], [17, 0xcd]],
];
const UDP: readonly Change[] = [
  ["no length", [4, 0], [5, 0]],
  ["a length that ends in its header", [4, 0], [5, 7]],
  ["a length that ends behind the packet", [4, 0xff], [5, 0xff]],
  ["no checksum", [6, 0], [7, 0]],
  ["another checksum", [6, 0xab], [7, 0xcd]],
];

/** What neither policy nor conntrack reads is the receiver's to refuse. */
export function receiverRows(ports: SourcePorts): PacketRow[] {
  return ([4, 6] as const).flatMap((family) => [
    ...TCP.flatMap((change) => row(family, "tcp", change, ports)),
    ...UDP.flatMap((change) => row(family, "udp", change, ports)),
  ]).concat(checksumRow(ports));
}

function row(
  family: Family,
  transport: "tcp" | "udp",
  [name, ...changes]: Change,
  ports: SourcePorts,
): PacketRow[] {
  const l4 = ETHERNET + HEADER[family];
  return bothWays(`${transport} over IPv${family} with ${name}`, (way) => {
    const ends = { source: ports.next(), destination: way.port };
    const frame = ip(family, way.source, way.destination)[transport](ends).build();
    return patched(frame, ...changes.map(([at, value]): [number, number] => [l4 + at, value]));
  }, "allowed");
}

/** On the way out the last hop is told by a checksum that stays right. */
function checksumRow(ports: SourcePorts): PacketRow[] {
  const make = (way: Way) => {
    const ends = { source: ports.next(), destination: way.port };
    const frame = ip(4, way.source, way.destination).tcp(ends).build();
    return patched(frame, [ETHERNET + 10, 0xab], [ETHERNET + 11, 0xcd]);
  };
  return bothWays("IPv4 with another checksum", make, "allowed").slice(1);
}
