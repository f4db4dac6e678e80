import type { LabelSelector, LabelSource } from "../cluster/rule.ts";
import type { Peer } from "./peer.ts";

const NAMESPACE = "io.kubernetes.pod.namespace";
const CLUSTER = "io.cilium.k8s.policy.cluster";
const NAMESPACE_LABELS = "io.cilium.k8s.namespace.labels.";

/** Is the peer an endpoint that a policy of this namespace is for? */
export function isSubject(selector: LabelSelector, namespace: string, peer: Peer): boolean {
  if (peer.kind !== "pod" || peer.namespace !== namespace) return false;
  // A namespace in matchLabels is overridden by the policy's own.
  const matchLabels = selector.matchLabels.filter((l) =>
    l.key !== NAMESPACE || l.source === "reserved"
  );
  return matches({ ...selector, matchLabels }, peer);
}

/** Is the peer one that a rule of this namespace's policy names? */
export function isNamed(
  selector: LabelSelector,
  namespace: string,
  cluster: string,
  peer: Peer,
): boolean {
  if (!matches(selector, peer)) return false;
  const named = [...selector.matchLabels, ...selector.matchExpressions];
  if (named.some(({ source }) => source === "reserved")) return true;
  const namespaceGiven = named.some(({ key }) =>
    key === NAMESPACE || key.startsWith(NAMESPACE_LABELS)
  );
  if (!namespaceGiven && valueOf(peer, "k8s", NAMESPACE) !== namespace) return false;
  const clusterGiven = named.some(({ key }) => key === CLUSTER);
  return clusterGiven || valueOf(peer, "k8s", CLUSTER) === cluster;
}

function matches(selector: LabelSelector, peer: Peer): boolean {
  for (const { source, key, value } of selector.matchLabels) {
    if (valueOf(peer, source, key) !== value) return false;
  }
  for (const { source, key, operator, values } of selector.matchExpressions) {
    const value = valueOf(peer, source, key);
    const inValues = value !== undefined && values.includes(value);
    if (operator === "In" && !inValues) return false;
    if (operator === "NotIn" && inValues) return false;
    if (operator === "Exists" && value === undefined) return false;
    if (operator === "DoesNotExist" && value !== undefined) return false;
  }
  return true;
}

function valueOf(peer: Peer, source: LabelSource, key: string): string | undefined {
  if (peer.kind === "pod") return source === "reserved" ? undefined : peer.labels.get(key);
  if (source === "k8s") return undefined;
  return peer.labels.includes(key) ? "" : undefined;
}
