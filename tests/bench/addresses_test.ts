import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  addressBytes,
  addressBytes6,
  addressSet,
  drawAddresses,
  NETWORK6,
} from "../../bench/addresses.ts";

Deno.test("addressSet() is the same for a seed, and only for that seed", () => {
  assertEquals(addressSet(1000, { seed: 7 }), addressSet(1000, { seed: 7 }));
  assertNotEquals(addressSet(1000, { seed: 7 }), addressSet(1000, { seed: 8 }));
});

Deno.test("addressSet() has no address or CIDR twice", () => {
  const { addresses, prefixLengths } = addressSet(20_000);
  const names = [...addresses].map((address, i) => `${address}/${prefixLengths[i]}`);
  assertEquals(new Set(names).size, 20_000);
});

Deno.test("addressSet() has one CIDR in twenty, host bits zero", () => {
  const { addresses, prefixLengths } = addressSet(1000);
  const cidrs = [...addresses].filter((_, i) => prefixLengths[i] !== 32);
  assertEquals(cidrs.length, 50);
  assert(cidrs.every((address) => address % 16 === 0));
});

Deno.test("drawAddresses() draws known addresses and unknown ones", () => {
  const set = addressSet(1000);
  const known = new Set(set.addresses);
  const drawn = drawAddresses(set, 1000);
  const hits = drawn.filter((address) => known.has(address)).length;
  assert(hits > 800 && hits < 1000, `${hits} hits`);
});

Deno.test("addressBytes() and addressBytes6() write network byte order", () => {
  assertEquals([...addressBytes(0x0A010203)], [10, 1, 2, 3]);
  assertEquals([...addressBytes6(0xFF010203)], [...NETWORK6, 255, 1, 2, 3]);
});
