import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { seeded } from "../datapath/_map_state.ts";
import { newMemory } from "../datapath/_memory.ts";

const memory = newMemory();
const { exports } = memory.wasm;
const NOTHING = { endpoints: [], identities: [], ipcache: [], policies: [] };

function stage(address: number): void {
  const bytes = memory.bytes(exports.addressStaging(), 16);
  bytes.fill(0);
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, address, true);
}

/** The table as a map of addresses to identities, read from the arrays of the encoder. */
function contents(): Map<number, number> {
  const { count, keys, values } = memory.table("ipcache4");
  const addresses = new Uint32Array(keys.slice().buffer);
  const infos = new Uint32Array(values.slice().buffer);
  return new Map(Array.from({ length: count }, (_, i) => [addresses[i]!, infos[4 * i]!]));
}

/** Addresses few enough to be met again, with hashes in every order. */
const operations = fc.array(
  fc.record({ add: fc.boolean(), address: fc.nat(300), identity: fc.nat(1000) }),
  { maxLength: 600 },
);

Deno.test("a table keeps what was stored, through growth and deletion", () => {
  fc.assert(
    fc.property(operations, (steps) => {
      memory.load(NOTHING);
      const model = new Map<number, number>();
      for (const { add, address, identity } of steps) {
        stage(address);
        if (add) {
          assertEquals(exports.upsertIpcache(4, identity, 0), 0);
          model.set(address, identity);
        } else {
          assertEquals(exports.removeIpcache(4) !== 0, model.delete(address));
        }
      }
      const sorted = (map: Map<number, number>) => [...map].sort(([a], [b]) => a - b);
      assertEquals(sorted(contents()), sorted(model));
    }),
    seeded(200),
  );
});

Deno.test("a table keeps the order of insertion and gives dense arrays", () => {
  memory.load({
    ...NOTHING,
    identities: [{ identity: 300, slot: 256 }],
    ipcache: Array.from({ length: 1000 }, (_, i) => ({
      address: Uint8Array.of(10, 0, i >> 8, i & 0xFF),
      identity: 300,
    })),
  });
  const { count, keys, values } = memory.table("ipcache4");
  assertEquals([count, keys.length, values.length], [1000, 4000, 16000]);
  assertEquals([...keys.subarray(999 * 4)], [10, 0, 3, 231]);
  assertEquals(
    new Uint32Array(values.slice().buffer).subarray(0, 4),
    Uint32Array.of(300, 256, 0, 0),
  );
  assert(keys.buffer === memory.wasm.memory.buffer); // not a copy
});

Deno.test("a table refuses what the kernel's map would", () => {
  memory.load(NOTHING);
  for (let identity = 1; identity <= 131072; identity++) {
    assertEquals(exports.upsertIdentity(identity, 1), 0);
  }
  assertEquals(exports.upsertIdentity(131073, 1), -1);
  assertEquals(exports.upsertIdentity(5, 9), 0); // it is there: no room needed
  assertEquals(memory.table("identities").count, 131072);
});

Deno.test("array tables have the indexes as keys", () => {
  memory.load(NOTHING);
  const { count, keys, values } = memory.table("policy_tables");
  assertEquals([count, values.length], [4096, 4096 * 8]);
  assertEquals(new Uint32Array(keys.slice().buffer).at(-1), 4095);
});
