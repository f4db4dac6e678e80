import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Identity } from "../../src/identity/identity.ts";
import { labelsOf } from "../../src/identity/label.ts";
import { peerSelector, type Selector, selectsIdentity } from "../../src/policy/selector.ts";
import { SelectorCache, type SelectorUser } from "../../src/policy/selector_cache.ts";
import { SEED } from "./_random.ts";

const NOBODY: SelectorUser = { selectionChanged() {} };

function identity(id: number, namespace: string, org: string): Identity {
  return {
    id,
    labels: labelsOf([
      { source: "k8s", key: "io.kubernetes.pod.namespace", value: namespace },
      { source: "k8s", key: "io.cilium.k8s.policy.cluster", value: "default" },
      { source: "k8s", key: "org", value: org },
    ]),
  };
}

function orgIs(org: string, namespace = "blue"): Selector {
  const written = { matchLabels: [{ source: "any" as const, key: "org", value: org }] };
  return peerSelector({ ...written, matchExpressions: [] }, namespace, "default");
}

function everywhere(): Selector {
  const matchExpressions = [{
    source: "k8s" as const,
    key: "io.kubernetes.pod.namespace",
    operator: "Exists" as const,
    values: [],
  }];
  return peerSelector({ matchLabels: [], matchExpressions }, "blue", "default");
}

Deno.test("SelectorCache keeps a version as it was", () => {
  const cache = new SelectorCache();
  const [selector] = cache.add([orgIs("x")], NOBODY);
  const before = cache.current;
  cache.update({ added: [identity(256, "blue", "x")], deleted: [] });
  assertEquals(before.selectionOf(selector!), []);
  assertEquals(cache.current.selectionOf(selector!), [256]);
  assertEquals(cache.current.has(selector!, 256), true);
});

Deno.test("SelectorCache shares equal selectors and forgets unused ones", () => {
  const cache = new SelectorCache();
  const first = cache.add([orgIs("x"), orgIs("x")], NOBODY);
  assertEquals(first[0], first[1]);
  assertEquals(cache.size, 1);
  cache.remove(first, NOBODY);
  assertEquals(cache.size, 0);
  assertThrows(() => cache.remove(first, NOBODY), TypeError, "not in use");
});

Deno.test("SelectorCache.update() tells users what changed, once", () => {
  const cache = new SelectorCache();
  const told: unknown[] = [];
  const user: SelectorUser = {
    selectionChanged: (selector, added, deleted) => told.push([selector.selector, added, deleted]),
  };
  cache.add([orgIs("x"), orgIs("y"), orgIs("x", "red")], user);
  cache.update({ added: [identity(256, "blue", "x")], deleted: [] });
  assertEquals(told.splice(0), [[orgIs("x"), [256], []]]);
  cache.update({ added: [identity(256, "blue", "x")], deleted: [999] });
  assertEquals(told, []);
  // The same number under other labels leaves no stale selection behind.
  cache.update({ added: [identity(256, "blue", "y")], deleted: [] });
  assertEquals(told.splice(0), [[orgIs("x"), [], [256]], [orgIs("y"), [256], []]]);
  cache.update({ added: [], deleted: [256] });
  assertEquals(told, [[orgIs("y"), [], [256]]]);
});

Deno.test("SelectorCache after random updates selects what a scan of everything would", () => {
  console.log(`seed ${SEED}`);
  const namespaces = ["blue", "red", ""];
  const orgs = ["x", "y"];
  const step = fc.oneof(
    fc.record({
      add: fc.tuple(
        fc.integer({ min: 256, max: 262 }),
        fc.constantFrom(...namespaces),
        fc.constantFrom(...orgs),
      ),
    }),
    fc.record({ delete: fc.integer({ min: 256, max: 262 }) }),
    fc.record({ use: fc.nat(4) }),
    fc.record({ drop: fc.nat(4) }),
  );
  const selectors = [orgIs("x"), orgIs("y"), orgIs("x", "red"), orgIs("y", "red"), everywhere()];
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const cache = new SelectorCache();
      const known = new Map<number, Identity>();
      const used = new Map<number, ReturnType<SelectorCache["add"]>>();
      for (const s of steps) {
        if ("add" in s) {
          const added = identity(...s.add);
          known.set(added.id, added);
          cache.update({ added: [added], deleted: [] });
        } else if ("delete" in s) {
          known.delete(s.delete);
          cache.update({ added: [], deleted: [s.delete] });
        } else if ("use" in s && !used.has(s.use)) {
          used.set(s.use, cache.add([selectors[s.use]!], NOBODY));
        } else if ("drop" in s && used.has(s.drop)) {
          cache.remove(used.get(s.drop)!, NOBODY);
          used.delete(s.drop);
        }
        for (const [selector] of used.values()) {
          const scan = [...known.values()].filter((known) =>
            selectsIdentity(selector!.selector, known, undefined)
          ).map(({ id }) => id).sort((a, b) => a - b);
          assertEquals(cache.current.selectionOf(selector!), scan);
        }
      }
    }),
    { seed: SEED, numRuns: 200 },
  );
});
