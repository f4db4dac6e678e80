import { ipPrefixOf } from "../cluster/ip_prefix.ts";
import type { CidrSetItem, Entity, FqdnSelector, ServicePeer } from "../cluster/rule_peer.ts";
import type { LabelSelector, LabelSource, TrafficRule } from "../cluster/rule.ts";
import type { Service } from "../cluster/service.ts";
import { fqdnName, fqdnPattern } from "../identity/fqdn_pattern.ts";
import { CLUSTER_KEY, NAMESPACE_KEY, NAMESPACE_LABELS_PREFIX } from "../identity/label.ts";
import type { PeerFacts } from "./peer_facts.ts";
import {
  cidrSelector,
  exists,
  fqdnSelector,
  k8s,
  peerSelector,
  type Requirement,
  requirementsOf,
  type Selector,
  selectorOf,
  type SelectorScope,
} from "./selector.ts";

/** The reserved labels that `cluster` stands for, beside the pods of the cluster. */
const CLUSTER_ENTITIES = [
  "host",
  "remote-node",
  "init",
  "ingress",
  "health",
  "unmanaged",
  "kube-apiserver",
] as const;

/**
 * Returns what a Cilium rule's peers are.
 *
 * An empty rule (`{}`) allows nothing, it only turns default deny on. That is how Cilium
 * documents it (examples/policies/l3/egress-default-deny, policy language "Ingress/Egress
 * Default Deny") and how its connectivity tests use it ("all-ingress-deny").
 * An empty list selects nobody, with or without ports (cilium/cilium
 * pkg/policy/utils/parserules.go, mergeEndpointSelectors). Ports alone are a rule for
 * every peer. Whether another list is there too does not matter: rules with two kinds of
 * peers are refused where they are read.
 */
export function rulePeers(
  rule: TrafficRule,
  scope: SelectorScope,
  facts: PeerFacts,
): "all" | readonly Selector[] {
  const { endpoints, cidrs, cidrSets, entities, nodes, services, fqdns } = rule;
  const kinds = [endpoints, cidrs, cidrSets, entities, nodes, services, fqdns];
  if (kinds.every((kind) => kind === undefined)) {
    const ports = (rule.toPorts?.length ?? 0) + (rule.icmps?.length ?? 0);
    return ports > 0 ? "all" : [];
  }
  if (entities?.includes("all")) return "all";
  return [
    ...(endpoints ?? []).map((written) => peerSelector(written, scope.namespace, scope.cluster)),
    ...(cidrs ?? []).map((cidr) => cidrSelector(cidr)),
    ...(cidrSets ?? []).flatMap((item) => cidrSetSelectors(item, facts)),
    ...(entities ?? []).flatMap((entity) => entitySelectors(entity, scope.cluster)),
    ...(nodes ?? []).map(nodeSelector),
    ...(services ?? []).flatMap((service) => serviceSelectors(service, scope.cluster, facts)),
    ...(fqdns ?? []).map(fqdnPeer),
  ];
}

/** Sources that stay as they are written in selectors of nodes. */
const NOT_OF_NODES: readonly LabelSource[] = ["reserved", "cidr", "cidrgroup", "fqdn"];

/**
 * Makes the selector of other nodes by their labels, whatever source these are written
 * with. Never the local node: Cilium adds the label `reserved:remote-node`
 * (pkg/k8s/apis/cilium.io/utils, fromNodes).
 */
export function nodeSelector(written: LabelSelector): Selector {
  const requirements = requirementsOf(written).map((r): Requirement =>
    NOT_OF_NODES.includes(r.source) ? r : { ...r, source: "node" }
  );
  return selectorOf([...requirements, exists("reserved", "remote-node")]);
}

/** Makes the selectors of an entity; none for `none`, and for `all`, which is no condition. */
export function entitySelectors(entity: Entity, cluster: string): Selector[] {
  const reserved = (key: string) => selectorOf([exists("reserved", key)]);
  switch (entity) {
    case "all":
    case "none":
      return [];
    case "world":
      return ["world", "world-ipv4", "world-ipv6"].map(reserved);
    case "cluster":
      return [...CLUSTER_ENTITIES.map(reserved), selectorOf([k8s(CLUSTER_KEY, cluster)])];
    default:
      return [reserved(entity)];
  }
}

function cidrSetSelectors(item: CidrSetItem, facts: PeerFacts): Selector[] {
  if ("cidr" in item) return [cidrSelector(item.cidr, item.except)];
  const groups = "cidrGroupRef" in item
    ? facts.cidrGroups.filter(({ name }) => name === item.cidrGroupRef)
    : facts.cidrGroups.filter(({ labels }) => meetsAll(item.cidrGroupSelector, labels));
  return groups.flatMap(({ cidrs }) => cidrs.map((cidr) => cidrSelector(cidr, item.except)));
}

/**
 * A service with a selector stands for the pods that it selects, one without for the
 * addresses that its endpoints list (cilium/cilium pkg/policy/k8s/service.go). A peer
 * without a namespace finds services in every namespace (serviceRefMatches, same file).
 */
function serviceSelectors(peer: ServicePeer, cluster: string, facts: PeerFacts): Selector[] {
  const services = facts.services.filter((service) =>
    (peer.namespace === undefined || peer.namespace === service.namespace) &&
    ("serviceName" in peer
      ? peer.serviceName === service.name
      : meetsAll(peer.selector, service.labels))
  );
  return services.flatMap((service) => serviceMembers(service, cluster, facts));
}

function serviceMembers(
  { namespace, name, selector }: Service,
  cluster: string,
  facts: PeerFacts,
): Selector[] {
  if (selector !== undefined && selector.size > 0) {
    const labels = [...selector].map(([key, value]) => k8s(key, value));
    return [selectorOf([...labels, k8s(NAMESPACE_KEY, namespace), k8s(CLUSTER_KEY, cluster)])];
  }
  const slices = facts.endpointSlices.filter((slice) =>
    slice.namespace === namespace && slice.serviceName === name
  );
  return slices.flatMap(({ endpoints }) =>
    endpoints.filter(({ ready }) => ready)
      .flatMap(({ addresses }) => addresses.map((a) => cidrSelector(ipPrefixOf(a))))
  );
}

function fqdnPeer(written: FqdnSelector): Selector {
  return fqdnSelector(
    "matchName" in written ? fqdnName(written.matchName) : fqdnPattern(written.matchPattern),
  );
}

/** Returns the conditions that a selector of Namespace objects puts on their pods. */
export function namespaceRequirements(written: LabelSelector): Requirement[] {
  const requirements = requirementsOf(written).map((r): Requirement => ({
    ...r,
    source: "k8s",
    key: NAMESPACE_LABELS_PREFIX + r.key,
  }));
  return [...requirements, exists("k8s", NAMESPACE_KEY)];
}

/** Tells whether an object's own labels meet a selector, whatever source it names. */
function meetsAll(written: LabelSelector, labels: ReadonlyMap<string, string>): boolean {
  return requirementsOf(written).every(({ key, operator, values }) => {
    const value = labels.get(key);
    switch (operator) {
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
      case "In":
        return value !== undefined && values.includes(value);
      case "NotIn":
        return value === undefined || !values.includes(value);
    }
  });
}
