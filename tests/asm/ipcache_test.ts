import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { IDENTITY_WORLD_IPV4, IDENTITY_WORLD_IPV6 } from "../../src/datapath/layout.ts";
import { seeded } from "../datapath/_map_state.ts";
import { newMemory } from "../datapath/_memory.ts";

const memory = newMemory();
const { exports } = memory.wasm;

interface Prefix {
  readonly address: Uint8Array;
  /** Absent: one address. */
  readonly prefixLength: number | undefined;
}

/** The first `bits` bits; the others become zero. */
function masked(address: Uint8Array, bits: number): Uint8Array {
  return address.map((byte, i) => byte & ~(0xFF >> Math.min(Math.max(bits - 8 * i, 0), 8)));
}

/** The identity by the plainest reading: the exact address, else the longest prefix. */
function expected(prefixes: readonly Prefix[], address: Uint8Array): number {
  const matches = prefixes
    .map(({ prefixLength, ...prefix }, i) => ({ ...prefix, prefixLength, identity: i + 1 }))
    .filter((prefix) => `${masked(address, prefix.prefixLength ?? 128)}` === `${prefix.address}`)
    .sort((a, b) => (b.prefixLength ?? 1000) - (a.prefixLength ?? 1000));
  const world = address.length === 4 ? IDENTITY_WORLD_IPV4 : IDENTITY_WORLD_IPV6;
  return matches[0]?.identity ?? world;
}

function lookup(addresses: readonly Uint8Array[]): { identity: number; slot: number }[] {
  const size = addresses[0]!.length;
  const bytes = addresses.length * (size + 8);
  const output = exports.allocate(bytes) >>> 0;
  const input = output + addresses.length * 8;
  addresses.forEach((address, i) => memory.bytes(input + i * size, size).set(address));
  exports.lookupAddresses(input, addresses.length, size === 4 ? 4 : 6, output);
  const words = new Uint32Array(memory.wasm.memory.buffer, output, addresses.length * 2).slice();
  exports.release(output, bytes);
  return addresses.map((_, i) => ({ identity: words[2 * i]!, slot: words[2 * i + 1]! }));
}

/** Few different bytes, so that prefixes nest and addresses meet. */
const address = (size: number) =>
  fc.array(fc.constantFrom(0, 1, 127, 128, 255), { minLength: size, maxLength: size })
    .map((bytes) => Uint8Array.from(bytes));

const prefix = (size: number) =>
  fc.record({
    address: address(size),
    prefixLength: fc.oneof(fc.constant(undefined), fc.nat(size * 8)),
  }).map(({ address, prefixLength }) => ({
    address: masked(address, prefixLength ?? size * 8),
    prefixLength,
  }));

for (const size of [4, 16]) {
  Deno.test(`lookupAddresses() finds the longest prefix of ${size} bytes`, () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(prefix(size), {
          maxLength: 30,
          selector: ({ address, prefixLength }) => `${address}/${prefixLength}`,
        }),
        fc.array(address(size), { minLength: 1, maxLength: 30 }),
        (prefixes, random) => {
          memory.load({
            endpoints: [],
            identities: prefixes.map((_, i) => ({ identity: i + 1, slot: i + 1 })),
            ipcache: prefixes.map((prefix, i) => ({ ...prefix, identity: i + 1 })),
            policies: [],
          });
          const asked = [...random, ...prefixes.map((prefix) => prefix.address)];
          const identities = asked.map((one) => expected(prefixes, one));
          assertEquals(
            lookup(asked),
            identities.map((identity) => ({ identity, slot: identity })),
          );
        },
      ),
      seeded(200),
    );
  });
}
