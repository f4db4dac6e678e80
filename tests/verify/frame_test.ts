import { assertEquals } from "@std/assert";
import { parseIpAddress } from "../../src/cluster/ip_address.ts";
import { newPacket, type PacketBuilder } from "../../src/datapath/packet_builder.ts";
import { addressBytes } from "../../src/verify/address.ts";
import { type Flow, IP_PROTOCOL } from "../../src/verify/flow.ts";
import { frameOf } from "../../src/verify/frame.ts";

const MACS = {
  sourceMac: Uint8Array.of(2, 0, 0, 1, 0, 1),
  destinationMac: Uint8Array.of(2, 0, 0, 2, 0, 1),
};

const ENDS = {
  4: { source: parseIpAddress("10.1.0.11"), destination: parseIpAddress("10.1.0.10") },
  6: { source: parseIpAddress("fd00::11"), destination: parseIpAddress("fd00::10") },
};

interface Row {
  readonly description: string;
  readonly family: 4 | 6;
  readonly flow: Partial<Flow>;
  readonly add: (ip: PacketBuilder) => PacketBuilder;
}

const PORTS = { source: 40000, destination: 80 };

const ROWS: readonly Row[] = ([4, 6] as const).flatMap((family): Row[] => [
  { description: "TCP", family, flow: { tcpFlags: 2 }, add: (ip) => ip.tcp(PORTS) },
  {
    description: "UDP",
    family,
    flow: { protocol: IP_PROTOCOL.UDP },
    add: (ip) => ip.udp(PORTS),
  },
  {
    description: "SCTP",
    family,
    flow: { protocol: IP_PROTOCOL.SCTP },
    add: (ip) => ip.sctp(PORTS),
  },
]).concat([
  {
    description: "ICMP",
    family: 4,
    flow: { protocol: IP_PROTOCOL.ICMP, dport: 3, code: 4, sport: 7 },
    add: (ip) => ip.icmp({ type: 3, code: 4, id: 7 }),
  },
  {
    description: "ICMPv6",
    family: 6,
    flow: { protocol: IP_PROTOCOL.ICMPV6, dport: 128, sport: 7 },
    add: (ip) => ip.icmpv6({ type: 128, id: 7 }),
  },
]);

for (const { description, family, flow, add } of ROWS) {
  Deno.test(`frameOf() writes ${description} over IPv${family} as the packet builder does`, () => {
    const whole: Flow = {
      endpoint: 1,
      hook: "from_container",
      ...ENDS[family],
      protocol: IP_PROTOCOL.TCP,
      sport: PORTS.source,
      dport: PORTS.destination,
      code: 0,
      tcpFlags: 0,
      mark: 0,
      ...flow,
    };
    const ip = {
      source: addressBytes(whole.source),
      destination: addressBytes(whole.destination),
      ttl: 9,
    };
    const eth = newPacket().eth({ source: MACS.sourceMac, destination: MACS.destinationMac });
    const built = add(family === 4 ? eth.ipv4(ip) : eth.ipv6(ip)).build();
    assertEquals(frameOf(whole, { ...MACS, ttl: 9 }), new Uint8Array(built));
  });
}
