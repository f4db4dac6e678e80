/**
 * Synthetic clusters after the ones that Cilium publishes its scale figures for: many nodes, many
 * pods that share few label sets, policies that allow by label, by block and deny.
 *
 * @module
 */
import { ipAddressFromWords } from "../../src/cluster/ip_address.ts";
import { parseIpPrefix } from "../../src/cluster/ip_prefix.ts";
import type { LabelSelector } from "../../src/cluster/label_selector.ts";
import type {
  CiliumNetworkPolicy,
  ClusterObject,
  Namespace,
  Pod,
} from "../../src/cluster/object.ts";
import type { PolicySpec, TrafficRule } from "../../src/cluster/rule.ts";

/** How large a cluster is. Pods go round the label sets; each node has the next few of them. */
export interface ClusterShape {
  readonly nodes: number;
  readonly pods: number;
  /** Label sets: as many identities. */
  readonly identities: number;
  /** Policies that select pods of the cluster at large. */
  readonly policies: number;
}

/** The node whose view is computed. */
export const LOCAL_NODE = "node-0";

/** Labels that a hundred peer selectors ask for; see {@linkcode sharedSelector}. */
const SHARED_LABELS = 20;
const NAMESPACES = 50;
const LOCATION = { file: "synthetic", line: 1, column: 1 };
const DENY_EVERY = 10;
const BLOCK_EVERY = 10;

function namespaceOf(app: number): string {
  return `team-${app % NAMESPACES}`;
}

/** A selector of exactly these labels. */
export function labels(values: Readonly<Record<string, string>>): LabelSelector {
  const matchLabels = Object.entries(values).map(([key, value]) =>
    ({ source: "any", key, value }) as const
  );
  return { matchLabels, matchExpressions: [] };
}

/** One of the selectors that many policies share: pods of any namespace with one label. */
export function sharedSelector(index: number): LabelSelector {
  return {
    matchLabels: [{ source: "any", key: `group-${index % SHARED_LABELS}`, value: "yes" }],
    matchExpressions: [{
      source: "k8s",
      key: "io.kubernetes.pod.namespace",
      operator: "Exists",
      values: [],
    }],
  };
}

/** The pod with a number. Its node and its label set follow from it. */
export function podOf(number: number, { nodes, pods, identities }: ClusterShape): Pod {
  const app = number % identities;
  return newPod(`pod-${number}`, {
    number,
    namespace: namespaceOf(app),
    node: `node-${Math.floor(number * nodes / pods)}`,
    labels: new Map([["app", `app-${app}`], ["tier", `tier-${app % 5}`]]),
  });
}

/** A pod that every shared selector selects, with an identity of its own. */
export function popularPod(number: number, node = "node-1"): Pod {
  const groups = Array.from({ length: SHARED_LABELS }, (_, i) => [`group-${i}`, "yes"] as const);
  return newPod(`popular-${number}`, {
    number,
    namespace: namespaceOf(0),
    node,
    labels: new Map([...groups, ["app", `popular-${number}`]]),
  });
}

interface PodFields {
  readonly number: number;
  readonly namespace: string;
  readonly node: string;
  readonly labels: ReadonlyMap<string, string>;
}

function newPod(name: string, { number, namespace, node, labels }: PodFields): Pod {
  return {
    kind: "Pod",
    namespace,
    name,
    labels,
    serviceAccount: "default",
    hostNetwork: false,
    terminated: false,
    addresses: [ipAddressFromWords(4, [0x0A000000 + 256 + number, 0, 0, 0])],
    nodeName: node,
    location: LOCATION,
  };
}

/** An address that {@linkcode podOf} gives to no pod below this number. */
export function firstFreeNumber({ pods }: ClusterShape): number {
  return pods + 1;
}

export function policy(
  namespace: string,
  name: string,
  spec: Omit<PolicySpec, "enableDefaultDeny">,
): CiliumNetworkPolicy {
  const specs = [{ ...spec, enableDefaultDeny: {} }];
  return { kind: "CiliumNetworkPolicy", namespace, name, specs, location: LOCATION };
}

/** Rules for one port. */
export function onPort(port: number): Pick<TrafficRule, "toPorts"> {
  return { toPorts: [{ ports: [{ port, protocol: "TCP" }] }] };
}

/** A mix of peers by label, blocks of addresses, and denials. */
function mixedPolicy(index: number, identities: number): CiliumNetworkPolicy {
  const app = index % identities;
  const peer = (index * 7 + 1) % identities;
  // A peer of the same namespace, which is where a selector without one looks.
  const near = peer - peer % NAMESPACES + app % NAMESPACES;
  const rule = { endpoints: [labels({ app: `app-${near}` })], ...onPort(8000 + index % 100) };
  const block = parseIpPrefix(`192.168.${index % 256}.0/24`);
  return policy(namespaceOf(app), `policy-${index}`, {
    endpointSelector: labels({ app: `app-${app}` }),
    ingress: [rule],
    ...(index % DENY_EVERY === 0
      ? { ingressDeny: [{ endpoints: [labels({ tier: "tier-4" })] }] }
      : {}),
    ...(index % BLOCK_EVERY === 1 ? { egress: [{ cidrs: [block], ...onPort(443) }] } : {}),
  });
}

/**
 * Policies for the first apps of the cluster, which the local node's pods belong to: each allows
 * one of the shared selectors.
 */
export function popularPolicies(count: number): CiliumNetworkPolicy[] {
  return Array.from({ length: count }, (_, i) =>
    policy(namespaceOf(i), `popular-${i}`, {
      endpointSelector: labels({ app: `app-${i}` }),
      ingress: [{ endpoints: [sharedSelector(i)], ...onPort(80) }],
    }));
}

/** The namespaces of every cluster. */
export function namespaces(): Namespace[] {
  return Array.from({ length: NAMESPACES }, (_, i) => ({
    kind: "Namespace",
    name: `team-${i}`,
    labels: new Map([["kubernetes.io/metadata.name", `team-${i}`]]),
    location: LOCATION,
  }));
}

/** Everything in a cluster. */
export function* clusterObjects(shape: ClusterShape): Generator<ClusterObject> {
  yield* namespaces();
  for (let i = 0; i < shape.pods; i++) yield podOf(i, shape);
  for (let i = 0; i < shape.policies; i++) yield mixedPolicy(i, shape.identities);
}
