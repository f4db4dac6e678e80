import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { IDENTITY_WORLD_IPV4, IDENTITY_WORLD_IPV6 } from "../../src/datapath/layout.ts";
import { seeded } from "../datapath/_map_state.ts";
import type { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { newMemory } from "../datapath/_memory.ts";

const memories = { fast: newMemory(), compact: newMemory({ addresses: "compact" }) };

interface Prefix {
  readonly address: Uint8Array;
  /** Absent: one address. */
  readonly prefixLength: number | undefined;
}

/** The first `bits` bits; the others become zero. */
function masked(address: Uint8Array, bits: number): Uint8Array {
  return address.map((byte, i) => byte & ~(0xFF >> Math.min(Math.max(bits - 8 * i, 0), 8)));
}

/** Index of what an address matches, by the plainest reading: exact, else the longest prefix. */
function longest(prefixes: readonly Prefix[], address: Uint8Array): number | undefined {
  return prefixes
    .map((prefix, index) => ({ ...prefix, index }))
    .filter((prefix) => `${masked(address, prefix.prefixLength ?? 128)}` === `${prefix.address}`)
    .sort((a, b) => (b.prefixLength ?? 1000) - (a.prefixLength ?? 1000))[0]?.index;
}

function world(address: Uint8Array): number {
  return address.length === 4 ? IDENTITY_WORLD_IPV4 : IDENTITY_WORLD_IPV6;
}

function lookup(
  memory: DatapathMemory,
  addresses: readonly Uint8Array[],
): { identity: number; slot: number }[] {
  const { exports } = memory.wasm;
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
          for (const memory of Object.values(memories)) {
            memory.load({
              endpoints: [],
              identities: prefixes.map((_, i) => ({ identity: i + 1, slot: i + 1 })),
              ipcache: prefixes.map((prefix, i) => ({ ...prefix, identity: i + 1 })),
              policies: [],
            });
          }
          const asked = [...random, ...prefixes.map((prefix) => prefix.address)];
          const identities = asked.map((one) => {
            const index = longest(prefixes, one);
            return index === undefined ? world(one) : index + 1;
          });
          for (const memory of Object.values(memories)) {
            assertEquals(
              lookup(memory, asked),
              identities.map((identity) => ({ identity, slot: identity })),
            );
          }
        },
      ),
      seeded(200),
    );
  });
}

/** Addresses come and go, prefixes come and change hands: in any order, at any time. */
const changes = fc.array(
  fc.record({
    prefix: prefix(4),
    remove: fc.boolean(),
    identity: fc.integer({ min: 1, max: 200 }),
  }),
  { minLength: 1, maxLength: 60 },
);

Deno.test("both modes follow changes, and forget what is gone", () => {
  fc.assert(
    fc.property(changes, fc.array(address(4), { minLength: 1, maxLength: 20 }), (steps, random) => {
      const model = new Map<string, Prefix & { readonly identity: number }>();
      for (const memory of Object.values(memories)) {
        memory.load({ endpoints: [], identities: [], ipcache: [], policies: [] });
      }
      for (const { prefix, remove, identity } of steps) {
        const key = `${prefix.address}/${prefix.prefixLength}`;
        const known = model.has(key);
        if (remove && prefix.prefixLength !== undefined) continue;
        if (remove) model.delete(key);
        else model.set(key, { ...prefix, identity });
        for (const { wasm: { exports, memory } } of Object.values(memories)) {
          new Uint8Array(memory.buffer).set(prefix.address, exports.addressStaging());
          if (remove) assertEquals(exports.removeIpcache(4) !== 0, known);
          else if (prefix.prefixLength === undefined) exports.upsertIpcache(4, identity, identity);
          else exports.upsertIpcacheCidr(4, prefix.prefixLength, identity, identity);
        }
      }
      const prefixes = [...model.values()];
      const asked = [...random, ...steps.map((step) => step.prefix.address)];
      const identities = asked.map((one) => {
        const index = longest(prefixes, one);
        return index === undefined ? world(one) : prefixes[index]!.identity;
      });
      for (const memory of Object.values(memories)) {
        assertEquals(lookup(memory, asked).map(({ identity }) => identity), identities);
      }
    }),
    seeded(300),
  );
});

Deno.test("the fast mode gives its memory back", () => {
  const { fast } = memories;
  const { exports } = fast.wasm;
  fast.load({ endpoints: [], identities: [], ipcache: [], policies: [] });
  const empty = fast.ipcacheBytes;
  const ask = (present: boolean) => {
    for (let i = 0; i < 2000; i++) {
      fast.bytes(exports.addressStaging(), 4).set([10, i >> 8, i & 0xFF, 1]);
      if (present) exports.upsertIpcache(4, 300, 0);
      else exports.removeIpcache(4);
    }
    return fast.ipcacheBytes;
  };
  const full = ask(true);
  assertEquals(full - ask(false), (8 + 2000) * 1024); // a node for each /16 and each /24
  assertEquals(ask(true), full);
  exports.useAddressTrie(false);
  exports.useAddressTrie(true); // built anew from the tables
  assertEquals(fast.ipcacheBytes, full);
  assertEquals(lookup(fast, [Uint8Array.of(10, 1, 0, 1)]), [{ identity: 300, slot: 0 }]);
  fast.load({ endpoints: [], identities: [], ipcache: [], policies: [] });
  assertEquals(fast.ipcacheBytes, empty);
});
