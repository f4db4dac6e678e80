import { assertEquals, assertThrows } from "@std/assert";
import { type Change, ObjectStore, replaceWith } from "../../src/cluster/change.ts";
import type { Namespace } from "../../src/cluster/object.ts";

function namespace(name: string, label = "x"): Namespace {
  const location = { file: "f", line: 1, column: 1 };
  return { kind: "Namespace", name, labels: new Map([["l", label]]), location };
}

function upsert(name: string, label = "x"): Change {
  return { type: "upsert", object: namespace(name, label) };
}

Deno.test("ObjectStore.apply() deletes at the end of a relist what it did not name", () => {
  const store = new ObjectStore();
  const first = [...replaceWith([namespace("a"), namespace("b")])].flatMap((c) => store.apply(c));
  assertEquals(first.map(({ type, object }) => [type, object.name]), [
    ["upsert", "a"],
    ["upsert", "b"],
  ]);
  assertEquals(store.synced, true);
  store.apply({ type: "replaceBegin" });
  store.apply(upsert("b", "y"));
  store.apply(upsert("c"));
  assertEquals(store.apply({ type: "replaceEnd" }), [{ type: "delete", object: namespace("a") }]);
  assertEquals([...store.objects], [namespace("b", "y"), namespace("c")]);
});

Deno.test("ObjectStore.apply() starts over when a relist is begun again", () => {
  const store = new ObjectStore();
  store.apply(upsert("a"));
  store.apply({ type: "replaceBegin" });
  store.apply(upsert("a"));
  store.apply({ type: "replaceBegin" });
  store.apply(upsert("b"));
  const effects = store.apply({ type: "replaceEnd" });
  assertEquals(effects.map(({ type, object }) => [type, object.name]), [["delete", "a"]]);
});

Deno.test("ObjectStore.apply() deletes what was told and deleted within a relist", () => {
  const store = new ObjectStore();
  store.apply({ type: "replaceBegin" });
  store.apply(upsert("a"));
  const ref = { kind: "Namespace", namespace: "", name: "a" };
  assertEquals(store.apply({ type: "delete", ref }).length, 1);
  assertEquals(store.apply({ type: "delete", ref }), []);
  assertEquals(store.apply({ type: "replaceEnd" }), []);
});

Deno.test("ObjectStore.apply() refuses the end of a relist that did not begin", () => {
  assertThrows(() => new ObjectStore().apply({ type: "replaceEnd" }), TypeError, "none begun");
});
