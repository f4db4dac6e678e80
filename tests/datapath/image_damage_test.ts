import { assert } from "@std/assert";
import fc from "fast-check";
import { boundaryKeys, IDENTITIES, LAST_KEY, randomMapState, seeded } from "./_map_state.ts";
import { lookupKeys, mustPublish, newMemory } from "./_memory.ts";

const memory = newMemory();
const slotOf = (identity: number) => identity === 0 ? 0 : 1 + IDENTITIES.indexOf(identity as 1);

const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), {
  minLength: 1,
  maxLength: 200,
});

Deno.test("a damaged image gives some verdict or DROP_POLICY_IMAGE, and never traps", () => {
  fc.assert(
    fc.property(randomMapState(60), damage, fc.boolean(), (mapState, changes, dense) => {
      const image = mustPublish(memory, mapState, slotOf);
      const { bytes } = image;
      for (const { at, byte } of changes) {
        // Half of the runs damage what is used most: header, first cells, entries, blocks.
        const area = at % 4;
        const start = [0, 2 * 64, 258 * 64, 322 * 64][area] ?? 0;
        bytes[dense ? start + (at >> 2) % 2048 : at % bytes.length] = byte;
      }
      const keys = [...boundaryKeys(mapState), LAST_KEY + 1, 0xFFFFFFFF];
      for (const slot of [0, 1, 3, 4095, 4096, 0xFFFFFFFF]) {
        for (const { verdict } of lookupKeys(memory, "ingress", slot, keys)) {
          assert(verdict <= 255 || verdict >> 8 === 230, `${verdict}`);
        }
      }
    }),
    seeded(300),
  );
});
