import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { PersistentMap } from "../../src/policy/persistent_map.ts";
import { SEED } from "./_random.ts";

Deno.test("PersistentMap does what a Map does, and leaves every earlier version as it was", () => {
  console.log(`seed ${SEED}`);
  const step = fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 600 }), fc.nat(9));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 700, size: "max" }), (steps) => {
      const reference = new Map<number, number>();
      let map = PersistentMap.empty<number>();
      const versions: { map: PersistentMap<number>; entries: [number, number][] }[] = [];
      for (const [i, [add, key, value]] of steps.entries()) {
        if (add) reference.set(key, value);
        else reference.delete(key);
        map = add ? map.set(key, value) : map.delete(key);
        assertEquals([map.size, map.get(key), map.has(key)], [
          reference.size,
          reference.get(key),
          reference.has(key),
        ]);
        if (i % 100 === 0) versions.push({ map, entries: sorted(reference) });
      }
      for (const version of versions) assertEquals([...version.map.entries()], version.entries);
      assertEquals([...map.keys()], sorted(reference).map(([key]) => key));
      assertEquals([...map.values()], sorted(reference).map(([, value]) => value));
      assertEquals([...PersistentMap.fromSorted(sorted(reference)).entries()], sorted(reference));
    }),
    { seed: SEED, numRuns: 40 },
  );
});

Deno.test("PersistentMap.set() of the same value returns the same map", () => {
  const map = PersistentMap.empty<string>().set(7, "a");
  assertEquals(map.set(7, "a") === map, true);
  assertEquals(map.delete(8) === map, true);
});

function sorted(map: ReadonlyMap<number, number>): [number, number][] {
  return [...map].sort(([a], [b]) => a - b);
}
