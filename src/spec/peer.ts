import type { Namespace, Pod } from "../cluster/object.ts";

/**
 * One end of a flow, as the naive evaluator sees it: a pod with all the labels that a
 * selector can see, or something known by reserved labels (`host`, `world-ipv4`, …).
 */
export type Peer =
  | {
    readonly kind: "pod";
    readonly namespace: string;
    readonly labels: ReadonlyMap<string, string>;
  }
  | { readonly kind: "reserved"; readonly labels: readonly string[] };

/** Returns what has the given reserved labels, without `reserved:`. */
export function reservedPeer(...labels: string[]): Peer {
  return { kind: "reserved", labels };
}

/** Returns what an address is that nothing is known of: the world, by family. */
export function unknownPeer(family: 4 | 6): Peer {
  return reservedPeer(family === 4 ? "world-ipv4" : "world-ipv6");
}

/**
 * Returns a pod as a peer.
 *
 * @param namespace Its Namespace object, if known.
 * @param cluster Name of the local cluster.
 */
export function podPeer(pod: Pod, namespace: Namespace | undefined, cluster = "default"): Peer {
  // On the host's network it is the host that speaks.
  if (pod.hostNetwork) return reservedPeer("host");
  const labels = new Map<string, string>();
  for (const [key, value] of pod.labels) {
    if (!key.startsWith("io.cilium.k8s.namespace.labels.")) labels.set(key, value);
  }
  const namespaceLabels = namespace?.labels ??
    new Map([["kubernetes.io/metadata.name", pod.namespace]]);
  for (const [key, value] of namespaceLabels) {
    labels.set(`io.cilium.k8s.namespace.labels.${key}`, value);
  }
  labels.set("io.kubernetes.pod.namespace", pod.namespace);
  labels.set("io.cilium.k8s.policy.serviceaccount", pod.serviceAccount);
  labels.set("io.cilium.k8s.policy.cluster", cluster);
  const visible = [...labels].filter(([key]) => !isNoise(key));
  return { kind: "pod", namespace: pod.namespace, labels: new Map(visible) };
}

const NEVER_NOISE = [
  "io.kubernetes.pod.namespace",
  "io.cilium.k8s.namespace.labels",
  "io.cilium.k8s.policy.cluster",
  "app.kubernetes.io",
];

const NOISE = [
  "io.kubernetes",
  "kubernetes.io",
  "k8s.io",
  "statefulset.kubernetes.io/pod-name",
  "apps.kubernetes.io/pod-index",
  "batch.kubernetes.io/job-completion-index",
  "batch.kubernetes.io/controller-uid",
  "pod-template-generation",
  "pod-template-hash",
  "controller-revision-hash",
  "controller-uid",
  "annotation",
  "etcd_node",
];

/**
 * Labels that are no part of an identity, so that no selector sees them:
 * https://docs.cilium.io/en/stable/operations/performance/scalability/identity-relevant-labels/
 */
function isNoise(key: string): boolean {
  if (key.includes("beta.kubernetes.io")) return true;
  if (NEVER_NOISE.some((prefix) => key.startsWith(prefix))) return false;
  return NOISE.some((prefix) => key.startsWith(prefix));
}
