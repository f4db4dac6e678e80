import type {
  ClusterNetworkPolicy,
  ClusterNetworkPolicyPeer,
  ClusterNetworkPolicyProtocol,
  ClusterNetworkPolicyRule,
  NamespacedPods,
} from "../cluster/cluster_network_policy.ts";
import { fqdnName, fqdnPattern } from "../identity/fqdn_pattern.ts";
import { CLUSTER_KEY } from "../identity/label.ts";
import {
  type CompiledRule,
  type NamedRulePort,
  type RulePort,
  type RuleVerdict,
  TIER,
} from "./compiled_rule.ts";
import { namespaceRequirements, nodeSelector } from "./rule_peers.ts";
import { EVERY_PORT, portKeys, protocolsOf } from "./rule_ports.ts";
import {
  cidrSelector,
  fqdnSelector,
  k8s,
  type LabelsSelector,
  requirementsOf,
  type Selector,
  selectorOf,
} from "./selector.ts";

const VERDICTS: Record<ClusterNetworkPolicyRule["action"], RuleVerdict> = {
  Accept: "allow",
  Deny: "deny",
  Pass: "pass",
};

/**
 * Compiles every rule of a ClusterNetworkPolicy. Each rule is a level of its own: the
 * first that matches decides (https://network-policy-api.sigs.k8s.io/api-overview/).
 * Such a policy never turns default deny on.
 *
 * The API leaves open what holds between policies of one priority. As in Cilium
 * (pkg/k8s/cluster_network_policy.go, ParseClusterNetworkPolicy), rules of one priority
 * and place are of one level, where a denial counts more than an acceptance, and that
 * more than a pass.
 */
export function compileClusterNetworkPolicy(
  policy: ClusterNetworkPolicy,
  cluster: string,
): CompiledRule[] {
  const { writtenAs, name, tier, priority, createdAt } = policy;
  const subject = podsSelector(policy.subject, cluster);
  return (["ingress", "egress"] as const).flatMap((direction) =>
    policy[direction].map((rule, index): CompiledRule => ({
      origin: { kind: writtenAs, namespace: "", name, direction, index },
      direction,
      rank: {
        tier: tier === "Admin" ? TIER.ADMIN : TIER.BASELINE,
        priority,
        index,
      },
      verdict: VERDICTS[rule.action],
      subject,
      host: false,
      defaultDeny: false,
      peers: rule.peers.flatMap((peer) => peerSelectors(peer, cluster)),
      ...portsOf(rule),
      ...(createdAt === undefined ? {} : { createdAt }),
    }))
  );
}

function podsSelector(pods: NamespacedPods, cluster: string): LabelsSelector {
  const requirements = "namespaces" in pods ? namespaceRequirements(pods.namespaces) : [
    ...namespaceRequirements(pods.pods.namespaceSelector),
    ...requirementsOf(pods.pods.podSelector),
  ];
  return selectorOf([...requirements, k8s(CLUSTER_KEY, cluster)]);
}

function peerSelectors(peer: ClusterNetworkPolicyPeer, cluster: string): Selector[] {
  if ("networks" in peer) return peer.networks.map((cidr) => cidrSelector(cidr));
  if ("domainNames" in peer) return peer.domainNames.map(domainName);
  if ("nodes" in peer) {
    return [nodeSelector(peer.nodes)];
  }
  return [podsSelector(peer, cluster)];
}

/** `*.kubernetes.io` is every name below it, however deep: `**.` in Cilium's notation. */
function domainName(text: string): Selector {
  return fqdnSelector(text.startsWith("*.") ? fqdnPattern(`*${text}`) : fqdnName(text));
}

function portsOf({ protocols }: ClusterNetworkPolicyRule) {
  if (protocols === undefined) return { ports: [EVERY_PORT] };
  const ports: RulePort[] = [];
  const namedPorts: NamedRulePort[] = [];
  for (const item of protocols) {
    if ("namedPort" in item) {
      namedPorts.push({ name: item.namedPort, protocols: protocolsOf("ANY") });
    } else {
      ports.push(...numberedPorts(item));
    }
  }
  return { ports, ...(namedPorts.length === 0 ? {} : { namedPorts }) };
}

function numberedPorts(
  { protocol, ports }: Exclude<ClusterNetworkPolicyProtocol, { namedPort: string }>,
): RulePort[] {
  if (ports === undefined) return portKeys({ port: 0, protocol });
  return portKeys({ port: ports.start, endPort: ports.end, protocol });
}
