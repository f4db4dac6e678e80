import { assertEquals, assertThrows } from "@std/assert";
import { decodeSocketAddress, encodeSocketAddress } from "ebpf-ts-loader/sys";
import fc from "fast-check";

Deno.test("decodeSocketAddress() reads what encodeSocketAddress() wrote", () => {
  const v4 = fc.record({
    address: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    port: fc.nat(0xffff),
  });
  const v6 = fc.record({
    address: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    port: fc.nat(0xffff),
    scopeId: fc.nat(0xffffffff),
  });
  fc.assert(fc.property(fc.oneof(v4, v6), (address) => {
    assertEquals(decodeSocketAddress(encodeSocketAddress(address)), address);
  }));
});

Deno.test("encodeSocketAddress() writes family in host order and port in network order", () => {
  const bytes = encodeSocketAddress({ address: Uint8Array.of(10, 1, 0, 10), port: 0x1234 });
  assertEquals([...bytes], [2, 0, 0x12, 0x34, 10, 1, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0]);
});

Deno.test("encodeSocketAddress() refuses what has no place in a sockaddr", () => {
  const address = new Uint8Array(4);
  for (const port of [-1, 65536, 1.5, NaN]) {
    assertThrows(() => encodeSocketAddress({ address, port }), RangeError, `${port}`);
  }
  assertThrows(() => encodeSocketAddress({ address, port: 1, scopeId: -1 }), RangeError, "-1");
  assertThrows(
    () => encodeSocketAddress({ address: new Uint8Array(5), port: 1 }),
    TypeError,
    "5 bytes, expected 4 or 16",
  );
});

Deno.test("decodeSocketAddress() refuses truncated bytes and other families", () => {
  const whole = encodeSocketAddress({ address: new Uint8Array(16), port: 1 });
  for (let length = 0; length < whole.length; length++) {
    assertThrows(() => decodeSocketAddress(whole.subarray(0, length)), TypeError);
  }
  assertThrows(() => decodeSocketAddress(new Uint8Array(28)), TypeError, "family 0");
});
