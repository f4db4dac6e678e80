import { assertEquals } from "@std/assert";
import type { Namespace, Pod } from "../../src/cluster/object.ts";
import { labelFilter } from "../../src/identity/label_filter.ts";
import { podLabels } from "../../src/identity/pod_labels.ts";
import { podPeer, reservedPeer, unknownPeer } from "../../src/spec/peer.ts";

const location = { file: "test", line: 1, column: 1 };

/** Keys at every edge of the label filter. */
const KEYS = [
  "org",
  "app.kubernetes.io/name",
  "apps.kubernetes.io/pod-index",
  "apps.kubernetes.io/other",
  "batch.kubernetes.io/job-completion-index",
  "batch.kubernetes.io/controller-uid",
  "batch.kubernetes.io/job-name",
  "statefulset.kubernetes.io/pod-name",
  "controller-uid",
  "controller-revision-hash",
  "pod-template-hash",
  "pod-template-generation",
  "kubernetes.io/arch",
  "k8s.io/x",
  "x.k8s.io/y",
  "beta.kubernetes.io/arch",
  "node.beta.kubernetes.io/x",
  "app.kubernetes.io/beta.kubernetes.io",
  "annotation.x",
  "etcd_node",
  "io.kubernetes.pod.namespace",
  "io.kubernetes.pod.name",
  "io.cilium.k8s.policy.serviceaccount",
  "io.cilium.k8s.policy.cluster",
  "io.cilium.k8s.namespace.labels.team",
];

const pod: Pod = {
  kind: "Pod",
  namespace: "blue",
  name: "a",
  labels: new Map(KEYS.map((key) => [key, "v"])),
  serviceAccount: "robot",
  hostNetwork: false,
  terminated: false,
  addresses: [],
  location,
};

const namespace: Namespace = {
  kind: "Namespace",
  name: "blue",
  labels: new Map([["team", "t"], ["beta.kubernetes.io/x", "v"]]),
  location,
};

Deno.test("podPeer() sees the labels of the pod's identity, by a reading of its own", () => {
  for (const ns of [undefined, namespace]) {
    const peer = podPeer(pod, ns, "east");
    const identity = podLabels(pod, ns, "east", labelFilter());
    const seen = peer.kind === "pod" ? [...peer.labels].sort(([a], [b]) => a < b ? -1 : 1) : [];
    assertEquals(seen, identity.map(({ key, value }) => [key, value]));
  }
});

Deno.test("podPeer() is the host for a pod of the host's network", () => {
  assertEquals(podPeer({ ...pod, hostNetwork: true }, namespace), reservedPeer("host"));
});

Deno.test("unknownPeer() is the world of its family", () => {
  assertEquals([unknownPeer(4), unknownPeer(6)].map((p) => p.labels), [["world-ipv4"], [
    "world-ipv6",
  ]]);
});
