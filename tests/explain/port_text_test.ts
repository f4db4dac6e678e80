import { assertEquals, assertThrows } from "@std/assert";
import { formatPort, parsePort } from "../../src/explain/port_text.ts";

const PORTS: readonly (readonly [text: string, protocol: number, port: number, name: string])[] = [
  ["80", 6, 80, "80/TCP"],
  ["80/TCP", 6, 80, "80/TCP"],
  ["53/udp", 17, 53, "53/UDP"],
  ["65535/SCTP", 132, 65535, "65535/SCTP"],
  ["0/ICMP", 1, 0, "0/ICMP"],
  ["255/icmpv6", 58, 255, "255/ICMPv6"],
  ["ICMP", 1, 8, "8/ICMP"],
  ["ICMPv6", 58, 128, "128/ICMPv6"],
];

for (const [text, protocol, port, name] of PORTS) {
  Deno.test(`parsePort() reads ${text}`, () => {
    assertEquals(parsePort(text), { protocol, port });
    assertEquals(formatPort({ protocol, port }), name);
  });
}

for (
  const text of [
    "",
    "0",
    "0/TCP",
    "65536",
    "80/GRE",
    "http",
    "-1",
    "80/",
    "/TCP",
    "1e3",
    "256/ICMP",
  ]
) {
  Deno.test(`parsePort() refuses "${text}"`, () => {
    assertThrows(() => parsePort(text), SyntaxError, "Cannot use ");
  });
}
