import { lengthRows } from "./lengths.ts";
import { bothWays, drop, ip, type PacketRow, patched, type SourcePorts, type Way } from "./row.ts";

const ETHERNET = 14;
const PAYLOAD_LENGTH = ETHERNET + 4;
const HEADER = 40;

/** IPv6 headers that lie, extension headers, every next header, neighbour discovery. */
export function ipv6Rows(ports: SourcePorts): PacketRow[] {
  return [
    ...versionRows(ports),
    ...lengthRows(6, ports),
    ...nextHeaderRows(),
    ...neighbourRows(),
  ];
}

function versionRows(ports: SourcePorts): PacketRow[] {
  const classes = [0x61, 0x62, 0x64, 0x68].flatMap((byte) =>
    bothWays(`IPv6 with traffic class 0x${(byte & 15).toString(16)}0`, (way) => {
      const udp = { source: ports.next(), destination: 7 };
      return patched(ip(6, way.source, way.destination).udp(udp).build(), [ETHERNET, byte]);
    }, "allowed")
  );
  const versions = [0x00, 0x40, 0x50, 0x70, 0xe0, 0xf0].flatMap((byte) =>
    bothWays(`IPv6 with version ${byte >> 4}`, (way) => {
      const udp = { source: ports.next(), destination: 7 };
      return patched(ip(6, way.source, way.destination).udp(udp).build(), [ETHERNET, byte]);
    }, drop("INVALID"))
  );
  return [...classes, ...versions];
}

function withPayloadLength(frame: Uint8Array, length: number): Uint8Array {
  return patched(frame, [PAYLOAD_LENGTH, length >> 8], [PAYLOAD_LENGTH + 1, length & 0xff]);
}

const KNOWN = [6, 17, 58, 132];
const ICMP = 1;
/** Behind each of them the zeros that follow say "hop-by-hop", which stands there wrongly. */
const EXTENSIONS = [0, 43, 44, 51, 60];

function nextHeaderRows(): PacketRow[] {
  const all = Array.from({ length: 256 }, (_, i) => i).filter((i) => !KNOWN.includes(i));
  return all.flatMap((protocol) => {
    const becomes = EXTENSIONS.includes(protocol)
      ? drop("EXTHDR")
      : protocol === ICMP
      ? drop("CT_UNKNOWN_PROTO")
      : drop("POLICY");
    return bothWays(
      `IPv6 with next header ${protocol}`,
      (way) =>
        ip(6, way.source, way.destination, { protocol })
          .payload(new Uint8Array(24).fill(EXTENSIONS.includes(protocol) ? 0 : 0xff)).build(),
      becomes,
    );
  });
}

function neighbourRows(): PacketRow[] {
  const rows: PacketRow[] = [];
  for (const type of [130, 132, 133, 134, 135, 136, 137, 143]) {
    for (const ttl of [254, 255]) {
      const discovery = type >= 133 && type <= 136 && ttl === 255;
      const make = (way: Way) =>
        ip(6, way.source, way.destination, { ttl }).icmpv6({ type }).build();
      // Type 132 is one that the subject may send.
      const outward = discovery ? "pass" : type === 132 ? "deliver" : drop("POLICY");
      const inward = discovery ? "pass" : drop("POLICY");
      const [out, into] = bothWays(`ICMPv6 type ${type} with hop limit ${ttl}`, make, outward);
      if (out !== undefined) rows.push(out);
      if (into !== undefined) {
        rows.push({ ...into, packets: into.packets.map((p) => ({ ...p, becomes: inward })) });
      }
    }
  }
  for (const bytes of [0, 1, 7]) {
    rows.push(...bothWays(`neighbour discovery of ${bytes} bytes`, (way) => {
      const frame = ip(6, way.source, way.destination, { ttl: 255 }).icmpv6({ type: 135 }).build();
      const cut = frame.slice(0, ETHERNET + HEADER + bytes);
      return withPayloadLength(cut, bytes);
    }, drop("CT_INVALID_HDR")));
    rows.push(...bothWays(`neighbour discovery of 8 bytes that claims ${bytes}`, (way) => {
      const frame = ip(6, way.source, way.destination, { ttl: 255 }).icmpv6({ type: 135 }).build();
      return withPayloadLength(frame, bytes);
    }, drop("CT_INVALID_HDR")));
  }
  return rows;
}
