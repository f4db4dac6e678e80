import fc from "fast-check";
import type { Json, Manifest } from "./manifest.ts";
import { clusterProtocols, networkPolicyPorts } from "./port.ts";
import { namespaceSelector, nodeSelector, podSelector } from "./selector.ts";
import { BLOCKS_V4, BLOCKS_V6, DNS_NAMES, NAMESPACES } from "./universe.ts";

const ipBlock: fc.Arbitrary<Json> = fc.constantFrom<Json>(
  { cidr: "0.0.0.0/0" },
  { cidr: "0.0.0.0/0", except: ["20.0.0.0/8"] },
  { cidr: "0.0.0.0/0", except: ["20.1.2.5/32", "40.0.0.0/8"] },
  { cidr: "20.0.0.0/8", except: ["20.1.0.0/16"] },
  { cidr: "20.1.2.0/24", except: ["20.1.2.4/30"] },
  { cidr: "10.0.0.0/8" },
  { cidr: "2001:db8::/32", except: ["2001:db8:1::/48"] },
);

const networkPolicyPeer: fc.Arbitrary<Json> = fc.oneof(
  { weight: 3, arbitrary: podSelector.map((podSelector): Json => ({ podSelector })) },
  {
    weight: 4,
    arbitrary: namespaceSelector.map((namespaceSelector): Json => ({ namespaceSelector })),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(podSelector, namespaceSelector)
      .map(([podSelector, namespaceSelector]): Json => ({ podSelector, namespaceSelector })),
  },
  { weight: 5, arbitrary: ipBlock.map((ipBlock): Json => ({ ipBlock })) },
);

function networkPolicyRule(field: "from" | "to"): fc.Arbitrary<Json> {
  return fc.tuple(
    fc.oneof(
      { weight: 1, arbitrary: fc.constant<Json>({}) },
      {
        weight: 4,
        arbitrary: fc.array(networkPolicyPeer, { maxLength: 2 })
          .map((peers): Json => ({ [field]: peers })),
      },
    ),
    fc.oneof(
      { weight: 2, arbitrary: fc.constant<Json>({}) },
      { weight: 3, arbitrary: networkPolicyPorts.map((ports): Json => ({ ports })) },
    ),
  ).map(([peers, ports]): Json => ({ ...peers as object, ...ports as object }));
}

/** A NetworkPolicy without a name. */
export const networkPolicy: fc.Arbitrary<Manifest> = fc.tuple(
  fc.constantFrom(...NAMESPACES),
  podSelector,
  fc.record({
    policyTypes: fc.constantFrom<Json>(["Ingress"], ["Egress"], ["Ingress", "Egress"]),
    ingress: fc.array(networkPolicyRule("from"), { maxLength: 2 }),
    egress: fc.array(networkPolicyRule("to"), { maxLength: 2 }),
  }, { requiredKeys: [] }),
).map(([namespace, podSelector, spec]) => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { namespace },
  spec: { podSelector, ...spec as object } as Json,
}));

const namespacedPods: fc.Arbitrary<Json> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Json>({ namespaces: {} }) },
  { weight: 3, arbitrary: namespaceSelector.map((namespaces): Json => ({ namespaces })) },
  {
    weight: 3,
    arbitrary: fc.tuple(namespaceSelector, podSelector)
      .map(([namespaceSelector, podSelector]): Json => ({
        pods: { namespaceSelector, podSelector },
      })),
  },
);

const networks = fc.array(fc.constantFrom<string>(...BLOCKS_V4, ...BLOCKS_V6), {
  minLength: 1,
  maxLength: 2,
}).map((networks): Json => ({ networks }));

const domainNames = fc.array(fc.constantFrom(...DNS_NAMES, "*.example.com", "*.api.example.com"), {
  minLength: 1,
  maxLength: 2,
}).map((domainNames): Json => ({ domainNames }));

const action = fc.constantFrom("Accept", "Deny", "Pass");

interface Rule {
  readonly peers: readonly Json[];
  readonly action: string;
  readonly protocols: Json | undefined;
}

const podRule: fc.Arbitrary<Rule> = fc.record({
  peers: fc.array(namespacedPods, { minLength: 1, maxLength: 2 }),
  action,
  protocols: fc.option(clusterProtocols("named"), { nil: undefined, freq: 1 }),
});

const outsideRule: fc.Arbitrary<Rule> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      peers: fc.array(
        fc.oneof(networks, nodeSelector.map((nodes): Json => ({ nodes })), namespacedPods),
        { minLength: 1, maxLength: 2 },
      ),
      action,
      protocols: fc.option(clusterProtocols("numbered"), { nil: undefined }),
    }),
  },
  {
    weight: 2,
    // Names may be accepted only.
    arbitrary: fc.record({
      peers: fc.array(domainNames, { minLength: 1, maxLength: 1 }),
      action: fc.constant("Accept"),
      protocols: fc.option(clusterProtocols("numbered"), { nil: undefined }),
    }),
  },
);

function toRule(field: "from" | "to") {
  return ({ peers, action, protocols }: Rule): Json => ({
    action,
    [field]: peers,
    ...(protocols === undefined ? {} : { protocols }),
  });
}

/** A ClusterNetworkPolicy without a name. */
export const clusterNetworkPolicy: fc.Arbitrary<Manifest> = fc.tuple(
  fc.constantFrom("Admin", "Admin", "Baseline"),
  fc.constantFrom(0, 1, 2, 1000),
  namespacedPods,
  fc.array(podRule.map(toRule("from")), { minLength: 1, maxLength: 3 }),
  fc.array(fc.oneof(podRule, outsideRule).map(toRule("to")), { minLength: 1, maxLength: 3 }),
).map(([tier, priority, subject, ingress, egress]) => ({
  apiVersion: "policy.networking.k8s.io/v1alpha2",
  kind: "ClusterNetworkPolicy",
  metadata: {},
  spec: {
    tier,
    priority,
    subject,
    ...(ingress.length === 0 ? {} : { ingress }),
    ...(egress.length === 0 ? {} : { egress }),
  },
}));
