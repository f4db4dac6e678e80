import { assertEquals } from "@std/assert";
import { parseIpAddress } from "../../src/cluster/ip_address.ts";
import { parseIpPrefix } from "../../src/cluster/ip_prefix.ts";
import { isInBlock } from "../../src/spec/address.ts";

const TABLE: readonly (readonly [block: string, address: string, inside: boolean])[] = [
  ["10.0.0.0/8", "10.0.0.0", true],
  ["10.0.0.0/8", "10.255.255.255", true],
  ["10.0.0.0/8", "9.255.255.255", false],
  ["10.0.0.0/8", "11.0.0.0", false],
  ["0.0.0.0/0", "255.255.255.255", true],
  ["0.0.0.0/0", "::", false],
  ["128.0.0.0/1", "127.255.255.255", false],
  ["192.0.2.7/32", "192.0.2.7", true],
  ["192.0.2.7/32", "192.0.2.6", false],
  ["2001:db8::/33", "2001:db8:7fff:ffff::", true],
  ["2001:db8::/33", "2001:db8:8000::", false],
  ["::/0", "ffff::", true],
  ["::1/128", "::1", true],
  ["::1/128", "::2", false],
  ["::ffff:0:0/96", "10.0.0.1", false],
];

for (const [block, address, inside] of TABLE) {
  Deno.test(`isInBlock(): ${address} is ${inside ? "" : "not "}in ${block}`, () => {
    assertEquals(isInBlock(parseIpPrefix(block), parseIpAddress(address)), inside);
  });
}
