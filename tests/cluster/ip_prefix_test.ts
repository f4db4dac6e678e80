import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { BlockList } from "node:net";
import { ipAddressFromWords, parseIpAddress } from "../../src/cluster/ip_address.ts";
import {
  containsAddress,
  containsPrefix,
  ipPrefixOf,
  parseIpPrefix,
  tryParseIpPrefix,
} from "../../src/cluster/ip_prefix.ts";

const SEED = Number(Deno.env.get("TWINPATH_SEED") ?? Date.now() % 0x7fffffff);

for (
  const [text, canonical] of [
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["10.1.2.3/8", "10.0.0.0/8"],
    ["10.1.2.3/32", "10.1.2.3/32"],
    ["255.255.255.255/0", "0.0.0.0/0"],
    ["::/0", "::/0"],
    ["FD00:1::1/16", "fd00::/16"],
    ["fd00::ffff:ffff/127", "fd00::ffff:fffe/127"],
    ["2001:db8:ffff::/33", "2001:db8:8000::/33"],
  ] as const
) {
  Deno.test(`parseIpPrefix() reads ${text} as ${canonical}`, () => {
    assertEquals(parseIpPrefix(text).text, canonical);
  });
}

Deno.test("parseIpPrefix() refuses what is not address/length", () => {
  const wrong = [
    "10.0.0.0",
    "10.0.0.0/",
    "/8",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "10.0.0.0/+8",
    "10.0.0.0/-1",
    "10.0.0.0/8 ",
    "10.0.0.0/255.0.0.0",
    "10.0.0/8",
    "010.0.0.0/8",
    "::/129",
    "fe80::1%eth0/64",
    "10.0.0.0/8/8",
  ];
  for (const text of wrong) assertEquals(tryParseIpPrefix(text), undefined, text);
  assertThrows(
    () => parseIpPrefix("10.0.0.0/33"),
    SyntaxError,
    'Cannot parse prefix "10.0.0.0/33": not a prefix, expected address/length',
  );
});

Deno.test("ipPrefixOf() refuses a length that the family does not have", () => {
  assertThrows(() => ipPrefixOf(parseIpAddress("10.0.0.1"), 33), RangeError, "expected 0 to 32");
  assertThrows(() => ipPrefixOf(parseIpAddress("::1"), 1.5), RangeError, "expected 0 to 128");
});

Deno.test("containsAddress() agrees with node:net's BlockList", () => {
  console.log(`seed ${SEED}`);
  const word = fc.oneof(fc.nat(0xffffffff), fc.constantFrom(0, 1, 0xffffffff, 0x80000000));
  const words = fc.tuple(word, word, word, word);
  fc.assert(
    fc.property(
      fc.constantFrom(4 as const, 6 as const),
      words,
      words,
      fc.nat(128),
      fc.boolean(),
      (family, a, b, bits, near) => {
        const length = bits % (family === 4 ? 33 : 129);
        const prefix = ipPrefixOf(ipAddressFromWords(family, a), length);
        const address = ipAddressFromWords(family, near ? [a[0], a[1], a[2], b[3]] : b);
        const list = new BlockList();
        list.addSubnet(prefix.address.text, length, `ipv${family}`);
        assertEquals(
          containsAddress(prefix, address),
          list.check(address.text, `ipv${family}`),
          `${prefix.text} ${address.text}`,
        );
        assertEquals(
          containsPrefix(prefix, ipPrefixOf(address)),
          containsAddress(prefix, address),
        );
      },
    ),
    { seed: SEED, numRuns: 2000 },
  );
});

Deno.test("containsPrefix() is false for larger blocks and other families", () => {
  const eight = parseIpPrefix("10.0.0.0/8");
  assertEquals(containsPrefix(eight, parseIpPrefix("10.0.0.0/7")), false);
  assertEquals(containsPrefix(eight, parseIpPrefix("10.0.0.0/8")), true);
  assertEquals(containsPrefix(parseIpPrefix("0.0.0.0/0"), parseIpPrefix("::/0")), false);
});
