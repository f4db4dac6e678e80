import { assert, assertEquals } from "@std/assert";
import { randomMapState } from "../../src/fuzz/random_map_state.ts";
import { compareEntries, coversPorts } from "../../src/policy/map_state.ts";
import { Random } from "../../src/verify/random.ts";

const CHOICES = { identities: [2, 1000, 1001], ports: [0, 80, 443, 4096], redirects: [1] };

Deno.test("randomMapState() is canonical", () => {
  for (let seed = 0; seed < 40; seed++) {
    const { entries } = randomMapState(new Random(seed), CHOICES);
    for (const [i, entry] of entries.entries()) {
      const next = entries[i + 1];
      assert(next === undefined || compareEntries(entry, next) < 0, `seed ${seed}`);
      assertEquals(entry.port & (2 ** (16 - entry.portPrefix) - 1), 0, `seed ${seed}`);
      const stronger = entries.filter((other) =>
        other !== entry && other.identity === entry.identity &&
        other.direction === entry.direction && coversPorts(other, entry) &&
        other.precedence > entry.precedence
      );
      assertEquals(stronger, [], `seed ${seed}`);
    }
  }
});
