import { assertEquals } from "@std/assert";
import { parseIpPrefix } from "../../src/cluster/ip_prefix.ts";
import { unnamedAddress } from "../../src/explain/unnamed_address.ts";

const ROWS: readonly (readonly [family: 4 | 6, blocks: string, found: string | undefined])[] = [
  [4, "", "192.0.2.1"],
  [4, "0.0.0.0/0 10.0.0.0/8", "192.0.2.1"],
  [4, "192.0.2.1/32", "192.0.2.2"],
  [4, "192.0.0.0/8", "193.0.0.0"],
  [4, "192.0.0.0/8 193.0.0.0/8", "194.0.0.0"],
  [4, "192.0.2.0/31 192.0.2.2/31", "192.0.2.4"],
  [4, "128.0.0.0/1", "0.0.0.0"],
  [4, "128.0.0.0/1 0.0.0.0/8", "1.0.0.0"],
  [4, "128.0.0.0/1 0.0.0.0/1", undefined],
  [4, "2001:db8::/32", "192.0.2.1"],
  [6, "::/0 192.0.2.1/32", "2001:db8::1"],
  [6, "2001:db8::/32", "2001:db9::"],
  [6, "2001:db8::1/128", "2001:db8::2"],
  [6, "2001:db8::/64 2001:db8:0:1::/64", "2001:db8:0:2::"],
  [6, "8000::/1 ::/1", undefined],
];

for (const [family, blocks, found] of ROWS) {
  Deno.test(`unnamedAddress() finds ${found} outside of "${blocks}"`, () => {
    const parsed = blocks.split(" ").filter((text) => text !== "").map(parseIpPrefix);
    assertEquals(unnamedAddress(family, parsed)?.text, found);
  });
}
