import { assertEquals, assertThrows } from "@std/assert";
import { traceManifests, traceQueries } from "../../../bench/scale/trace_input.ts";
import { readManifests } from "../../../src/cli/cluster_flags.ts";
import { parseQuery } from "../../../src/cli/query.ts";
import { EndFinder } from "../../../src/explain/end_finder.ts";

const SHAPE = { pods: 60, policies: 36, queries: 60 * 66 * 11 };

Deno.test("traceManifests() is a cluster without mistakes", () => {
  const text = traceManifests(SHAPE);
  const { objects, refused } = readManifests([{ name: "cluster", text }], {
    namespace: "default",
    lenient: false,
  });
  assertEquals(refused, false);
  assertEquals(objects.length, 20 + SHAPE.pods + SHAPE.policies);

  const finder = new EndFinder(objects);
  const flows = new Set<string>();
  let number = 0;
  for (const line of traceQueries(SHAPE)) {
    const { id: _, ...flow } = parseQuery(line, ++number);
    finder.find(flow.from);
    finder.find(flow.to);
    flows.add(JSON.stringify(flow));
  }
  assertEquals(flows.size, SHAPE.queries); // all of them, none twice
});

Deno.test("traceQueries() refuses to ask more than there is to ask", () => {
  const ask = () => [...traceQueries({ ...SHAPE, queries: SHAPE.queries + 1 })];
  assertThrows(ask, RangeError, "different flows");
});
