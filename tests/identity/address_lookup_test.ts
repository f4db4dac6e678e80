import { assertEquals } from "@std/assert";
import { parseIpAddress } from "../../src/cluster/ip_address.ts";
import { parseIpPrefix } from "../../src/cluster/ip_prefix.ts";
import { AddressLookup } from "../../src/identity/address_lookup.ts";
import { RESERVED } from "../../src/identity/reserved.ts";

function line(block: string, identity: number) {
  const { address, length } = parseIpPrefix(block);
  const single = length === (address.family === 4 ? 32 : 128);
  return { address, identity, ...(single ? {} : { prefixLength: length }) };
}

const lookup = new AddressLookup([
  line("10.0.0.0/8", 100),
  line("10.1.0.0/16", 200),
  line("10.1.2.3/32", 300),
  line("2001:db8::/32", 400),
]);

Deno.test("AddressLookup.identityAt() gives the longest prefix that holds an address", () => {
  const identities = [
    ["10.1.2.3", 300],
    ["10.1.2.4", 200],
    ["10.1.255.255", 200],
    ["10.2.0.0", 100],
    ["9.255.255.255", RESERVED.WORLD_IPV4],
    ["11.0.0.0", RESERVED.WORLD_IPV4],
    ["2001:db8::1", 400],
    ["2001:db9::", RESERVED.WORLD_IPV6],
  ] as const;
  assertEquals(
    identities.map(([text]) => [text, lookup.identityAt(parseIpAddress(text))]),
    identities.map(([text, identity]) => [text, identity]),
  );
});
