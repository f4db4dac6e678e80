import { assertEquals, assertThrows } from "@std/assert";
import { labelFilter, parseLabelPattern } from "../../src/identity/label_filter.ts";

const DEFAULTS: readonly [source: string, key: string, kept: boolean][] = [
  ["k8s", "org", true],
  ["k8s", "app.kubernetes.io/name", true],
  ["k8s", "io.kubernetes.pod.namespace", true],
  ["k8s", "io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name", true],
  ["k8s", "io.cilium.k8s.policy.serviceaccount", true],
  ["k8s", "io.cilium.k8s.policy.cluster", true],
  ["reserved", "host", true],
  ["k8s", "io.kubernetes.container.name", false],
  ["k8s", "kubernetes.io/arch", false],
  ["k8s", "statefulset.kubernetes.io/pod-name", false],
  ["k8s", "apps.kubernetes.io/pod-index", false],
  ["k8s", "batch.kubernetes.io/job-completion-index", false],
  ["k8s", "batch.kubernetes.io/job-name", true],
  ["k8s", "failure-domain.beta.kubernetes.io/zone", false],
  ["k8s", "io.cilium.k8s.namespace.labels.x.beta.kubernetes.io/zone", false],
  ["k8s", "k8s.io/x", false],
  // The expression is anchored and its dots are dots (cilium/cilium#18693).
  ["k8s", "k8sXio", true],
  ["k8s", "my.k8s.io/x", true],
  ["k8s", "pod-template-hash", false],
  ["k8s", "controller-revision-hash", false],
  ["k8s", "annotation.x", false],
];

Deno.test("labelFilter() keeps by default what Cilium does", () => {
  const filter = labelFilter();
  const kept = DEFAULTS.map(([source, key]) => [source, key, filter({ source, key, value: "" })]);
  assertEquals(kept, DEFAULTS.map((row) => [...row]));
});

Deno.test("labelFilter() with an inclusive pattern keeps only what is named", () => {
  const filter = labelFilter(["k8s:org"]);
  const keys = ["org", "class", "app.kubernetes.io/name", "pod-template-hash"];
  const kept = keys.filter((key) => filter({ source: "k8s", key, value: "" }));
  assertEquals(kept, ["org", "app.kubernetes.io/name"]);
  assertEquals(filter({ source: "reserved", key: "host", value: "" }), true);
});

Deno.test("labelFilter() lets the longer match decide", () => {
  const filter = labelFilter(["!foo", "foo\\.bar"]);
  const keys = ["foo", "foo.baz", "foo.bar"];
  assertEquals(keys.filter((key) => filter({ source: "k8s", key, value: "" })), ["foo.bar"]);
  const tie = labelFilter(["foo", "!foo"]);
  assertEquals(tie({ source: "k8s", key: "foo", value: "" }), false);
});

Deno.test("parseLabelPattern() refuses an empty expression", () => {
  assertThrows(() => parseLabelPattern("k8s:!"), SyntaxError, "no expression");
});
