import { writeIpv4Checksum } from "../frame.ts";
import { ipv4OptionRows } from "./ipv4_options.ts";
import { lengthRows } from "./lengths.ts";
import { newPacket } from "../../datapath/packet_builder.ts";
import {
  between,
  bothWays,
  drop,
  ip,
  MACS,
  type PacketRow,
  patched,
  type SourcePorts,
  type Way,
} from "./row.ts";

const ETHERNET = 14;
const TOTAL_LENGTH = ETHERNET + 2;
const IDENTIFICATION = ETHERNET + 4;
const FRAGMENT = ETHERNET + 6;
const HEADER = 20;

/** IPv4 headers that lie, fragments, options, and every protocol number. */
export function ipv4Rows(ports: SourcePorts): PacketRow[] {
  return [
    ...versionRows(ports),
    ...lengthRows(4, ports),
    ...optionRows(ports),
    ...ipv4OptionRows(ports),
    ...fragmentRows(ports),
    ...protocolRows(),
    ...checksumRows(ports),
  ];
}

function udp(way: Way, ports: SourcePorts): Uint8Array {
  return ip(4, way.source, way.destination).udp({ source: ports.next(), destination: 7 }).build();
}

function versionRows(ports: SourcePorts): PacketRow[] {
  return [0x05, 0x35, 0x55, 0x65, 0xf5, 0x44, 0x40, 0x41, 0x46, 0x4f].flatMap((byte) =>
    bothWays(
      `IPv4 with 0x${byte.toString(16).padStart(2, "0")} for version and header length`,
      // Behind a header of 6 words, the first of which is no option, 4 bytes of UDP are left.
      (way) => patched(udp(way, ports), [ETHERNET, byte], [ETHERNET + HEADER, 0]),
      byte >> 4 === 4 && (byte & 15) === 6 ? drop("CT_INVALID_HDR") : drop("INVALID"),
    )
  );
}

function withTotalLength(frame: Uint8Array, length: number): Uint8Array {
  if (frame.length < ETHERNET + HEADER) return frame;
  return checksummed(
    patched(frame, [TOTAL_LENGTH, length >> 8], [TOTAL_LENGTH + 1, length & 0xff]),
  );
}

function checksummed(frame: Uint8Array): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const header = (view.getUint8(ETHERNET) & 15) * 4;
  if (frame.length >= ETHERNET + header) writeIpv4Checksum(view);
  return frame;
}

function optionRows(ports: SourcePorts): PacketRow[] {
  const rows: PacketRow[] = [];
  for (let bytes = 4; bytes <= 40; bytes += 4) {
    const options = new Uint8Array(bytes).fill(1); // no operation
    rows.push(
      ...bothWays(
        `IPv4 with ${bytes} bytes of options`,
        (way) =>
          newPacket().eth(MACS).ipv4({ ...between(4, way.source, way.destination), options })
            .tcp({ source: ports.next(), destination: way.port }).build(),
        "allowed",
      ),
    );
    rows.push(...bothWays(`IPv4 that ends inside ${bytes} bytes of options`, (way) => {
      const frame = newPacket().eth(MACS)
        .ipv4({ ...between(4, way.source, way.destination), options, protocol: 17 }).build();
      return withTotalLength(frame.slice(0, -1), frame.length - ETHERNET - 1);
    }, drop("INVALID")));
  }
  return rows;
}

function fragmentRows(ports: SourcePorts): PacketRow[] {
  const rows: PacketRow[] = [];
  for (let bit = 0; bit < 16; bit++) {
    const field = 1 << bit;
    // Bit 13 makes a first fragment; 14 and 15 are "don't fragment" and the reserved one.
    const becomes = bit >= 13 ? "allowed" : drop("FRAGMENT");
    rows.push(...bothWays(
      `IPv4 with 0x${field.toString(16).padStart(4, "0")} for flags and fragment offset`,
      (way) => {
        const id = ports.next(); // no other row's
        return checksummed(
          patched(
            udp(way, ports),
            [IDENTIFICATION, id >> 8],
            [IDENTIFICATION + 1, id & 0xff],
            [FRAGMENT, field >> 8],
            [FRAGMENT + 1, field & 0xff],
          ),
        );
      },
      becomes,
    ));
  }
  return rows;
}

const KNOWN = [1, 6, 17, 132];
const ICMPV6 = 58;

function protocolRows(): PacketRow[] {
  const others = Array.from({ length: 256 }, (_, i) => i).filter((i) => !KNOWN.includes(i));
  return others.flatMap((protocol) =>
    bothWays(
      `IPv4 with protocol ${protocol}`,
      (way) =>
        ip(4, way.source, way.destination, { protocol }).payload(new Uint8Array(24).fill(0xff))
          .build(),
      protocol === ICMPV6 ? drop("CT_UNKNOWN_PROTO") : drop("POLICY"),
    )
  );
}

/** The checksum is updated, not made anew: every carry that it can make. */
function checksumRows(ports: SourcePorts): PacketRow[] {
  const rows: PacketRow[] = [];
  for (
    const wanted of [0x0000, 0x00ff, 0x0100, 0x7eff, 0xfe00, 0xfefe, 0xfeff, 0xff00, 0xff01, 0xffff]
  ) {
    const make = (way: Way) => {
      const frame = patched(udp(way, ports));
      const view = new DataView(frame.buffer);
      writeIpv4Checksum(view);
      // The identification takes up what is missing, in one's complement.
      const difference = view.getUint16(ETHERNET + 10) + (~wanted & 0xffff);
      view.setUint16(IDENTIFICATION, (difference & 0xffff) + (difference >> 16));
      writeIpv4Checksum(view);
      // The other zero, which no sum gives and every receiver takes.
      if (wanted === 0xffff) view.setUint16(ETHERNET + 10, wanted);
      return frame;
    };
    const [row] = bothWays(`IPv4 with checksum 0x${wanted.toString(16)}`, make, "allowed");
    if (row !== undefined) rows.push(row);
  }
  return rows;
}
