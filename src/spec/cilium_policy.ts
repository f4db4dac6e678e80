import type { IpAddress } from "../cluster/ip_address.ts";
import type {
  CiliumClusterwideNetworkPolicy,
  CiliumNetworkPolicy,
  ClusterObject,
} from "../cluster/object.ts";
import type { CidrSetItem, Entity, FqdnSelector } from "../cluster/rule_peer.ts";
import type {
  HostPolicySpec,
  PolicySpec,
  PortRule,
  RuleDirection,
  TrafficRule,
} from "../cluster/rule.ts";
import { isAtAddress, isInBlock } from "./address.ts";
import { blocksOf } from "./cidr_group.ts";
import { coversName } from "./dns_name.ts";
import type { DnsFacts, SideFlow } from "./flow.ts";
import type { Peer } from "./peer.ts";
import type { L7Condition } from "./l7.ts";
import { narrownessOf, ONE_PORT } from "./port.ts";
import { isNamed, isNamedNode, isSubject, isSubjectNode, type Seen } from "./select.ts";
import { isBehind } from "./service.ts";
import type { Cover, Effect, Statement } from "./statement.ts";

/** What a CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy says of a flow. */
export function* readCiliumPolicy(
  policy: CiliumNetworkPolicy | CiliumClusterwideNetworkPolicy,
  flow: SideFlow,
): Generator<Statement> {
  const { kind, name, specs, createdAt } = policy;
  const namespace = policy.kind === "CiliumNetworkPolicy" ? policy.namespace : undefined;
  const { direction } = flow;
  const next = { allow: 0, deny: 0 };
  for (const spec of specs) {
    const selected = isFor(spec, namespace, flow.subject);
    for (const { effect, rule } of rulesOf(spec, direction)) {
      const index = next[effect]++;
      if (!selected) continue;
      yield {
        origin: {
          kind,
          namespace: namespace ?? "",
          name,
          direction,
          index,
          ...(effect === "deny" ? { deny: true as const } : {}),
        },
        tier: "Normal",
        level: [],
        effect,
        defaultDeny: spec.enableDefaultDeny[direction] !== false,
        covering: isPeer(rule, namespace, flow) ? coversOf(rule, flow, effect) : [],
        ...(createdAt === undefined ? {} : { createdAt }),
      };
    }
  }
}

function isFor(
  spec: PolicySpec | HostPolicySpec,
  namespace: string | undefined,
  subject: Peer,
): boolean {
  if ("endpointSelector" in spec) return isSubject(spec.endpointSelector, namespace, subject);
  return subject.kind === "node" && isSubjectNode(spec.nodeSelector, subject);
}

/** Is some rule of the policy for the node? */
export function selectsNode({ specs }: CiliumClusterwideNetworkPolicy, subject: Peer): boolean {
  return specs.some((spec) =>
    "nodeSelector" in spec && isFor(spec, undefined, subject) &&
    (["ingress", "egress"] as const).some((direction) => rulesOf(spec, direction).length > 0)
  );
}

/** A rule, and what it does. */
export interface EffectiveRule {
  readonly effect: "allow" | "deny";
  readonly rule: TrafficRule;
}

/** The rules of a spec in one direction, those that allow first. */
export function rulesOf(spec: PolicySpec | HostPolicySpec, direction: RuleDirection): EffectiveRule[] {
  const denied = direction === "ingress" ? spec.ingressDeny : spec.egressDeny;
  return [
    ...(spec[direction] ?? []).map((rule) => ({ effect: "allow" as const, rule })),
    ...(denied ?? []).map((rule) => ({ effect: "deny" as const, rule })),
  ];
}

/**
 * Is the other end one that the rule names? A list that is absent is no condition, an empty
 * one is met by nobody, and a rule that says nothing at all (`{}`) is about nobody.
 */
function isPeer(rule: TrafficRule, namespace: string | undefined, flow: SideFlow): boolean {
  const { other, cluster, objects, names } = flow;
  const isAt = (holds: (address: IpAddress) => boolean) => isAtAddress(flow, holds);
  const kinds: readonly (boolean | undefined)[] = [
    rule.endpoints?.some((selector) => isNamed(selector, namespace, cluster, other)),
    rule.entities?.some((entity) => isEntity(entity, cluster, other)),
    rule.nodes?.some((selector) => isNamedNode(selector, other)),
    rule.cidrs?.some((block) => isAt((address) => isInBlock(block, address))),
    rule.cidrSets?.some((set) => isAt((address) => isInSet(set, objects, address))),
    rule.services?.some((service) => isBehind(service, flow)),
    rule.fqdns?.some((selector) => isNamedByDns(selector, names, other)),
  ];
  const asked = kinds.filter((kind) => kind !== undefined);
  if (asked.length > 0) return asked.every((met) => met);
  return (rule.toPorts ?? []).length > 0 || (rule.icmps ?? []).length > 0;
}

function isInSet(
  set: CidrSetItem,
  objects: readonly ClusterObject[],
  address: IpAddress,
): boolean {
  return blocksOf(set, objects).some((block) => isInBlock(block, address)) &&
    !set.except.some((block) => isInBlock(block, address));
}

/**
 * DNS names are for addresses outside, like blocks:
 * https://docs.cilium.io/en/stable/security/policy/layer3/#dns-based
 */
function isNamedByDns(selector: FqdnSelector, names: DnsFacts, { peer }: Seen): boolean {
  if (peer.kind !== "address") return false;
  for (const [name, answers] of names) {
    if (!coversName(selector, name)) continue;
    if (answers.some(({ text }) => text === peer.address.text)) return true;
  }
  return false;
}

/** https://docs.cilium.io/en/stable/security/policy/layer3/#entities-based */
function isEntity(entity: Entity, cluster: string, { peer, reserved }: Seen): boolean {
  switch (entity) {
    case "all":
      return true;
    case "none":
      return false;
    case "world":
      return ["world", "world-ipv4", "world-ipv6"].some((label) => reserved.includes(label));
    case "cluster":
      return CLUSTER_ENTITIES.some((label) => reserved.includes(label)) ||
        (peer.kind === "pod" && peer.labels.get("io.cilium.k8s.policy.cluster") === cluster);
    default:
      return reserved.includes(entity);
  }
}

const CLUSTER_ENTITIES = [
  "host",
  "remote-node",
  "init",
  "ingress",
  "health",
  "unmanaged",
  "kube-apiserver",
] as const;

/** The parts of the rule that cover the flow's transport. */
function coversOf(
  rule: TrafficRule,
  { transport }: SideFlow,
  effect: Effect,
): readonly Cover[] {
  const { toPorts = [], icmps = [], authentication } = rule;
  const said = {
    isForEveryone: isForEveryone(rule),
    ...(authentication === undefined ? {} : { authentication }),
  };
  if (toPorts.length === 0 && icmps.length === 0) return [{ ...said, narrowness: 0 }];
  const covers: Cover[] = [];
  for (const item of toPorts) {
    const narrowness = narrownessOf(item, transport, effect);
    if (narrowness === undefined) continue;
    covers.push({ ...said, narrowness, ...conditionOf(item) });
  }
  const types = icmps.flatMap(({ fields }) => fields);
  const { protocol, port } = transport;
  if (types.some(({ family, type }) => protocol === (family === 4 ? 1 : 58) && port === type)) {
    covers.push({ ...said, narrowness: ONE_PORT });
  }
  return covers;
}

/**
 * What is asked above the transport. With L7 rules beside them, server names would be for the
 * TLS around these, which is not taken apart: such a rule is refused where it is read.
 */
function conditionOf({ rules, serverNames }: PortRule): { readonly l7?: L7Condition } {
  if (rules !== undefined) return { l7: rules };
  return serverNames === undefined ? {} : { l7: { kind: "tls", rules: serverNames } };
}

function isForEveryone(rule: TrafficRule): boolean {
  const { endpoints, entities, nodes, cidrs, cidrSets, services, fqdns } = rule;
  const asked = [endpoints, entities, nodes, cidrs, cidrSets, services, fqdns]
    .some((list) => list !== undefined);
  return !asked || (entities ?? []).includes("all");
}
