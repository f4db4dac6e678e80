import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Operator } from "../../src/cluster/rule.ts";
import { CLUSTER_KEY, labelsOf, NAMESPACE_KEY } from "../../src/identity/label.ts";
import { type Requirement, selectorOf, selects } from "../../src/policy/selector.ts";
import { SelectorIndex } from "../../src/policy/selector_index.ts";
import { SEED } from "./_random.ts";

const KEYS = [NAMESPACE_KEY, CLUSTER_KEY, "app", "host"] as const;
const VALUES = ["a", "b", ""] as const;
const OPERATORS: readonly Operator[] = ["In", "In", "NotIn", "Exists", "DoesNotExist"];

const requirement: fc.Arbitrary<Requirement> = fc.record({
  source: fc.constantFrom("any" as const, "k8s" as const, "reserved" as const),
  key: fc.constantFrom(...KEYS),
  operator: fc.constantFrom(...OPERATORS),
  values: fc.uniqueArray(fc.constantFrom(...VALUES), { minLength: 1, maxLength: 2 }),
}).map((r) => r.operator === "In" || r.operator === "NotIn" ? r : { ...r, values: [] });

const selector = fc.array(requirement, { maxLength: 4 }).map(selectorOf);

const labels = fc.array(
  fc.record({
    source: fc.constantFrom("k8s", "reserved"),
    key: fc.constantFrom(...KEYS),
    value: fc.constantFrom(...VALUES),
  }),
  { maxLength: 5 },
).map(labelsOf);

Deno.test("SelectorIndex.candidates() has every selector that selects the labels", () => {
  console.log(`seed ${SEED}`);
  fc.assert(
    fc.property(fc.array(selector, { maxLength: 12 }), labels, (selectors, asked) => {
      const index = new SelectorIndex<number>();
      for (const [i, one] of selectors.entries()) index.add(one, i);
      const found = index.candidates(asked);
      const missing = selectors.map((one, i) => ({ one, i }))
        .filter(({ one, i }) => selects(one, asked) && !found.has(i));
      assertEquals(missing, []);
      for (const [i, one] of selectors.entries()) index.remove(one, i);
      assertEquals(index.candidates(asked).size, 0);
    }),
    { seed: SEED, numRuns: 1000 },
  );
});

Deno.test("SelectorIndex.candidates() leaves selectors of other labels out", () => {
  const index = new SelectorIndex<string>();
  for (let i = 0; i < 1000; i++) {
    const app: Requirement = { source: "any", key: "app", operator: "In", values: [`${i}`] };
    index.add(selectorOf([app]), `app ${i}`);
  }
  const asked = labelsOf([{ source: "k8s", key: "app", value: "7" }]);
  assertEquals([...index.candidates(asked)], ["app 7"]);
});

const BLOCKS = [
  { description: "a label", operator: "In", values: [""] },
  { description: "a key", operator: "Exists", values: [] },
] as const;

for (const { description, operator, values } of BLOCKS) {
  Deno.test(`SelectorIndex.candidates() finds a block around by ${description}`, () => {
    const index = new SelectorIndex<string>();
    const around: Requirement = {
      source: "cidr",
      key: "20.0.0.0/8",
      operator,
      values: [...values],
    };
    index.add(selectorOf([around]), "around");
    const asked = labelsOf([{ source: "cidr", key: "20.1.2.0/24", value: "" }]);
    assertEquals([...index.candidates(asked)], ["around"]);
  });
}
