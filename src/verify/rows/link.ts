import { newPacket } from "../../datapath/packet_builder.ts";
import {
  between,
  bothWays,
  drop,
  ip,
  MACS,
  type PacketRow,
  type RowOutcome,
  type SourcePorts,
} from "./row.ts";

const ETHERTYPES: readonly [type: number, name: string, RowOutcome][] = [
  [0x0806, "ARP", "pass"],
  [0x8100, "VLAN", drop("VLAN")],
  [0x88a8, "provider VLAN", drop("VLAN")],
  [0x0000, "no", drop("UNKNOWN_L3")],
  [0x0608, "byte-swapped ARP", drop("UNKNOWN_L3")],
  [0x0007, "unknown", drop("UNKNOWN_L3")],
  [0x0009, "unknown", drop("UNKNOWN_L3")],
  [0x0801, "X.75", drop("UNKNOWN_L3")],
  [0x0805, "X.25", drop("UNKNOWN_L3")],
  [0x0807, "XNS", drop("UNKNOWN_L3")],
  [0x0906, "unknown", drop("UNKNOWN_L3")],
  [0x0706, "unknown", drop("UNKNOWN_L3")],
  [0x8101, "unknown", drop("UNKNOWN_L3")],
  [0x8000, "unknown", drop("UNKNOWN_L3")],
  [0x8200, "unknown", drop("UNKNOWN_L3")],
  [0x8847, "MPLS", drop("UNKNOWN_L3")],
  [0x87a8, "unknown", drop("UNKNOWN_L3")],
  [0x89a8, "unknown", drop("UNKNOWN_L3")],
  [0x85dd, "unknown", drop("UNKNOWN_L3")],
  [0x87dd, "unknown", drop("UNKNOWN_L3")],
  [0x86dc, "unknown", drop("UNKNOWN_L3")],
  [0x86de, "unknown", drop("UNKNOWN_L3")],
  [0xffff, "reserved", drop("UNKNOWN_L3")],
];

/** Ethernet: ethertypes, tags, and frames that end with the header. */
export function linkRows(ports: SourcePorts): PacketRow[] {
  const rows = ETHERTYPES.flatMap(([type, name, becomes]) => {
    const data = newPacket().eth({ ...MACS, type }).payload(new Uint8Array(46)).build();
    return bothWays(`${name} ethertype 0x${type.toString(16)}`, () => data, becomes);
  });
  const tagged = newPacket().eth(MACS).vlan(5);
  rows.push(...bothWays("IPv4 behind a VLAN tag", () => {
    return tagged.ipv4({ source: new Uint8Array(4), destination: new Uint8Array(4) }).build();
  }, drop("VLAN")));
  for (const [outer, inner] of [[0x8100, 0x8100], [0x88a8, 0x8100], [0x88a8, 0x88a8]] as const) {
    rows.push(...bothWays(
      `IPv4 behind two VLAN tags, 0x${outer.toString(16)} and 0x${inner.toString(16)}`,
      (way) => {
        const udp = { source: ports.next(), destination: 7 };
        return newPacket().eth(MACS).vlan(5, outer).vlan(6, inner)
          .ipv4(between(4, way.source, way.destination)).udp(udp).build();
      },
      drop("VLAN"),
    ));
  }
  for (const [type, name] of [[0x0800, "IPv4"], [0x86dd, "IPv6"]] as const) {
    const data = newPacket().eth({ ...MACS, type }).build();
    rows.push(...bothWays(`Ethernet alone, ethertype of ${name}`, () => data, drop("INVALID")));
  }
  const alone = newPacket().eth({ ...MACS, type: 0x0806 }).build();
  rows.push(...bothWays("Ethernet alone, ethertype of ARP", () => alone, "pass"));
  rows.push(...bothWays("an IPv4 packet with Ethernet padding", (way) => {
    const udp = { source: ports.next(), destination: 7 };
    return padded(ip(4, way.source, way.destination).udp(udp).build(), 60);
  }, "allowed"));
  return rows;
}

function padded(frame: Uint8Array, length: number): Uint8Array {
  const long = new Uint8Array(length);
  long.set(frame);
  return long;
}
