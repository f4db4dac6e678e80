import { assertEquals } from "@std/assert";
import { internetChecksum } from "../../src/datapath/internet_checksum.ts";
import { newPacket } from "../../src/datapath/packet_builder.ts";

const V4 = { source: Uint8Array.of(10, 0, 0, 1), destination: Uint8Array.of(10, 0, 0, 2) };
const V6 = {
  source: Uint8Array.of(0xFD, ...new Array(14).fill(0), 1),
  destination: Uint8Array.of(0xFD, ...new Array(14).fill(0), 2),
};

/** Sum over pseudo-header and segment: 0 if the checksum is right. */
function segmentSum(packet: Uint8Array, l4: number, addresses: number, protocol: number): number {
  const segment = packet.subarray(l4);
  const pseudo = [...packet.subarray(l4 - addresses, l4), 0, protocol, 0, segment.length];
  return internetChecksum(Uint8Array.from([...pseudo, ...segment]));
}

Deno.test("newPacket() writes Ethernet, IPv4 and TCP with lengths and checksums", () => {
  const packet = newPacket().eth().ipv4(V4).tcp({ source: 4000, destination: 80 }).build();
  assertEquals(
    [...packet],
    [
      ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0],
      ...[0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0x26, 0xCE, 10, 0, 0, 1, 10, 0, 0, 2],
      ...[0x0F, 0xA0, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2, 0xFF, 0xFF, 0x8B, 0xF0, 0, 0],
    ],
  );
});

Deno.test("newPacket() writes checksums that add up to zero", () => {
  const ports = { source: 1, destination: 2 };
  const payload = Uint8Array.of(1, 2, 3);
  const udp4 = newPacket().eth().ipv4(V4).udp(ports).payload(payload).build();
  assertEquals(internetChecksum(udp4.subarray(14, 34)), 0);
  assertEquals(segmentSum(udp4, 34, 8, 17), 0);
  const udp6 = newPacket().eth().ipv6(V6).udp(ports).payload(payload).build();
  assertEquals(segmentSum(udp6, 54, 32, 17), 0);
  const tcp6 = newPacket().eth().ipv6(V6).tcp({ ...ports, flags: ["SYN", "ACK"] }).build();
  assertEquals(segmentSum(tcp6, 54, 32, 6), 0);
  const echo = newPacket().eth().ipv4(V4).icmp({ type: 8, id: 7, sequence: 1 }).build();
  assertEquals(internetChecksum(echo.subarray(34)), 0);
  const echo6 = newPacket().eth().ipv6(V6).icmpv6({ type: 128, id: 7 }).build();
  assertEquals(segmentSum(echo6, 54, 32, 58), 0);
});

Deno.test("newPacket() counts IPv4 options and the payload in the lengths", () => {
  const packet = newPacket().eth().ipv4({ ...V4, options: Uint8Array.of(1, 1, 1, 0) })
    .udp({ source: 1, destination: 2 }).payload(new Uint8Array(5)).build();
  assertEquals(packet[14], 0x46);
  assertEquals([packet[16], packet[17]], [0, 24 + 8 + 5]);
  assertEquals([packet[42], packet[43]], [0, 13]);
  assertEquals(internetChecksum(packet.subarray(14, 38)), 0);
});

Deno.test("newPacket() names the layer behind a VLAN tag", () => {
  const packet = newPacket().eth().vlan(5).arp().build();
  assertEquals([...packet.subarray(12, 18)], [0x81, 0, 0, 5, 8, 6]);
});

Deno.test("newPacket() writes a tag of another type before a tag", () => {
  const packet = newPacket().eth().vlan(5, 0x88A8).vlan(6).arp().build();
  assertEquals([...packet.subarray(12, 22)], [0x88, 0xA8, 0, 5, 0x81, 0, 0, 6, 8, 6]);
});

Deno.test("newPacket() writes identification, flags and offset of an IPv4 fragment", () => {
  const packet = newPacket().eth().ipv4({ ...V4, id: 0x1234, fragment: 0x2003, protocol: 17 })
    .payload(new Uint8Array(8)).build();
  assertEquals([...packet.subarray(18, 22)], [0x12, 0x34, 0x20, 3]);
  assertEquals(packet[23], 17);
  assertEquals(internetChecksum(packet.subarray(14, 34)), 0);
});

Deno.test("newPacket() chains IPv6 extension headers, each with its length and what follows", () => {
  const packet = newPacket().eth().ipv6(V6)
    .extension("hopByHop", { bytes: 16 })
    .extension("routing", { segmentsLeft: 3 })
    .extension("authentication", { bytes: 24 })
    .extension("destination")
    .udp({ source: 1, destination: 2 }).build();
  const header = (offset: number) => [...packet.subarray(54 + offset, 54 + offset + 4)];
  assertEquals([packet[18], packet[19]], [0, 16 + 8 + 24 + 8 + 8]);
  assertEquals(packet[20], 0);
  assertEquals(header(0), [43, 1, 0, 0]);
  assertEquals(header(16), [51, 0, 0, 3]);
  assertEquals(header(24), [60, 4, 0, 0]);
  assertEquals(header(48), [17, 0, 0, 0]);
});

Deno.test("newPacket() says that nothing follows the last extension header, or what it is told", () => {
  const last = newPacket().eth().ipv6(V6).extension("destination");
  assertEquals(last.build()[54], 59);
  const named = newPacket().eth().ipv6(V6).extension("destination", { protocol: 47 });
  assertEquals(named.payload(new Uint8Array(4)).build()[54], 47);
});

Deno.test("newPacket() writes an IPv6 fragment header", () => {
  const packet = newPacket().eth().ipv6(V6)
    .fragment({ offset: 0x1FFF, more: true, id: 0x89ABCDEF, protocol: 6 })
    .payload(new Uint8Array(8)).build();
  assertEquals(packet[20], 44);
  assertEquals([...packet.subarray(54, 62)], [6, 0, 0xFF, 0xF9, 0x89, 0xAB, 0xCD, 0xEF]);
});

Deno.test("newPacket() writes checksums of L4 headers behind extension headers", () => {
  const packet = newPacket().eth().ipv6(V6).extension("hopByHop")
    .tcp({ source: 1, destination: 2 }).build();
  const pseudo = [...packet.subarray(22, 54), 0, 6, 0, 20];
  assertEquals(internetChecksum(Uint8Array.from([...pseudo, ...packet.subarray(62)])), 0);
});

Deno.test("quote() takes a packet without its Ethernet header into the checksum", () => {
  const quoted = newPacket().eth().ipv4(V4).udp({ source: 1, destination: 2 });
  const error = newPacket().eth().ipv4(V4).icmp({ type: 3, code: 1 });
  const packet = error.quote(quoted).build();
  assertEquals(packet.subarray(42), quoted.build().subarray(14));
  assertEquals(internetChecksum(packet.subarray(34)), 0);
  assertEquals(error.quote(quoted.build()).build(), packet);
});

Deno.test("build() gives the same bytes every time", () => {
  const packet = newPacket().eth().ipv4(V4).udp({ source: 1, destination: 2 });
  assertEquals(packet.build(), packet.build());
});
