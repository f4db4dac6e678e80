import type {
  ClusterNetworkPolicy,
  ClusterNetworkPolicyPeer,
  ClusterNetworkPolicyProtocol,
  NamespacedPods,
} from "../cluster/cluster_network_policy.ts";
import { isAtAddress, isInBlock } from "./address.ts";
import { coversName } from "./dns_name.ts";
import type { SideFlow } from "./flow.ts";
import { isProtocol, isToNamedPort, type Transport } from "./port.ts";
import { isInNamespace, isNamedNode, matches, type Seen } from "./select.ts";
import type { Cover, Statement } from "./statement.ts";

/** Nothing is weighed between rules that have an order, so how they cover does not matter. */
const COVERED: readonly Cover[] = [{ isForEveryone: false, narrowness: 0 }];

const EFFECT = { Accept: "allow", Deny: "deny", Pass: "pass" } as const;

/**
 * What a ClusterNetworkPolicy says of a flow:
 * https://network-policy-api.sigs.k8s.io/reference/spec/
 *
 * Rules are ordered by the policy's priority, then by their place in it. The API leaves
 * open what happens between policies of one priority; in Cilium the rules of one priority
 * and place are on a level, and there a denial counts more than an acceptance and that
 * more than a pass (`ParseClusterNetworkPolicy` in cilium pkg/k8s/cluster_network_policy.go,
 * `Precedence` in pkg/policy/types/entry.go).
 */
export function* readClusterNetworkPolicy(
  policy: ClusterNetworkPolicy,
  flow: SideFlow,
): Generator<Statement> {
  const { writtenAs, name, tier, priority, subject } = policy;
  const { direction } = flow;
  if (!isPods(subject, { peer: flow.subject, reserved: [] })) return;
  for (const [index, { action, peers, protocols = [] }] of policy[direction].entries()) {
    const covers = peers.some((peer) => isPeer(peer, flow)) &&
      (protocols.length === 0 || protocols.some((one) => isAsked(one, flow.transport)));
    yield {
      origin: { kind: writtenAs, namespace: "", name, direction, index },
      tier,
      level: [priority, index],
      effect: EFFECT[action],
      defaultDeny: false,
      covering: covers ? COVERED : [],
    };
  }
}

function isPeer(peer: ClusterNetworkPolicyPeer, flow: SideFlow): boolean {
  const { other } = flow;
  if ("nodes" in peer) return isNamedNode(peer.nodes, other);
  if ("networks" in peer) {
    // The API would have networks cover pods too; in Cilium they are blocks like any other.
    return isAtAddress(flow, (address) => peer.networks.some((block) => isInBlock(block, address)));
  }
  if ("domainNames" in peer) return peer.domainNames.some((name) => isDomain(name, flow));
  return isPods(peer, other);
}

/**
 * `*.kubernetes.io` is every name below, however deep. Names are for addresses that they
 * were answered with; the question itself must be allowed by another rule (Cilium's main
 * branch adds one to pods labelled `k8s-app=kube-dns`, of which the API says nothing).
 */
function isDomain(domain: string, { other: { peer }, names }: SideFlow): boolean {
  if (peer.kind !== "address") return false;
  const selector = domain.startsWith("*") ? { matchPattern: `*${domain}` } : { matchName: domain };
  return [...names].some(([name, answers]) =>
    coversName(selector, name) && answers.some(({ text }) => text === peer.address.text)
  );
}

function isPods(pods: NamespacedPods, seen: Seen): boolean {
  if (seen.peer.kind !== "pod") return false;
  if ("namespaces" in pods) return isInNamespace(pods.namespaces, seen);
  const { namespaceSelector, podSelector } = pods.pods;
  return isInNamespace(namespaceSelector, seen) && matches(podSelector, seen);
}

function isAsked(asked: ClusterNetworkPolicyProtocol, to: Transport): boolean {
  if ("namedPort" in asked) {
    return isToNamedPort({ name: asked.namedPort, protocol: "ANY" }, to);
  }
  if (!isProtocol(asked.protocol, to.protocol)) return false;
  const { ports } = asked;
  return ports === undefined || (to.port >= ports.start && to.port <= ports.end);
}
