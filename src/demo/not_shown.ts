import type { ClusterObject } from "../cluster/object.ts";
import type { TrafficRule } from "../cluster/rule.ts";
import { ciliumRules, portSpecs } from "../verify/port_specs.ts";

/**
 * What policies speak of and real traffic between pods cannot show; one line, none where there
 * is nothing of it. `twinpath verify` tries all of it.
 */
export function notShown(objects: readonly ClusterObject[]): string[] {
  const subjects = [
    { name: "addresses outside of the cluster", is: objects.some(namesAddresses) },
    { name: "nodes", is: objects.some(namesNodes) },
    { name: "SCTP", is: [...portSpecs(objects)].some(({ protocol }) => protocol === "SCTP") },
    { name: "requests above the transport (no proxy listens)", is: objects.some(asksForProxy) },
  ].filter(({ is }) => is).map(({ name }) => name);
  if (subjects.length === 0) return [];
  return [`not shown, as there are only pods: ${subjects.join(", ")} (twinpath verify tries them)`];
}

function namesAddresses(object: ClusterObject): boolean {
  if (object.kind === "NetworkPolicy") {
    return [...object.ingress ?? [], ...object.egress ?? []]
      .some(({ peers = [] }) => peers.some((peer) => "ipBlock" in peer));
  }
  if (object.kind === "ClusterNetworkPolicy") {
    return object.egress.some(({ peers }) =>
      peers.some((peer) => "networks" in peer || "domainNames" in peer)
    );
  }
  return ciliumRules(object).some(({ cidrs, cidrSets, fqdns, entities = [] }: TrafficRule) =>
    cidrs !== undefined || cidrSets !== undefined || fqdns !== undefined ||
    entities.some((entity) => entity === "all" || entity.startsWith("world"))
  );
}

const NODE_ENTITIES: readonly string[] = ["all", "cluster", "host", "remote-node", "kube-apiserver"];

function namesNodes(object: ClusterObject): boolean {
  if (object.kind === "ClusterNetworkPolicy") {
    return object.egress.some(({ peers }) => peers.some((peer) => "nodes" in peer));
  }
  const isForNodes = object.kind === "CiliumClusterwideNetworkPolicy" &&
    object.specs.some((spec) => "nodeSelector" in spec);
  return isForNodes || ciliumRules(object).some(({ nodes, entities = [] }) =>
    nodes !== undefined || entities.some((entity) => NODE_ENTITIES.includes(entity))
  );
}

function asksForProxy(object: ClusterObject): boolean {
  return ciliumRules(object).some(({ toPorts = [] }) =>
    toPorts.some(({ rules }) => rules !== undefined)
  );
}
