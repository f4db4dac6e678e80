import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { type OverflowAction, updateImage } from "../../src/datapath/image_update.ts";
import {
  compareEntries,
  type IndexedMapState,
  type MapState,
  type MapStateDelta,
} from "../../src/policy/map_state.ts";
import {
  boundaryKeys,
  canonical,
  entry,
  IDENTITIES,
  randomMapState,
  seeded,
  STRANGER,
} from "./_map_state.ts";
import { lookupKeys, newMemory, POLICY } from "./_memory.ts";

const slots = new Map<number, number>([
  [1, 1],
  ...IDENTITIES.slice(1).map((identity, i) => [identity, 256 + i] as [number, number]),
]);

function indexed({ entries }: MapState): IndexedMapState {
  return { entries, entriesOf: (identity) => entries.filter((e) => e.identity === identity) };
}

/** How two map states differ, entry by entry. */
function deltaOf(before: MapState, after: MapState): MapStateDelta {
  const missingIn = (other: MapState) => (e: MapState["entries"][number]) =>
    !other.entries.some((o) => JSON.stringify(o) === JSON.stringify(e));
  const added = after.entries.filter(missingIn(before));
  const removed = before.entries.filter((e) =>
    !after.entries.some((o) => compareEntries(o, e) === 0)
  );
  const identities = new Set([...added, ...removed].map(({ identity }) => identity));
  return { added, removed, identities: [...identities].sort((a, b) => a - b) };
}

function memoryWithSlots(): DatapathMemory {
  const memory = newMemory();
  for (const [identity, slot] of slots) memory.addIdentity({ identity, slot });
  return memory;
}

function apply(
  memory: DatapathMemory,
  before: MapState,
  after: MapState,
  overflow: OverflowAction = "error",
) {
  const delta = deltaOf(before, after);
  const update = { number: POLICY, revision: 1, mapState: indexed(after), delta };
  return updateImage(memory, update, { overflow });
}

const NOTHING: MapState = { entries: [] };

Deno.test("updateImage() puts the first image of a policy in force", () => {
  const memory = memoryWithSlots();
  const { kind, image } = apply(memory, NOTHING, canonical([entry({ cookie: 7 })]));
  assertEquals(kind, "rebuilt");
  assertEquals(memory.images.get(POLICY), image);
});

Deno.test("updateImage() changes an image in place where only a peer came", () => {
  const memory = memoryWithSlots();
  const before = canonical([entry({ cookie: 7 })]);
  const { image } = apply(memory, NOTHING, before);
  const after = canonical([...before.entries, entry({ identity: 300, verdict: "deny" })]);
  const update = apply(memory, before, after);
  assertEquals(update.kind, "changed");
  assertEquals(update.image, image);
});

Deno.test("updateImage() builds a new image where the entries for every peer changed", () => {
  const memory = memoryWithSlots();
  const before = canonical([entry({ cookie: 7 })]);
  const { image } = apply(memory, NOTHING, before);
  const update = apply(memory, before, canonical([entry({ cookie: 8 })]));
  assertEquals(update.kind === "rebuilt" && update.before, image);
});

Deno.test("updateImage() keeps the image in force where the new one exceeds a limit", () => {
  const memory = memoryWithSlots();
  const before = canonical([entry({ cookie: 7 })]);
  const { image } = apply(memory, NOTHING, before);
  const strange = canonical([entry({ identity: STRANGER }), entry({ cookie: 8 })]);
  assertThrows(() => apply(memory, before, strange), Error);
  assertEquals(memory.images.get(POLICY), image);
});

Deno.test("updateImage() locks a policy down that exceeds a limit, until it fits again", () => {
  const memory = memoryWithSlots();
  const before = canonical([entry({ cookie: 7 })]);
  apply(memory, NOTHING, before);
  const strange = canonical([entry({ identity: STRANGER }), entry({ cookie: 8 })]);
  const update = apply(memory, before, strange, "lockdown");
  assertEquals(update.kind, "locked");
  assertStringIncludes(update.kind === "locked" ? update.problem.message : "", "has no slot");
  const nothing = memoryWithSlots();
  apply(nothing, before, NOTHING);
  assertEquals(answersOf(memory, before), answersOf(nothing, before));

  // Only a peer comes: what is in force has nothing of the policy to which it could be added.
  const after = canonical([...before.entries, entry({ identity: 300, verdict: "deny" })]);
  assertEquals(apply(memory, before, after, "lockdown").kind, "rebuilt");
  const fresh = memoryWithSlots();
  apply(fresh, NOTHING, after);
  assertEquals(answersOf(memory, after), answersOf(fresh, after));
});

function answersOf(memory: DatapathMemory, about: MapState) {
  const keys = boundaryKeys(about);
  return (["ingress", "egress"] as const).flatMap((direction) =>
    [0, ...slots.values()].map((slot) => lookupKeys(memory, direction, slot, keys))
  );
}

Deno.test("updateImage() answers like a new image after any sequence of changes", () => {
  const states = fc.array(randomMapState(12), { minLength: 2, maxLength: 5 });
  fc.assert(
    fc.property(states, (sequence) => {
      const memory = memoryWithSlots();
      const fresh = memoryWithSlots();
      let before = NOTHING;
      for (const after of sequence) {
        apply(memory, before, after);
        fresh.publish(fresh.buildImage({ number: POLICY, revision: 1, mapState: after }));
        before = after;
        const keys = boundaryKeys(after);
        for (const direction of ["ingress", "egress"] as const) {
          for (const slot of [0, ...slots.values()]) {
            assertEquals(
              lookupKeys(memory, direction, slot, keys),
              lookupKeys(fresh, direction, slot, keys),
            );
          }
        }
      }
    }),
    seeded(60),
  );
});
