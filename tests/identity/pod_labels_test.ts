import { assertEquals } from "@std/assert";
import type { Namespace, Pod } from "../../src/cluster/object.ts";
import { readObjects } from "../../src/cluster/read_objects.ts";
import { formatLabel } from "../../src/identity/label.ts";
import { labelFilter } from "../../src/identity/label_filter.ts";
import { podLabels } from "../../src/identity/pod_labels.ts";

function mustRead(text: string): [Pod, Namespace | undefined] {
  const { objects } = readObjects([{ name: "test", text }]);
  return objects as [Pod, Namespace | undefined];
}

Deno.test("podLabels() adds namespace, service account and cluster", () => {
  const [pod, namespace] = mustRead(`
{ apiVersion: v1, kind: Pod, metadata: { name: a, namespace: blue, labels: { org: x, pod-template-hash: h } },
  spec: { serviceAccountName: robot } }
---
{ apiVersion: v1, kind: Namespace, metadata: { name: blue, labels: { team: t } } }`);
  assertEquals(podLabels(pod, namespace, "east", labelFilter()).map(formatLabel), [
    "k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=blue",
    "k8s:io.cilium.k8s.namespace.labels.team=t",
    "k8s:io.cilium.k8s.policy.cluster=east",
    "k8s:io.cilium.k8s.policy.serviceaccount=robot",
    "k8s:io.kubernetes.pod.namespace=blue",
    "k8s:org=x",
  ]);
});

Deno.test("podLabels() does not let a pod pose as another", () => {
  const [pod] = mustRead(`
apiVersion: v1
kind: Pod
metadata:
  name: a
  labels:
    io.kubernetes.pod.namespace: kube-system
    io.cilium.k8s.policy.serviceaccount: admin
    io.cilium.k8s.policy.cluster: other
    io.cilium.k8s.namespace.labels.team: admin`);
  assertEquals(podLabels(pod, undefined, "default", labelFilter()).map(formatLabel), [
    "k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=default",
    "k8s:io.cilium.k8s.policy.cluster=default",
    "k8s:io.cilium.k8s.policy.serviceaccount=default",
    "k8s:io.kubernetes.pod.namespace=default",
  ]);
});
