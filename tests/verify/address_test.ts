import { assertEquals, assertThrows } from "@std/assert";
import { parseIpAddress } from "../../src/cluster/ip_address.ts";
import {
  addressBytes,
  addressNumber,
  addressOfBytes,
  addressOfNumber,
  lastAddress,
} from "../../src/verify/address.ts";

const TEXTS = ["0.0.0.0", "10.1.0.12", "255.255.255.255", "::", "fd00:10:1::12", "2001:db8::ff"];

for (const text of TEXTS) {
  Deno.test(`addressOfNumber() is the inverse of addressNumber() for ${text}`, () => {
    const address = parseIpAddress(text);
    assertEquals(addressOfNumber(address.family, addressNumber(address)), address);
  });

  Deno.test(`addressOfBytes() is the inverse of addressBytes() for ${text}`, () => {
    const address = parseIpAddress(text);
    assertEquals(addressOfBytes(addressBytes(address)), address);
  });
}

Deno.test("addressBytes() is in network byte order", () => {
  assertEquals(addressBytes(parseIpAddress("10.1.0.12")), Uint8Array.of(10, 1, 0, 12));
});

Deno.test("lastAddress() has all bits set", () => {
  assertEquals(addressOfNumber(4, lastAddress(4)).text, "255.255.255.255");
  assertEquals(addressOfNumber(6, lastAddress(6)).words, [
    0xffffffff,
    0xffffffff,
    0xffffffff,
    0xffffffff,
  ]);
});

Deno.test("addressOfBytes() refuses other lengths", () => {
  assertThrows(() => addressOfBytes(new Uint8Array(5)), RangeError, '"5"');
});
