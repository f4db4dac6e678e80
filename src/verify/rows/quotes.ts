import { newPacket } from "../../datapath/packet_builder.ts";
import type { Family } from "../address.ts";
import { writeIpv4Checksum } from "../frame.ts";
import { about, asked, type Side, SIDES, unreachable } from "./icmp_error.ts";
import {
  between,
  drop,
  MACS,
  type PacketRow,
  patched,
  type RowOutcome,
  type RowParty,
  type SourcePorts,
} from "./row.ts";

/** ICMP errors whose quotes are cut off or lie: no part of those is believed. */
export function quoteRows(ports: SourcePorts): PacketRow[] {
  return ([4, 6] as const).flatMap((family) =>
    SIDES.flatMap((side) => damagedRows(side, family, ports))
  );
}

function damagedRows(side: Side, family: Family, ports: SourcePorts): PacketRow[] {
  const message = unreachable(family);
  const refused = drop("POLICY");
  const { name, opens, tells, ends: [from, to] } = side;
  const source = ports.next();
  const sent = asked(family, side, source);
  const inner = sent.build();
  const ipBytes = family === 4 ? 20 : 40;
  const whole = 14 + ipBytes + 8;
  const quote = (bytes: Uint8Array, becomes: RowOutcome) =>
    tells(about(family, side, message, bytes), becomes);
  const withByte = (offset: number, value: number) => patched(inner, [offset, value]);
  const packets = [opens(sent, "pass")];
  for (let length = 14; length <= whole; length++) {
    const becomes = length === whole ? "pass" : refused;
    packets.push(quote(inner.slice(0, length), becomes));
    // What stands behind the end of the packet is no part of it.
    const padded = about(family, side, message, inner);
    packets.push(tells(shortened(padded, family, whole - length), becomes));
  }
  const lies = family === 4
    ? [[14, 0x44], [14, 0x46], [14, 0x55], [14, 0x65], [14, 0xc5], [21, 1], [20, 1], [20, 0x10]]
    : [[14, 0x40], [14, 0x50], [14, 0x70], [14, 0xe0], [20, 0], [20, 44]];
  packets.push(...lies.map(([at = 0, value = 0]) => quote(withByte(at, value), refused)));
  // Type of service and traffic class may be anything.
  packets.push(quote(withByte(family === 4 ? 15 : 14, family === 4 ? 0xff : 0x6f), "pass"));
  packets.push(...optionQuotes(side, family, source).map((data) => tells(data, refused)));
  if (family === 6) packets.push(...chains(inner, from, to).map((bytes) => quote(bytes, refused)));
  return [{ description: `IPv${family}: quotes that are cut off or lie, ${name}`, packets }];
}

/** Quotes of headers with options that go on behind the end of the packet. */
function optionQuotes(side: Side, family: Family, source: number): Uint8Array[] {
  const { ends: [from, to], port } = side;
  const start = newPacket().eth(MACS);
  const ends = { source, destination: port };
  const packet = family === 4
    ? start.ipv4({ ...between(4, from, to), options: new Uint8Array(8).fill(1) }).udp(ends)
    : start.ipv6(between(6, from, to)).extension("destination").udp(ends);
  const message = about(family, side, unreachable(family), packet);
  return Array.from({ length: 16 }, (_, i) => shortened(message, family, i + 1));
}

/** Quotes of UDP behind extension headers that hide what follows. */
function chains(inner: Uint8Array, from: RowParty, to: RowParty): Uint8Array[] {
  const start = newPacket().eth(MACS).ipv6(between(6, from, to));
  const rest = inner.slice(54);
  return [
    start.fragment({ offset: 1, more: true, id: 1, protocol: 17 }),
    start.extension("routing", { segmentsLeft: 1, protocol: 17 }),
  ].map((packet) => packet.payload(rest).build());
}

/** The frame with an IP packet that ends before the frame does. */
function shortened(frame: Uint8Array, family: Family, bytes: number): Uint8Array {
  const copy = frame.slice();
  const view = new DataView(copy.buffer);
  const at = family === 4 ? 16 : 18;
  view.setUint16(at, view.getUint16(at) - bytes);
  if (family === 4) writeIpv4Checksum(view);
  return copy;
}
