import { assertEquals, assertThrows } from "@std/assert";
import { engineWorld } from "../../src/fuzz/engine_world.ts";
import { randomWorld } from "../../src/fuzz/random_world.ts";
import { worldOfJson, worldToJson } from "../../src/fuzz/world_json.ts";
import { Random } from "../../src/verify/random.ts";

/** A world as it is read back, once more as text: absent fields have defaults then. */
function textOf(json: unknown): string {
  return JSON.stringify(worldToJson(worldOfJson(json)));
}

Deno.test("worldOfJson() reads what worldToJson() has written", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = new Random(seed);
    for (const world of [randomWorld(random), await engineWorld(random)]) {
      const { manifests: _, ...rest } = world;
      const json: unknown = JSON.parse(JSON.stringify(worldToJson(rest)));
      assertEquals(JSON.parse(textOf(json)), json, `seed ${seed}`);
    }
  }
});

Deno.test("worldOfJson() names what is wrong", () => {
  const good: Record<string, unknown> = JSON.parse(
    JSON.stringify(worldToJson(randomWorld(new Random(1)))),
  );
  const rows: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ endpoints: 1 }, 'Cannot read "endpoints": 1, expected a list'],
    [{ endpoints: [3] }, 'Cannot read "endpoints[0]": 3, expected an object'],
    [{ ghosts: [{ id: 1, address: "x" }] }, 'Cannot read "ghosts[0].address": "x", expected an IP'],
    [{ events: ["all"] }, 'Cannot read "events[0]": "all", expected drop, policy_verdict, trace'],
    [{ damaged: [{ policy: 1 }] }, 'Cannot read "damaged[0].table": absent, expected a whole'],
  ];
  for (const [change, message] of rows) {
    assertThrows(() => worldOfJson({ ...good, ...change }), SyntaxError, message);
  }
});
