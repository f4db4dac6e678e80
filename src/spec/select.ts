import type { LabelSelector, LabelSource } from "../cluster/rule.ts";
import type { NodePeer, Peer } from "./peer.ts";

const NAMESPACE = "io.kubernetes.pod.namespace";
const CLUSTER = "io.cilium.k8s.policy.cluster";
const NAMESPACE_LABELS = "io.cilium.k8s.namespace.labels.";

/** One end of a flow, from the other end's node. */
export interface Seen {
  readonly peer: Peer;
  /** Its reserved labels, without `reserved:`. */
  readonly reserved: readonly string[];
  /** Labels that its address has. Absent: none. */
  readonly atAddress?: AddressLabels;
}

/** Labels that an address has because of where it lies, and of what led to it. */
export interface AddressLabels {
  /** Is there a label of source `cidr` for the block, or for one inside of it? */
  hasBlock(block: string): boolean;
  /** Is there a label of source `fqdn` for the name? */
  hasName(name: string): boolean;
  /** The value of a label of source `cidrgroup`. */
  groupLabel(key: string): string | undefined;
}

/** Says what a peer is from a node: that node's own peer is the host, others are remote. */
export function seenFrom(node: string | undefined, peer: Peer): Seen {
  return { peer, reserved: reservedOf(node, peer) };
}

function reservedOf(node: string | undefined, peer: Peer): readonly string[] {
  switch (peer.kind) {
    case "pod":
      return [];
    case "reserved":
      return peer.labels;
    case "address": {
      const world = peer.address.family === 4 ? "world-ipv4" : "world-ipv6";
      return peer.apiServer ? [world, "kube-apiserver"] : [world];
    }
    case "node": {
      const isOwn = node === undefined || peer.name === undefined || peer.name === node;
      // All addresses of the own node have one identity, those of another have their own.
      if (isOwn) return peer.apiServerOnNode ? ["host", "kube-apiserver"] : ["host"];
      return peer.apiServer ? ["remote-node", "kube-apiserver"] : ["remote-node"];
    }
  }
}

/**
 * Is the pod one that a policy is for?
 *
 * @param namespace The policy's; `undefined` for a clusterwide one, which is for the pods
 *   of all namespaces.
 */
export function isSubject(
  selector: LabelSelector,
  namespace: string | undefined,
  peer: Peer,
): boolean {
  if (peer.kind !== "pod") return false;
  const seen = seenFrom(undefined, peer);
  if (namespace === undefined) return matches(selector, seen);
  if (peer.namespace !== namespace) return false;
  // A namespace in matchLabels is overridden by the policy's own.
  const matchLabels = selector.matchLabels.filter((l) =>
    l.key !== NAMESPACE || l.source === "reserved"
  );
  return matches({ ...selector, matchLabels }, seen);
}

/** Is the node one that a host policy is for? */
export function isSubjectNode(selector: LabelSelector, node: NodePeer): boolean {
  // The labels of a host endpoint are those of its node, as Kubernetes labels.
  const labels = node.labels;
  return holds(selector, (source, key) => {
    if (source === "reserved") return key === "host" ? "" : undefined;
    return source === "any" || source === "k8s" ? labels.get(key) : undefined;
  });
}

/**
 * Is the peer one that a rule names by its labels?
 *
 * A selector of reserved labels is taken as it stands. Any other is bound to the policy's
 * namespace (a clusterwide one to pods of any namespace) and to the local cluster, unless
 * it says something of namespace or cluster itself:
 * https://docs.cilium.io/en/stable/security/policy/kubernetes/#namespaces and
 * `getEndpointSelector` in cilium v1.19 pkg/k8s/apis/cilium.io/utils/utils.go.
 *
 * @param namespace The policy's; `undefined` for a clusterwide one.
 */
export function isNamed(
  selector: LabelSelector,
  namespace: string | undefined,
  cluster: string,
  seen: Seen,
): boolean {
  if (!matches(selector, seen)) return false;
  const named = [...selector.matchLabels, ...selector.matchExpressions];
  if (named.some(({ source }) => source === "reserved")) return true;
  const hasNamespace = named.some(({ source, key }) => isPods(source) && key === NAMESPACE);
  const hasNamespaceLabels = named.some(({ source, key }) =>
    isPods(source) && key.startsWith(NAMESPACE_LABELS)
  );
  const its = valueOf(seen, "k8s", NAMESPACE);
  if (!hasNamespace) {
    if (namespace === undefined && its === undefined) return false;
    if (namespace !== undefined && !hasNamespaceLabels && its !== namespace) return false;
  }
  const hasCluster = named.some(({ source, key }) => isPods(source) && key === CLUSTER);
  return hasCluster || valueOf(seen, "k8s", CLUSTER) === cluster;
}

function isPods(source: LabelSource): boolean {
  return source === "any" || source === "k8s";
}

/**
 * Is the peer a node that `fromNodes` or `toNodes` names? Remote nodes only: the own one
 * is the entity `host`.
 * https://docs.cilium.io/en/stable/security/policy/layer3/#node-based ("an extension of
 * remote-node entity").
 */
export function isNamedNode(selector: LabelSelector, seen: Seen): boolean {
  const { peer, reserved } = seen;
  if (!reserved.includes("remote-node")) return false;
  // Of some remote node nothing but that is known.
  const labels = peer.kind === "node" ? peer.labels : new Map<string, string>();
  return holds(selector, (source, key) => {
    if (source === "reserved") return reserved.includes(key) ? "" : undefined;
    if (isOfAddress(source)) return valueAtAddress(seen, source, key);
    return labels.get(key);
  });
}

function isOfAddress(source: LabelSource): source is "cidr" | "cidrgroup" | "fqdn" {
  return source === "cidr" || source === "cidrgroup" || source === "fqdn";
}

function valueAtAddress(
  { atAddress }: Seen,
  source: "cidr" | "cidrgroup" | "fqdn",
  key: string,
): string | undefined {
  if (source === "cidr") return atAddress?.hasBlock(key) ? "" : undefined;
  if (source === "fqdn") return atAddress?.hasName(key) ? "" : undefined;
  return atAddress?.groupLabel(key);
}

/** Does the selector hold for a plain set of labels, whatever sources it names? */
export function holdsFor(selector: LabelSelector, labels: ReadonlyMap<string, string>): boolean {
  return holds(selector, (_, key) => labels.get(key));
}

/** Does the selector hold for the peer, nothing added? */
export function matches(selector: LabelSelector, seen: Seen): boolean {
  return holds(selector, (source, key) => valueOf(seen, source, key));
}

/** Does a Kubernetes selector of namespaces hold for the namespace of the pod? */
export function isInNamespace(selector: LabelSelector, { peer }: Seen): boolean {
  if (peer.kind !== "pod") return false;
  return holds(selector, (_, key) => peer.labels.get(NAMESPACE_LABELS + key));
}

type ValueOf = (source: LabelSource, key: string) => string | undefined;

function holds(selector: LabelSelector, valueOf: ValueOf): boolean {
  for (const { source, key, value } of selector.matchLabels) {
    if (valueOf(source, key) !== value) return false;
  }
  for (const { source, key, operator, values } of selector.matchExpressions) {
    const value = valueOf(source, key);
    const inValues = value !== undefined && values.includes(value);
    if (operator === "In" && !inValues) return false;
    if (operator === "NotIn" && inValues) return false;
    if (operator === "Exists" && value === undefined) return false;
    if (operator === "DoesNotExist" && value !== undefined) return false;
  }
  return true;
}

function valueOf(seen: Seen, source: LabelSource, key: string): string | undefined {
  const { peer, reserved } = seen;
  if (isOfAddress(source)) return valueAtAddress(seen, source, key);
  if ((source === "reserved" || source === "any") && reserved.includes(key)) return "";
  if (peer.kind === "pod") return isPods(source) ? peer.labels.get(key) : undefined;
  if (peer.kind === "address" && source === "any") return valueAtAddress(seen, "cidrgroup", key);
  if (peer.kind !== "node" || !reserved.includes("remote-node")) return undefined;
  return source === "node" || source === "any" ? peer.labels.get(key) : undefined;
}
