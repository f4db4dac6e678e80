import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { isIP } from "node:net";
import {
  ipAddressFromWords,
  parseIpAddress,
  tryParseIpAddress,
} from "../../src/cluster/ip_address.ts";

const SEED = Date.now() % 0x7fffffff;

Deno.test("parseIpAddress() reads both families into words", () => {
  assertEquals(parseIpAddress("10.1.0.255"), {
    family: 4,
    words: [0x0a0100ff, 0, 0, 0],
    text: "10.1.0.255",
  });
  assertEquals(parseIpAddress("FD00:10:1:0::c"), {
    family: 6,
    words: [0xfd000010, 0x00010000, 0, 0xc],
    text: "fd00:10:1::c",
  });
  assertEquals(parseIpAddress("::ffff:255.2.3.4").words, [0, 0, 0xffff, 0xff020304]);
});

const REFUSED = [
  "",
  "010.0.0.1",
  "10.0.0.01",
  "1.2.3",
  "1.2.3.4.5",
  "1.2",
  "256.1.1.1",
  "0x10.0.0.1",
  "1.2.3.4/24",
  " 1.2.3.4",
  "1.2.3.4\n",
  "１.2.3.4",
  "fe80::1%eth0",
  "[::1]",
  "::1/128",
  ":::",
  "1::2::3",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7::8:9",
  "12345::",
  "::1.2.3",
  "1.2.3.4::",
  "::01.2.3.4",
  ":1",
  "1:",
];

for (const text of REFUSED) {
  Deno.test(`parseIpAddress() refuses ${JSON.stringify(text)}`, () => {
    assertThrows(() => parseIpAddress(text), SyntaxError, JSON.stringify(text));
  });
}

Deno.test("tryParseIpAddress() accepts what node:net does, zones apart", () => {
  console.log(`seed ${SEED}`);
  const alphabet = fc.constantFrom(..."0123456789abcF:.%/ x");
  const nearly = fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4Extended()).chain((text) =>
    fc.tuple(fc.nat(text.length), fc.nat(2), fc.string({ unit: alphabet, maxLength: 3 }))
      .map(([at, skip, put]) => text.slice(0, at) + put + text.slice(at + skip))
  );
  const any = fc.oneof(fc.ipV4(), fc.ipV6(), nearly, fc.string({ unit: alphabet, maxLength: 40 }));
  fc.assert(
    fc.property(any, (text) => {
      const want = text.includes("%") ? 0 : isIP(text);
      assertEquals(tryParseIpAddress(text)?.family ?? 0, want, text);
    }),
    { seed: SEED, numRuns: 5000 },
  );
});

Deno.test("parseIpAddress() writes addresses as URL does, and reads back what it writes", () => {
  console.log(`seed ${SEED}`);
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const address = parseIpAddress(text);
      assertEquals(`[${address.text}]`, new URL(`http://[${text}]/`).hostname);
      assertEquals(parseIpAddress(address.text), address);
      assertEquals(ipAddressFromWords(6, address.words), address);
    }),
    { seed: SEED, numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.ipV4(), (text) => {
      const address = parseIpAddress(text);
      assertEquals(ipAddressFromWords(4, address.words), address);
    }),
    { seed: SEED },
  );
});
