import { assertEquals } from "@std/assert";
import { FEATURES } from "./features.ts";
import { countFeatures } from "./feature_report.ts";

Deno.test("countFeatures() counts the same for the same seed, every feature among them", () => {
  const first = countFeatures(20, 1);
  assertEquals(countFeatures(20, 1), first);
  assertEquals([...first.counts.keys()], Object.keys(FEATURES));
  // In 20 cases not every feature can matter, but most do.
  const mattering = [...first.counts.values()].filter((count) => count > 0);
  assertEquals(mattering.length > Object.keys(FEATURES).length / 2, true);
});
