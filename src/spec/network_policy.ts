import type {
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicyRule,
} from "../cluster/network_policy.ts";
import type { PortRule, RuleDirection } from "../cluster/rule.ts";
import { isAtAddress, isInBlock } from "./address.ts";
import type { SideFlow } from "./flow.ts";
import { narrownessOf } from "./port.ts";
import { isInNamespace, matches } from "./select.ts";
import type { Cover, Statement } from "./statement.ts";

/**
 * What a NetworkPolicy says of a flow:
 * https://kubernetes.io/docs/concepts/services-networking/network-policies/
 */
export function* readNetworkPolicy(policy: NetworkPolicy, flow: SideFlow): Generator<Statement> {
  const { kind, namespace, name, podSelector, createdAt } = policy;
  const { direction, subject } = flow;
  if (subject.kind !== "pod" || subject.namespace !== namespace) return;
  if (!matches(podSelector, { peer: subject, reserved: [] })) return;
  if (!typesOf(policy).includes(direction)) return;
  const said = {
    tier: "Normal",
    level: [],
    effect: "allow",
    defaultDeny: true,
    ...(createdAt === undefined ? {} : { createdAt }),
  } as const;
  const rules = policy[direction] ?? [];
  // A direction without rules is closed all the same.
  if (rules.length === 0) {
    yield { ...said, origin: { kind, namespace, name, direction, index: 0 }, covering: [] };
  }
  for (const [index, rule] of rules.entries()) {
    const origin = { kind, namespace, name, direction, index };
    yield { ...said, origin, covering: isPeer(rule, namespace, flow) ? coversOf(rule, flow) : [] };
  }
}

/** Directions that the policy is about; without `policyTypes` ingress, and egress if it has rules. */
export function typesOf({ policyTypes, egress = [] }: NetworkPolicy): readonly RuleDirection[] {
  if (policyTypes !== undefined && policyTypes.length > 0) return policyTypes;
  return egress.length > 0 ? ["ingress", "egress"] : ["ingress"];
}

function isPeer({ peers = [] }: NetworkPolicyRule, namespace: string, flow: SideFlow): boolean {
  return peers.length === 0 || peers.some((peer) => isNamedPeer(peer, namespace, flow));
}

function isNamedPeer(peer: NetworkPolicyPeer, namespace: string, flow: SideFlow): boolean {
  if ("ipBlock" in peer) {
    const { cidr, except } = peer.ipBlock;
    return isAtAddress(
      flow,
      (address) => isInBlock(cidr, address) && !except.some((block) => isInBlock(block, address)),
    );
  }
  const { other } = flow;
  if (other.peer.kind !== "pod") return false;
  const inNamespace = peer.namespaceSelector === undefined
    ? other.peer.namespace === namespace
    : isInNamespace(peer.namespaceSelector, other);
  return inNamespace && (peer.podSelector === undefined || matches(peer.podSelector, other));
}

/** The ports that cover the flow. A NetworkPolicy knows neither L7 nor authentication. */
function coversOf({ peers = [], ports = [] }: NetworkPolicyRule, flow: SideFlow): Cover[] {
  const isForEveryone = peers.length === 0;
  if (ports.length === 0) return [{ isForEveryone, narrowness: 0 }];
  return ports.map((port) => narrownessOf(asCilium(port), flow.transport, "allow"))
    .filter((narrowness) => narrowness !== undefined)
    .map((narrowness) => ({ isForEveryone, narrowness }));
}

/** The same in the words of a Cilium policy, where port 0 is every port. */
function asCilium({ protocol, port = 0, endPort }: NetworkPolicyPort): PortRule {
  if (typeof port === "string") return { ports: [], namedPorts: [{ name: port, protocol }] };
  return { ports: [{ protocol, port, ...(endPort === undefined ? {} : { endPort }) }] };
}
