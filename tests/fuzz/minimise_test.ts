import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { minimise } from "../../src/fuzz/minimise.ts";

const UNLIMITED = 1e6;

Deno.test("minimise() keeps exactly the items that are needed", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.nat(200), { minLength: 1 }).chain((items) =>
        fc.record({ items: fc.constant(items), needed: fc.subarray(items) })
      ),
      async ({ items, needed }) => {
        const fails = (some: readonly number[]) =>
          Promise.resolve(needed.every((item) => some.includes(item)));
        const left = await minimise(items, fails, UNLIMITED);
        assertEquals(left, items.filter((item) => needed.includes(item)));
      },
    ),
  );
});

Deno.test("minimise() returns a list that fails when the trials are used up", async () => {
  const items = Array.from({ length: 100 }, (_, i) => i);
  let trials = 0;
  const left = await minimise(items, (some) => {
    trials++;
    return Promise.resolve(some.includes(3) && some.includes(97));
  }, 7);
  assertEquals(trials, 7);
  assertEquals([left.includes(3), left.includes(97)], [true, true]);
});
