/**
 * Every feature of policy, and how to leave it out of a world: a generator that makes a
 * feature matter in no case tests nothing of it.
 *
 * @module
 */
import type {
  ClusterNetworkPolicy,
  ClusterNetworkPolicyRule,
} from "../../src/cluster/cluster_network_policy.ts";
import type {
  CiliumClusterwideNetworkPolicy,
  CiliumNetworkPolicy,
  ClusterObject,
} from "../../src/cluster/object.ts";
import type { NetworkPolicy, NetworkPolicyRule } from "../../src/cluster/network_policy.ts";
import type {
  HostPolicySpec,
  LabelSelector,
  PolicySpec,
  PortRule,
  PortSpec,
  TrafficRule,
} from "../../src/cluster/rule.ts";
import type { HttpRule, L7Rules } from "../../src/cluster/l7_rule.ts";
import type { World } from "./world.ts";

/** A world as it was read. */
export interface ReadWorld {
  readonly objects: readonly ClusterObject[];
  readonly settings: World["settings"];
  readonly names: World["names"];
}

type LeaveOut = (world: ReadWorld) => ReadWorld;
type Spec = PolicySpec | HostPolicySpec;
type CiliumPolicy = CiliumNetworkPolicy | CiliumClusterwideNetworkPolicy;
type List = "ingress" | "egress" | "ingressDeny" | "egressDeny";

const LISTS = ["ingress", "egress", "ingressDeny", "egressDeny"] as const;
const EVERYONE: LabelSelector = { matchLabels: [], matchExpressions: [] };

function objects(change: (object: ClusterObject) => ClusterObject | undefined): LeaveOut {
  return (world) => ({
    ...world,
    objects: world.objects.map(change).filter((object) => object !== undefined),
  });
}

function kind(name: ClusterObject["kind"]): LeaveOut {
  return objects((object) => object.kind === name ? undefined : object);
}

function cilium(change: (policy: CiliumPolicy) => CiliumPolicy | undefined): LeaveOut {
  return objects((object) =>
    object.kind === "CiliumNetworkPolicy" || object.kind === "CiliumClusterwideNetworkPolicy"
      ? change(object)
      : object
  );
}

function specs(change: (spec: Spec) => Spec): LeaveOut {
  return cilium((policy) =>
    policy.kind === "CiliumNetworkPolicy"
      ? { ...policy, specs: policy.specs.map((spec) => change(spec) as PolicySpec) }
      : { ...policy, specs: policy.specs.map(change) }
  );
}

/** Changes rules; one for which nothing is returned is left out. */
function rules(change: (rule: TrafficRule, list: List) => TrafficRule | undefined): LeaveOut {
  return specs((spec) => {
    const changed = LISTS.flatMap((list) => {
      const rules = spec[list]?.map((rule) => change(rule, list)).filter((r) => r !== undefined);
      return rules === undefined ? [] : [[list, rules] as const];
    });
    return { ...spec, ...Object.fromEntries(changed) };
  });
}

/** Leaves out the rules that have a field. */
function withField(field: keyof TrafficRule): LeaveOut {
  return rules((rule) => rule[field] === undefined ? rule : undefined);
}

/** Keeps the items of a list that pass; a list of which none is left is met by nobody. */
function items<K extends keyof TrafficRule>(
  field: K,
  keep: (item: NonNullable<TrafficRule[K]> extends readonly (infer T)[] ? T : never) => boolean,
): LeaveOut {
  return rules((rule) => {
    const list = rule[field];
    if (!Array.isArray(list)) return rule;
    return { ...rule, [field]: list.filter(keep) };
  });
}

function peers(change: (selector: LabelSelector) => LabelSelector): LeaveOut {
  return rules((rule) =>
    rule.endpoints === undefined ? rule : { ...rule, endpoints: rule.endpoints.map(change) }
  );
}

function withoutLabels(gone: (part: { source: string; key: string }) => boolean): LeaveOut {
  return peers(({ matchLabels, matchExpressions }) => ({
    matchLabels: matchLabels.filter((part) => !gone(part)),
    matchExpressions: matchExpressions.filter((part) => !gone(part)),
  }));
}

function portItems(change: (item: PortRule) => PortRule): LeaveOut {
  return rules((rule) =>
    rule.toPorts === undefined ? rule : { ...rule, toPorts: rule.toPorts.map(change) }
  );
}

function ports(change: (port: PortSpec) => PortSpec): LeaveOut {
  return portItems((item) => ({ ...item, ports: item.ports.map(change) }));
}

function l7(change: (rules: L7Rules) => L7Rules | undefined): LeaveOut {
  return portItems(({ rules, ...item }) => {
    const changed = rules && change(rules);
    return changed === undefined ? item : { ...item, rules: changed };
  });
}

function http(change: (rule: HttpRule) => HttpRule): LeaveOut {
  return l7((rules) => rules.kind === "dns" ? rules : { ...rules, rules: rules.rules.map(change) });
}

function kubernetes(change: (policy: NetworkPolicy) => NetworkPolicy): LeaveOut {
  return objects((object) => object.kind === "NetworkPolicy" ? change(object) : object);
}

function kubernetesRules(change: (rule: NetworkPolicyRule) => NetworkPolicyRule): LeaveOut {
  return kubernetes(({ ingress, egress, ...policy }) => ({
    ...policy,
    ...(ingress === undefined ? {} : { ingress: ingress.map(change) }),
    ...(egress === undefined ? {} : { egress: egress.map(change) }),
  }));
}

function tiers(change: (policy: ClusterNetworkPolicy) => ClusterNetworkPolicy | undefined) {
  return objects((object) => object.kind === "ClusterNetworkPolicy" ? change(object) : object);
}

/** Changes rules in their place, so that the order of the others stays. */
function tierRules(change: (rule: ClusterNetworkPolicyRule) => ClusterNetworkPolicyRule): LeaveOut {
  return tiers(({ ingress, egress, ...policy }) => ({
    ...policy,
    ingress: ingress.map(change),
    egress: egress.map(change),
  }));
}

function withoutAction(action: ClusterNetworkPolicyRule["action"]): LeaveOut {
  return tierRules((rule) => rule.action === action ? { ...rule, peers: [] } : rule);
}

function withoutPeers(field: "nodes" | "networks" | "domainNames" | "pods"): LeaveOut {
  return tierRules((rule) => ({ ...rule, peers: rule.peers.filter((peer) => !(field in peer)) }));
}

/** Features by name. */
export const FEATURES: Readonly<Record<string, LeaveOut>> = {
  "clusterwide policies": kind("CiliumClusterwideNetworkPolicy"),
  "host policies": cilium((policy) =>
    policy.kind === "CiliumNetworkPolicy"
      ? policy
      : { ...policy, specs: policy.specs.filter((spec) => !("nodeSelector" in spec)) }
  ),
  "endpointSelector": specs((spec) =>
    "nodeSelector" in spec ? spec : { ...spec, endpointSelector: EVERYONE }
  ),
  "nodeSelector": specs((spec) =>
    "nodeSelector" in spec ? { ...spec, nodeSelector: EVERYONE } : spec
  ),
  "specs after the first": cilium((policy) =>
    policy.kind === "CiliumNetworkPolicy"
      ? { ...policy, specs: policy.specs.slice(0, 1) }
      : { ...policy, specs: policy.specs.slice(0, 1) }
  ),
  "enableDefaultDeny": specs((spec) => ({ ...spec, enableDefaultDeny: {} })),
  "empty rules": rules((rule) => Object.keys(rule).length === 0 ? undefined : rule),
  "deny rules at ingress": rules((rule, list) => list === "ingressDeny" ? undefined : rule),
  "deny rules at egress": rules((rule, list) => list === "egressDeny" ? undefined : rule),
  "ingress rules": rules((rule, list) => list === "ingress" ? undefined : rule),
  "egress rules": rules((rule, list) => list === "egress" ? undefined : rule),
  "matchLabels of peers": peers((selector) => ({ ...selector, matchLabels: [] })),
  "matchExpressions of peers": peers((selector) => ({ ...selector, matchExpressions: [] })),
  "NotIn of peers": peers((selector) => ({
    ...selector,
    matchExpressions: selector.matchExpressions.filter(({ operator }) => operator !== "NotIn"),
  })),
  "reserved labels of peers": withoutLabels(({ source }) => source === "reserved"),
  "labels of blocks": withoutLabels(({ source }) => source === "cidr"),
  "labels of groups": withoutLabels(({ source }) => source === "cidrgroup"),
  "labels of DNS names": withoutLabels(({ source }) => source === "fqdn"),
  "labels of nodes": withoutLabels(({ source }) => source === "node"),
  "namespaces of peers": withoutLabels(({ key }) => key === "io.kubernetes.pod.namespace"),
  "labels of peers' namespaces": withoutLabels(({ key }) =>
    key.startsWith("io.cilium.k8s.namespace")
  ),
  "labels that are no part of an identity": withoutLabels(({ key }) => key === "pod-template-hash"),
  "CIDR": withField("cidrs"),
  "CIDRSet": withField("cidrSets"),
  "except": rules((rule) =>
    rule.cidrSets === undefined
      ? rule
      : { ...rule, cidrSets: rule.cidrSets.map((set) => ({ ...set, except: [] })) }
  ),
  "cidrGroupRef": items("cidrSets", (set) => !("cidrGroupRef" in set)),
  "cidrGroupSelector": items("cidrSets", (set) => !("cidrGroupSelector" in set)),
  "entities": withField("entities"),
  "entity world": items("entities", (entity) => !entity.startsWith("world")),
  "entity cluster": items("entities", (entity) => entity !== "cluster"),
  "entity host": items("entities", (entity) => entity !== "host"),
  "entity remote-node": items("entities", (entity) => entity !== "remote-node"),
  "entity kube-apiserver": items("entities", (entity) => entity !== "kube-apiserver"),
  "entity all": items("entities", (entity) => entity !== "all"),
  "nodes": withField("nodes"),
  "services": withField("services"),
  "services by selector": items("services", (service) => !("selector" in service)),
  "services without pods": objects((object) =>
    object.kind === "EndpointSlice" && object.serviceName === "outside" ? undefined : object
  ),
  "FQDNs by name": items("fqdns", (fqdn) => !("matchName" in fqdn)),
  "FQDNs by pattern": items("fqdns", (fqdn) => !("matchPattern" in fqdn)),
  "toPorts": rules(({ toPorts: _, ...rule }) => rule),
  "endPort": ports(({ endPort: _, ...port }) => port),
  "port 0": ports((port) => port.port === 0 ? { ...port, port: 1 } : port),
  "protocol ANY": ports((port) => port.protocol === "ANY" ? { ...port, protocol: "TCP" } : port),
  "named ports at ingress": rules((rule, list) =>
    list.startsWith("ingress") ? withoutNames(rule) : rule
  ),
  "named ports at egress": rules((rule, list) =>
    list.startsWith("egress") ? withoutNames(rule) : rule
  ),
  "ICMP types": withField("icmps"),
  "HTTP rules": l7((rules) => rules.kind === "http" ? undefined : rules),
  "HTTP path": http(({ path: _, ...rule }) => rule),
  "HTTP method": http(({ method: _, ...rule }) => rule),
  "HTTP host": http(({ host: _, ...rule }) => rule),
  "HTTP headers": http(({ headers: _, ...rule }) => rule),
  "HTTP headerMatches": http(({ headerMatches: _, ...rule }) => rule),
  "DNS rules": l7((rules) => rules.kind === "dns" ? undefined : rules),
  "server names": portItems(({ serverNames: _, ...item }) => item),
  "authentication": rules(({ authentication: _, ...rule }) => rule),
  "NetworkPolicy": kind("NetworkPolicy"),
  "podSelector of a NetworkPolicy": kubernetes((policy) => ({ ...policy, podSelector: EVERYONE })),
  "policyTypes": kubernetes(({ policyTypes: _, ...policy }) => policy),
  "ipBlock": kubernetesRules((rule) => {
    const kept = rule.peers?.filter((peer) => !("ipBlock" in peer));
    return kept === undefined ? rule : { ...rule, peers: kept };
  }),
  "except of ipBlock": kubernetesRules(({ peers, ...rule }) => ({
    ...rule,
    ...(peers === undefined ? {} : {
      peers: peers.map((peer) =>
        "ipBlock" in peer ? { ipBlock: { ...peer.ipBlock, except: [] } } : peer
      ),
    }),
  })),
  "namespaceSelector": kubernetesRules(({ peers, ...rule }) => ({
    ...rule,
    ...(peers === undefined ? {} : {
      peers: peers.map((peer) => {
        if ("ipBlock" in peer) return peer;
        const { podSelector } = peer;
        return { podSelector: podSelector ?? EVERYONE };
      }),
    }),
  })),
  "ports of a NetworkPolicy": kubernetesRules(({ ports: _, ...rule }) => rule),
  "tier Admin": tiers((policy) => policy.tier === "Admin" ? undefined : policy),
  "tier Baseline": tiers((policy) => policy.tier === "Baseline" ? undefined : policy),
  "priority": tiers((policy) => ({ ...policy, priority: 0 })),
  "subject of a ClusterNetworkPolicy": tiers((policy) => ({
    ...policy,
    subject: { namespaces: EVERYONE },
  })),
  "action Accept": withoutAction("Accept"),
  "action Deny": withoutAction("Deny"),
  "action Pass": withoutAction("Pass"),
  "peers by pods": withoutPeers("pods"),
  "networks": withoutPeers("networks"),
  "peers by nodes": withoutPeers("nodes"),
  "domainNames": withoutPeers("domainNames"),
  "protocols": tierRules(({ protocols: _, ...rule }) => rule),
  "allow-localhost": setting({ allowLocalhost: false }),
  "blocks match nodes": setting({ cidrMatchMode: [] }),
  "mode always": unless("always"),
  "mode never": unless("never"),
};

function withoutNames(rule: TrafficRule): TrafficRule {
  if (rule.toPorts === undefined) return rule;
  return { ...rule, toPorts: rule.toPorts.map(({ namedPorts: _, ...item }) => item) };
}

function setting(change: Partial<World["settings"]>): LeaveOut {
  return (world) => ({ ...world, settings: { ...world.settings, ...change } });
}

function unless(mode: World["settings"]["mode"]): LeaveOut {
  return (world) => world.settings.mode === mode ? setting({ mode: "default" })(world) : world;
}
