import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { echoRequest, isEchoReply } from "../../src/demo/echo.ts";
import type { Probe } from "../../src/demo/probe.ts";
import type { PodNetwork } from "../../src/demo/topology.ts";

const DATA = Uint8Array.of(1, 2, 3);
const PEER = Uint8Array.of(10, 1, 0, 10);

function probe(family: 4 | 6): Probe {
  // Only the destination's addresses are looked at.
  const destination = { addresses: { 4: PEER, 6: new Uint8Array(16) } } as PodNetwork;
  return { source: destination, destination, family, protocol: "ICMP", port: 0 };
}

/** What a raw socket receives for IPv4: the IP header, then ICMP. */
function ipv4(icmp: Uint8Array, source: Uint8Array): Uint8Array {
  const packet = new Uint8Array(20 + icmp.length);
  packet[0] = 0x45;
  packet.set(source, 12);
  packet.set(icmp, 20);
  return packet;
}

function asReply(request: Uint8Array, type: number): Uint8Array {
  const reply = request.slice();
  reply[0] = type;
  return reply;
}

Deno.test("echoRequest() writes the header, and the checksum of ICMPv4 only", () => {
  // RFC 1071 by hand: 0x0800 + 0x0102 + 0x0001 + 0x0102 + 0x0300 = 0x0d05, inverted 0xf2fa.
  assertEquals(
    [...echoRequest(4, 0x0102, DATA)],
    [8, 0, 0xf2, 0xfa, 1, 2, 0, 1, 1, 2, 3],
  );
  assertEquals([...echoRequest(6, 0x0102, DATA)], [128, 0, 0, 0, 1, 2, 0, 1, 1, 2, 3]);
});

Deno.test("isEchoReply() takes the answer to this request, and no other", () => {
  const reply4 = asReply(echoRequest(4, 7, DATA), 0);
  const reply6 = asReply(echoRequest(6, 7, DATA), 129);
  const is = (family: 4 | 6, bytes: Uint8Array, identifier = 7, data = DATA) =>
    isEchoReply(bytes, probe(family), identifier, data);
  assertEquals([is(4, ipv4(reply4, PEER)), is(6, reply6)], [true, true]);
  assertEquals([
    is(4, ipv4(reply4, Uint8Array.of(10, 1, 0, 11))),
    is(4, ipv4(echoRequest(4, 7, DATA), PEER)),
    is(4, ipv4(reply4, PEER), 8),
    is(4, ipv4(reply4, PEER), 7, Uint8Array.of(1, 2, 4)),
    is(6, reply6, 7, Uint8Array.of(1, 2)),
    is(6, echoRequest(6, 7, DATA)),
  ], Array(6).fill(false));
});

Deno.test("isEchoReply() says no to any other bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
    const token = new Uint8Array(16).fill(0xa5);
    assertEquals(isEchoReply(bytes, probe(4), 7, token), false);
    assertEquals(isEchoReply(bytes, probe(6), 7, token), false);
  }));
});
