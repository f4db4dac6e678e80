import type { IpAddress } from "../cluster/ip_address.ts";
import type { ContainerPort, Namespace, Pod } from "../cluster/object.ts";

/** One end of a flow, as the naive evaluator sees it. */
export type Peer = PodPeer | NodePeer | AddressPeer | ReservedPeer;

/** A pod with all the labels that a selector can see. */
export interface PodPeer {
  readonly kind: "pod";
  readonly namespace: string;
  /** Labels of the pod's identity, source `k8s`. */
  readonly labels: ReadonlyMap<string, string>;
  /** What its containers declare; named ports are found here. Absent: nothing. */
  readonly ports?: readonly ContainerPort[];
  /** Name of its node; absent before it is scheduled. */
  readonly node?: string;
  /** The one of its addresses that the flow is about, if known. */
  readonly address?: IpAddress;
}

/**
 * A node itself, or whatever runs on its network. Seen from its own node it is the host,
 * from elsewhere a remote node; which of the two is decided for each side of a flow.
 */
export interface NodePeer {
  readonly kind: "node";
  /** Absent where nothing but "some host" is known: then it is the subject's own. */
  readonly name?: string;
  /** Labels of the Node object. */
  readonly labels: ReadonlyMap<string, string>;
  /** All of its addresses. */
  readonly addresses: readonly IpAddress[];
  /** The Kubernetes API is served at {@linkcode NodePeer.address}. */
  readonly apiServer: boolean;
  /** The Kubernetes API is served at some address of the node. */
  readonly apiServerOnNode: boolean;
  /** The one of its addresses that the flow is about, if known. */
  readonly address?: IpAddress;
}

/** An address that is neither a pod's nor a node's. */
export interface AddressPeer {
  readonly kind: "address";
  readonly address: IpAddress;
  /** The Kubernetes API is served here. */
  readonly apiServer: boolean;
}

/** Something known by reserved labels only (`health`, `world-ipv4`, …), without `reserved:`. */
export interface ReservedPeer {
  readonly kind: "reserved";
  readonly labels: readonly string[];
}

/** Returns what has the given reserved labels, without `reserved:`. */
export function reservedPeer(...labels: string[]): ReservedPeer {
  return { kind: "reserved", labels };
}

/** Returns what an address is that nothing is known of: the world, by family. */
export function unknownPeer(family: 4 | 6): ReservedPeer {
  return reservedPeer(family === 4 ? "world-ipv4" : "world-ipv6");
}

/** Returns an address outside of the cluster. */
export function addressPeer(address: IpAddress, apiServer = false): AddressPeer {
  return { kind: "address", address, apiServer };
}

/**
 * Returns a pod as a peer.
 *
 * @param namespace Its Namespace object, if known.
 * @param cluster Name of the local cluster.
 */
export function podPeer(
  pod: Pod,
  namespace: Namespace | undefined,
  cluster = "default",
): PodPeer | ReservedPeer {
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
  return {
    kind: "pod",
    namespace: pod.namespace,
    labels: new Map(visible),
    ...(pod.containerPorts === undefined ? {} : { ports: pod.containerPorts }),
    ...(pod.nodeName === undefined ? {} : { node: pod.nodeName }),
  };
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
