import { lengthRows } from "./lengths.ts";
import { bothWays, drop, ip, type PacketRow, patched, type SourcePorts } from "./row.ts";

const ETHERNET = 14;

/** IPv6 headers that lie, every next header. */
export function ipv6Rows(ports: SourcePorts): PacketRow[] {
  return [
    ...versionRows(ports),
    ...lengthRows(6, ports),
    ...nextHeaderRows(),
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
