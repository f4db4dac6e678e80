import type {
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicyRule,
} from "../cluster/network_policy.ts";
import type { RuleDirection } from "../cluster/rule.ts";
import { CLUSTER_KEY, NAMESPACE_KEY } from "../identity/label.ts";
import {
  type CompiledRule,
  type NamedRulePort,
  NORMAL_RANK,
  type RulePort,
} from "./compiled_rule.ts";
import { namespaceRequirements } from "./rule_peers.ts";
import { EVERY_PORT, portKeys, protocolsOf } from "./rule_ports.ts";
import {
  cidrSelector,
  k8s,
  requirementsOf,
  type Selector,
  selectorOf,
  subjectSelector,
} from "./selector.ts";

/**
 * Compiles every rule of a Kubernetes NetworkPolicy. It is enforced like Cilium's own:
 * in the same tier, and a deny rule of Cilium's beats it.
 *
 * `ipBlock` is a block of addresses outside of the cluster. Whether it holds for pods and
 * nodes inside of it is left open by Kubernetes ("NetworkPolicy behavior may be
 * undefined" for cluster-internal addresses); Cilium says no for pods, and for nodes
 * unless `policy-cidr-match-mode` names them, here {@linkcode PolicySettings.cidrMatchesNodes}
 * (https://docs.cilium.io/en/stable/security/policy/language/#cidr-based).
 *
 * A pod always reaches itself, whatever the policies say (Kubernetes: "Pods cannot block
 * access to themselves"): that traffic does not leave the pod's network namespace. Among
 * pods of one identity the map state has no such exception.
 */
export function compileNetworkPolicy(policy: NetworkPolicy, cluster: string): CompiledRule[] {
  const { kind, namespace, name, createdAt } = policy;
  const shared = {
    rank: NORMAL_RANK,
    verdict: "allow",
    subject: subjectSelector(policy.podSelector, namespace),
    host: false,
    defaultDeny: true,
    ...(createdAt === undefined ? {} : { createdAt }),
  } as const;
  const origin = (direction: RuleDirection, index: number) => ({
    kind,
    namespace,
    name,
    direction,
    index,
  });
  return directionsOf(policy).flatMap((direction): CompiledRule[] => {
    const rules = policy[direction] ?? [];
    if (rules.length === 0) {
      // Nothing is allowed, but the direction is isolated.
      return [{ ...shared, origin: origin(direction, 0), direction, peers: [], ports: [] }];
    }
    return rules.map((rule, index) => ({
      ...shared,
      origin: origin(direction, index),
      direction,
      peers: peersOf(rule, namespace, cluster),
      ...portsOf(rule),
    }));
  });
}

function directionsOf({ policyTypes, egress }: NetworkPolicy): readonly RuleDirection[] {
  // An empty list is how Go clients write an absent one.
  if (policyTypes !== undefined && policyTypes.length > 0) return policyTypes;
  return (egress?.length ?? 0) > 0 ? ["ingress", "egress"] : ["ingress"];
}

function peersOf(
  { peers = [] }: NetworkPolicyRule,
  namespace: string,
  cluster: string,
): "all" | readonly Selector[] {
  if (peers.length === 0) return "all";
  return peers.map((peer) => peerOf(peer, namespace, cluster));
}

function peerOf(peer: NetworkPolicyPeer, namespace: string, cluster: string): Selector {
  if ("ipBlock" in peer) return cidrSelector(peer.ipBlock.cidr, peer.ipBlock.except);
  const { podSelector, namespaceSelector } = peer;
  return selectorOf([
    ...(podSelector === undefined ? [] : requirementsOf(podSelector)),
    ...(namespaceSelector === undefined
      ? [k8s(NAMESPACE_KEY, namespace)]
      : namespaceRequirements(namespaceSelector)),
    k8s(CLUSTER_KEY, cluster),
  ]);
}

function portsOf({ ports = [] }: NetworkPolicyRule): Pick<CompiledRule, "ports" | "namedPorts"> {
  if (ports.length === 0) return { ports: [EVERY_PORT] };
  const numbered: RulePort[] = [];
  const namedPorts: NamedRulePort[] = [];
  for (const port of ports) {
    if (typeof port.port === "string") {
      namedPorts.push({ name: port.port, protocols: protocolsOf(port.protocol) });
    } else {
      numbered.push(...numberedPort(port, port.port));
    }
  }
  return { ports: numbered, ...(namedPorts.length === 0 ? {} : { namedPorts }) };
}

function numberedPort({ protocol, endPort }: NetworkPolicyPort, port: number | undefined) {
  const end = endPort === undefined ? {} : { endPort };
  return portKeys({ port: port ?? 0, protocol, ...end });
}
