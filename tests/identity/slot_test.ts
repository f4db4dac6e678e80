import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Slots } from "../../src/identity/slot.ts";

Deno.test("Slots gives reserved identities their own number and others the next from 256", () => {
  const slots = new Slots();
  assertEquals([slots.add(1), slots.add(255), slots.add(70000), slots.add(256)], [
    1,
    255,
    256,
    257,
  ]);
  assertEquals([slots.add(70000), slots.get(70000), slots.get(5), slots.get(9999)], [
    256,
    256,
    5,
    undefined,
  ]);
  // 0 is no identity of a peer, it stands for all of them.
  assertEquals(slots.get(0), undefined);
});

Deno.test("Slots reuses a slot after every phase, and not before", () => {
  const slots = new Slots(257);
  assertEquals(slots.add(300), 256);
  assertEquals([slots.add(301), slots.refused], [undefined, 1]);
  assertEquals(slots.retire(300), 256);
  assertEquals([slots.get(300), slots.phaseOf(256)], [undefined, "retired"]);
  assertThrows(() => slots.reuse(256), TypeError, 'Cannot free slot "256": retired');
  slots.clear(256);
  assertEquals([slots.add(301), slots.phaseOf(256)], [undefined, "cleared"]);
  slots.reuse(256);
  assertEquals([slots.add(301), slots.phaseOf(256)], [256, "used"]);
  assertThrows(() => slots.clear(256), TypeError, "used, expected retired");
});

Deno.test("Slots gives an identity that comes back too soon another slot", () => {
  const slots = new Slots();
  const first = slots.add(300);
  slots.retire(300);
  assertEquals([first, slots.add(300)], [256, 257]);
});

Deno.test("Slots never has one slot for two identities", () => {
  const seed = Date.now() % 0x7fffffff;
  console.log(`seed ${seed}`);
  const step = fc.tuple(fc.nat(3), fc.integer({ min: 256, max: 266 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const slots = new Slots(262);
      const retired: number[] = [];
      const cleared: number[] = [];
      for (const [action, id] of steps) {
        if (action === 0) slots.add(id);
        if (action === 1) retired.push(...[slots.retire(id)].filter((s) => s !== undefined));
        if (action === 2) {
          for (const slot of retired.splice(0)) {
            slots.clear(slot);
            cleared.push(slot);
          }
        }
        if (action === 3) { for (const slot of cleared.splice(0)) slots.reuse(slot); }
        const ids = Array.from({ length: 11 }, (_, i) => i + 256);
        const used = ids.map((i) => slots.get(i)).filter((s) => s !== undefined);
        assertEquals(new Set(used).size, used.length);
        const going = [...retired, ...cleared];
        assertEquals(used.filter((slot) => going.includes(slot)), []);
      }
    }),
    { seed, numRuns: 300 },
  );
});
