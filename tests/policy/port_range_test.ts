import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { portBlocks } from "../../src/policy/port_range.ts";
import { SEED } from "./_random.ts";

Deno.test("portBlocks() makes one block of an aligned range", () => {
  assertEquals(portBlocks(8080, 8095), [{ port: 8080, portPrefix: 12 }]);
  assertEquals(portBlocks(80, 80), [{ port: 80, portPrefix: 16 }]);
  assertEquals(portBlocks(0, 65535), [{ port: 0, portPrefix: 0 }]);
  assertEquals(portBlocks(1, 65535).length, 16);
  assertEquals(portBlocks(1, 65534).length, 30);
});

Deno.test("portBlocks() refuses what is not a range", () => {
  for (const [first, last] of [[2, 1], [-1, 5], [0, 65536], [0.5, 1], [0, NaN]] as const) {
    assertThrows(() => portBlocks(first, last), RangeError, `"${first}-${last}"`);
  }
});

Deno.test("portBlocks() covers exactly the range, with aligned blocks, of which no two could be one", () => {
  console.log(`seed ${SEED}`);
  const port = fc.oneof(fc.nat(65535), fc.constantFrom(0, 1, 32767, 32768, 65534, 65535));
  fc.assert(
    fc.property(port, port, (a, b) => {
      const [first, last] = [Math.min(a, b), Math.max(a, b)];
      const blocks = portBlocks(first, last);
      let next = first;
      for (const [i, { port: start, portPrefix }] of blocks.entries()) {
        const size = 2 ** (16 - portPrefix);
        assertEquals([start, start % size], [next, 0]);
        next = start + size;
        const neighbour = blocks[i + 1];
        if (neighbour?.portPrefix === portPrefix) assert(start % (2 * size) !== 0);
      }
      assertEquals(next, last + 1);
    }),
    { seed: SEED, numRuns: 5000 },
  );
});
