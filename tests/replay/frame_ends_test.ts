import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { newPacket, type PacketBuilder } from "../../src/datapath/packet_builder.ts";
import { frameEnds } from "../../src/replay/frame_ends.ts";

const A = { source: Uint8Array.of(10, 0, 0, 1), destination: Uint8Array.of(10, 0, 0, 2) };
const B = { source: new Uint8Array(16).fill(1), destination: new Uint8Array(16).fill(2) };
const PORTS = { source: 7, destination: 80 };
const ENDS4 = { source: "10.0.0.1", destination: "10.0.0.2" };
const ENDS6 = {
  source: "101:101:101:101:101:101:101:101",
  destination: "202:202:202:202:202:202:202:202",
};

for (
  const [about, packet, ends] of [
    ["TCP over IPv4", newPacket().eth().ipv4(A).tcp({ ...PORTS, flags: ["SYN"] }), {
      protocol: "TCP",
      ...ENDS4,
      sport: 7,
      dport: 80,
    }],
    ["ICMP by its type", newPacket().eth().ipv4(A).icmp({ type: 8 }), {
      protocol: "ICMP",
      ...ENDS4,
      dport: 8,
    }],
    ["a later fragment without ports", newPacket().eth().ipv4({ ...A, fragment: 5 }).udp(PORTS), {
      protocol: "UDP",
      ...ENDS4,
      fragment: true,
    }],
    [
      "UDP behind IPv6 extension headers",
      newPacket().eth().ipv6(B).extension("hopByHop").extension("authentication", { bytes: 12 })
        .extension("destination", { bytes: 16 }).udp(PORTS),
      { protocol: "UDP", ...ENDS6, sport: 7, dport: 80 },
    ],
    [
      "a later fragment of IPv6",
      newPacket().eth().ipv6(B).fragment({ offset: 3, more: true, id: 1 }).udp(PORTS),
      { protocol: "UDP", ...ENDS6, fragment: true },
    ],
    ["ARP", newPacket().eth().arp(), {
      protocol: "ARP",
      source: "0.0.0.0",
      destination: "0.0.0.0",
    }],
    ["what is behind a VLAN tag", newPacket().eth().vlan(5).ipv4(A).udp(PORTS), {
      protocol: "VLAN",
      ...ENDS4,
      sport: 7,
      dport: 80,
    }],
    ["an ethertype by number", newPacket().eth({ type: 0x88cc }), {
      protocol: "ethertype 0x88cc",
    }],
    ["a length for an ethertype", newPacket().eth({ type: 38 }), { protocol: "IEEE 802.3" }],
  ] as const satisfies readonly (readonly [string, PacketBuilder, object])[]
) {
  Deno.test(`frameEnds() reads ${about}`, () => {
    const { sourceMac: _source, destinationMac: _destination, ...read } = frameEnds(packet.build());
    assertEquals(read, ends);
  });
}

for (
  const [about, packet, headers] of [
    ["TCP over IPv4", newPacket().eth().ipv4(A).tcp({ ...PORTS, flags: ["SYN"] }), 54],
    ["UDP over IPv4", newPacket().eth().ipv4(A).udp(PORTS).payload(new Uint8Array(8)), 42],
    ["ICMP", newPacket().eth().ipv4(A).icmp({ type: 8 }).payload(new Uint8Array(8)), 42],
    [
      "UDP behind an extension header",
      newPacket().eth().ipv6(B).extension("destination", { bytes: 16 }).udp(PORTS),
      14 + 40 + 16 + 8,
    ],
    [
      "a later fragment",
      newPacket().eth().ipv4({ ...A, fragment: 5 }).payload(new Uint8Array(30)),
      34,
    ],
  ] as const
) {
  Deno.test(`frameEnds() tells where the headers of ${about} are cut off`, () => {
    const frame = packet.build();
    const complete = Array.from({ length: frame.length - 13 }, (_, i) => 14 + i)
      .filter((length) => frameEnds(frame.subarray(0, length)).cutOff !== true);
    assertEquals(complete[0], headers);
    assertEquals(complete.length, frame.length - headers + 1);
  });
}

Deno.test("frameEnds() reads any bytes of at least an Ethernet header", () => {
  const ethertype = fc.constantFrom([8, 0], [8, 6], [0x86, 0xdd], [0x81, 0], [0x88, 0xa8]);
  fc.assert(
    fc.property(ethertype, fc.uint8Array({ maxLength: 120 }), (type, rest) => {
      frameEnds(Uint8Array.from([...new Uint8Array(12), ...type, ...rest]));
    }),
  );
});
