import { assertEquals, assertNotEquals } from "@std/assert";
import { canonicalKey, formatLabel, labelsOf, valueOf } from "../../src/identity/label.ts";

Deno.test("labelsOf() sorts, and the last of two with one key stays", () => {
  const a = { source: "k8s", key: "a", value: "1" };
  const b = { source: "k8s", key: "b", value: "2" };
  assertEquals(labelsOf([b, { ...a, value: "0" }, a]), [a, b]);
  assertEquals(valueOf([a, b], "b"), "2");
});

Deno.test("canonicalKey() differs where labels do, whatever their characters", () => {
  const one = [{ source: "k8s", key: "a", value: "b;k8s:c=d" }];
  const two = [{ source: "k8s", key: "a", value: "b" }, { source: "k8s", key: "c", value: "d" }];
  assertNotEquals(canonicalKey(one), canonicalKey(two));
  assertEquals(canonicalKey(labelsOf(two)), canonicalKey(labelsOf([...two].reverse())));
});

Deno.test("formatLabel() leaves an empty value out", () => {
  assertEquals(formatLabel({ source: "k8s", key: "org", value: "empire" }), "k8s:org=empire");
  assertEquals(formatLabel({ source: "reserved", key: "host", value: "" }), "reserved:host");
});
