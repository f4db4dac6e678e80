import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { seeded } from "../datapath/_map_state.ts";
import type { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { newMemory } from "../datapath/_memory.ts";
import {
  boundariesOf,
  entryOf,
  masked,
  prefixChanges,
  PrefixList,
} from "../datapath/_prefix_list.ts";

const memories = { fast: newMemory(), compact: newMemory({ addresses: "compact" }) };

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
          const list = new PrefixList();
          prefixes.forEach((prefix, i) => list.set({ ...prefix, identity: i + 1 }));
          const identities = asked.map((one) => list.identityOf(one));
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

for (const size of [4, 16]) {
  const changes = fc.array(prefixChanges(address(size), fc.integer({ min: 1, max: 200 })), {
    minLength: 1,
    maxLength: 80,
  });
  Deno.test(`both modes follow changes of ${size} bytes, and forget what is gone`, () => {
    fc.assert(
      fc.property(changes, fc.array(address(size), { maxLength: 20 }), (changes, random) => {
        const list = new PrefixList();
        for (const memory of Object.values(memories)) {
          memory.load({ endpoints: [], identities: [], ipcache: [], policies: [] });
        }
        for (const change of changes) {
          const isRemoval = change.identity === undefined;
          const known = isRemoval && list.remove(change);
          if (!isRemoval) list.set(entryOf(change));
          for (const memory of Object.values(memories)) {
            if (isRemoval) assertEquals(memory.removeAddress(change), known);
            else memory.setAddress(entryOf(change));
          }
        }
        const asked = [...random, ...boundariesOf(changes)];
        const identities = asked.map((one) => list.identityOf(one));
        for (const memory of Object.values(memories)) {
          assertEquals(lookup(memory, asked).map(({ identity }) => identity), identities);
          const { exports } = memory.wasm;
          const lengths = new Set(list.entries.flatMap(({ prefixLength }) => prefixLength ?? []));
          const at = exports.prefixLengths(size === 4 ? 4 : 6);
          const [count = 0] = new Uint32Array(memory.wasm.memory.buffer, at, 1);
          assertEquals(
            [...new Uint32Array(memory.wasm.memory.buffer, at + 4, count)],
            [...lengths].sort((a, b) => b - a),
          );
        }
      }),
      seeded(300),
    );
  });
}

Deno.test("the fast mode forgets a prefix of addresses with one identity, each by itself", () => {
  const list = new PrefixList();
  const { fast } = memories;
  fast.load({ endpoints: [], identities: [], ipcache: [], policies: [] });
  const change = (entry: Parameters<PrefixList["set"]>[0], isRemoval: boolean) => {
    if (isRemoval) assertEquals([list.remove(entry), fast.removeAddress(entry)], [true, true]);
    else list.set(entry);
    if (!isRemoval) fast.setAddress(entry);
  };
  // All of a /24 says the same, but by prefixes that are to go one by one.
  const crowd = Array.from(
    { length: 256 },
    (_, i) => ({ address: Uint8Array.of(10, 1, 1, i), prefixLength: 32, identity: 7 }),
  );
  const [first, second] = crowd.map(({ address }) => ({ address, identity: 8 }));
  for (const entry of crowd) change(entry, false);
  for (const entry of [first!, second!]) change(entry, false);
  for (const entry of [first!, second!, ...crowd.slice(0, 100)]) change(entry, true);
  const asked = crowd.map(({ address }) => address);
  assertEquals(
    lookup(fast, asked).map(({ identity }) => identity),
    asked.map((one) => list.identityOf(one)),
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

Deno.test("the fast mode gives the nodes of a prefix back, and of those inside it", () => {
  const { fast } = memories;
  fast.load({ endpoints: [], identities: [], ipcache: [], policies: [] });
  const prefixes = [[10, 13], [10, 25], [11, 27], [12, 0]].map(([first = 0, prefixLength = 0]) => {
    const address = masked(Uint8Array.of(first, 0, 0, 0), prefixLength);
    return { address, prefixLength, identity: first };
  });
  const used = () => {
    for (const prefix of prefixes) fast.setAddress(prefix);
    for (const prefix of prefixes) assertEquals(fast.removeAddress(prefix), true);
    return fast.ipcacheBytes;
  };
  const first = used();
  assertEquals(used(), first);
  fast.setAddress(prefixes[0]!);
  assertEquals(fast.ipcacheBytes, first); // no node
  fast.setAddress(prefixes[1]!);
  assertEquals(fast.ipcacheBytes - first, 2048); // one for its /16, one for its /24
  fast.removeAddress(prefixes[1]!);
  assertEquals(fast.ipcacheBytes, first);
});
