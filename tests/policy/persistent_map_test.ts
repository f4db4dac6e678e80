import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { PersistentMap, PersistentMapEditor } from "../../src/policy/persistent_map.ts";
import { SEED } from "./_random.ts";

Deno.test("PersistentMapEditor does what a Map does, and leaves every published map as it was", () => {
  console.log(`seed ${SEED}`);
  const step = fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 600 }), fc.nat(9));
  const ascending = fc.array(fc.nat(5), { maxLength: 400, size: "max" });
  fc.assert(
    fc.property(ascending, fc.array(step, { maxLength: 700, size: "max" }), (gaps, steps) => {
      const reference = new Map<number, number>();
      const editor = new PersistentMapEditor<number>();
      let next = 0;
      for (const gap of gaps) {
        reference.set(next += 1 + gap, gap);
        editor.set(next, gap);
      }
      const versions: { map: PersistentMap<number>; entries: [number, number][] }[] = [];
      for (const [i, [add, key, value]] of steps.entries()) {
        if (add) reference.set(key, value);
        else reference.delete(key);
        if (add) editor.set(key, value);
        else editor.delete(key);
        assertEquals(editor.get(key), reference.get(key));
        if (i % 50 === 0) versions.push({ map: editor.publish(), entries: sorted(reference) });
      }
      const map = editor.publish();
      versions.push({ map, entries: sorted(reference) });
      for (const { map, entries } of versions) {
        assertEquals([...map.entries()], entries);
        assertEquals(map.size, entries.length);
      }
      for (let key = 0; key <= 600; key++) {
        assertEquals([map.get(key), map.has(key)], [reference.get(key), reference.has(key)]);
      }
      assertEquals([...map.keys()], sorted(reference).map(([key]) => key));
      assertEquals([...map.values()], sorted(reference).map(([, value]) => value));
      assertEquals([...PersistentMap.fromSorted(sorted(reference)).entries()], sorted(reference));
    }),
    { seed: SEED, numRuns: 40 },
  );
});

Deno.test("PersistentMapEditor.publish() returns the same map where nothing has changed", () => {
  const editor = new PersistentMapEditor(PersistentMap.fromSorted([[7, "a"]]));
  const map = editor.publish();
  editor.set(7, "a");
  editor.delete(8);
  assertEquals(editor.publish() === map, true);
});

Deno.test("PersistentMapEditor leaves the map that it starts with as it was", () => {
  const map = PersistentMap.fromSorted([[7, "a"]]);
  const editor = new PersistentMapEditor(map);
  editor.set(7, "b");
  editor.set(8, "c");
  assertEquals([...map.entries()], [[7, "a"]]);
  assertEquals([...editor.publish().entries()], [[7, "b"], [8, "c"]]);
});

function sorted(map: ReadonlyMap<number, number>): [number, number][] {
  return [...map].sort(([a], [b]) => a - b);
}
