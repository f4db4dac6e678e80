import fc from "fast-check";
import type { IpAddress } from "../../src/cluster/ip_address.ts";
import { ipAddressFromWords } from "../../src/cluster/ip_address.ts";
import type { CiliumNetworkPolicy, Location, Namespace, Pod } from "../../src/cluster/object.ts";
import type {
  LabelSelector,
  MatchExpression,
  PolicySpec,
  PortRule,
  PortSpec,
  TrafficRule,
} from "../../src/cluster/rule.ts";

/** The seed of this run; set TWINPATH_SEED to repeat one. */
export const SEED = Number(Deno.env.get("TWINPATH_SEED") ?? Date.now() % 0x7fffffff);

/** Checks a property with the run's seed, which is printed. */
export async function mustHold(
  property: fc.IAsyncPropertyWithHooks<[World]> | fc.IPropertyWithHooks<[World]>,
  numRuns: number,
): Promise<void> {
  console.log(`seed ${SEED}`);
  await fc.assert(property, { seed: SEED, numRuns });
}

/** A random cluster. */
export interface World {
  readonly namespaces: readonly Namespace[];
  readonly pods: readonly Pod[];
  readonly policies: readonly CiliumNetworkPolicy[];
}

const LOCATION: Location = { file: "random", line: 1, column: 1 };
const NAMESPACES = ["blue", "red"] as const;
// `pod-template-hash` is no part of an identity, `io.kubernetes.pod.namespace` is added.
const KEYS = ["org", "class", "pod-template-hash", "app.kubernetes.io/name"] as const;
const VALUES = ["x", "y", ""] as const;
const SELECTOR_KEYS = [...KEYS, "io.kubernetes.pod.namespace", "absent"] as const;
const SELECTOR_VALUES = [...VALUES, ...NAMESPACES] as const;
const RESERVED_KEYS = ["host", "world-ipv4", "remote-node"] as const;
const PORTS = [0, 1, 53, 80, 1023, 1024, 8080, 8095, 32768, 65534, 65535] as const;

const labels = fc.dictionary(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES), { maxKeys: 3 })
  .map((object) => new Map(Object.entries(object)));

const matchLabel = fc.oneof(
  { weight: 8, arbitrary: ordinaryLabel() },
  { weight: 1, arbitrary: reservedLabel() },
);

function ordinaryLabel() {
  return fc.record({
    source: fc.constantFrom("any" as const, "k8s" as const),
    key: fc.constantFrom(...SELECTOR_KEYS),
    value: fc.constantFrom(...SELECTOR_VALUES),
  });
}

function reservedLabel() {
  return fc.record({
    source: fc.constant("reserved" as const),
    key: fc.constantFrom(...RESERVED_KEYS),
    value: fc.constant(""),
  });
}

const matchExpression: fc.Arbitrary<MatchExpression> = fc.tuple(
  matchLabel,
  fc.constantFrom(
    "In" as const,
    "NotIn" as const,
    "NotIn" as const,
    "Exists" as const,
    "DoesNotExist" as const,
  ),
  fc.array(fc.constantFrom(...SELECTOR_VALUES), { minLength: 1, maxLength: 3 }),
).map(([{ source, key }, operator, values]) => ({
  source,
  key,
  operator,
  values: operator === "In" || operator === "NotIn" ? values : [],
}));

/** Few conditions, so that selectors select something. */
const selector: fc.Arbitrary<LabelSelector> = fc.record({
  matchLabels: fc.array(matchLabel, { maxLength: 1 }),
  matchExpressions: fc.array(matchExpression, { maxLength: 2 }),
});

const portSpec: fc.Arbitrary<PortSpec> = fc.tuple(
  fc.constantFrom(...PORTS),
  fc.option(fc.constantFrom(...PORTS), { nil: undefined }),
  fc.constantFrom("TCP" as const, "UDP" as const, "SCTP" as const, "ANY" as const),
).map(([port, end, protocol]) =>
  port === 0 || end === undefined || end < port
    ? { port, protocol }
    : { port, endPort: end, protocol }
);

const portRule: fc.Arbitrary<PortRule> = fc.record({
  ports: fc.array(portSpec, { minLength: 1, maxLength: 3 }),
});

const rule: fc.Arbitrary<TrafficRule> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<TrafficRule>({}) },
  {
    weight: 5,
    arbitrary: fc.record({
      endpoints: fc.array(selector, { maxLength: 2 }),
      toPorts: fc.array(portRule, { maxLength: 2 }),
    }, { requiredKeys: [] }),
  },
);

const rules = fc.array(rule, { maxLength: 3 });

const spec: fc.Arbitrary<PolicySpec> = fc.record({
  endpointSelector: fc.oneof(
    fc.constant<LabelSelector>({ matchLabels: [], matchExpressions: [] }),
    selector,
  ),
  enableDefaultDeny: fc.record({
    ingress: fc.boolean(),
    egress: fc.boolean(),
  }, { requiredKeys: [] }),
  ingress: rules,
  egress: rules,
}, { requiredKeys: ["endpointSelector", "enableDefaultDeny"] });

const pod = fc.record({
  namespace: fc.constantFrom(...NAMESPACES),
  labels,
  serviceAccount: fc.constantFrom("default", "robot"),
  hostNetwork: fc.constantFrom(false, false, false, true),
});

const namespaceObjects = fc.subarray([...NAMESPACES]).map((names) =>
  names.map((name): Namespace => ({
    kind: "Namespace",
    name,
    labels: new Map([["kubernetes.io/metadata.name", name], ["team", name]]),
    location: LOCATION,
  }))
);

/** Random clusters of the features that Twinpath supports. */
export const world: fc.Arbitrary<World> = fc.record({
  namespaces: namespaceObjects,
  pods: fc.array(pod, { minLength: 1, maxLength: 6 }).map((pods) =>
    pods.map((p, i): Pod => ({
      kind: "Pod",
      name: `pod${i}`,
      terminated: false,
      addresses: [address(i)],
      location: LOCATION,
      ...p,
    }))
  ),
  policies: fc.array(
    fc.record({
      namespace: fc.constantFrom(...NAMESPACES),
      specs: fc.array(spec, { minLength: 1, maxLength: 2 }),
    }),
    { maxLength: 4 },
  ).map((policies) =>
    policies.map((p, i): CiliumNetworkPolicy => ({
      kind: "CiliumNetworkPolicy",
      name: `policy${i}`,
      location: LOCATION,
      ...p,
    }))
  ),
});

function address(i: number): IpAddress {
  return ipAddressFromWords(4, [0x0a010000 + i + 1, 0, 0, 0]);
}

/** Every port at which the answer of some rule can change, with its neighbours. */
export function boundaryPorts(policies: readonly CiliumNetworkPolicy[]): number[] {
  const ports = new Set([0, 1, 65535]);
  const specs = policies.flatMap((policy) => policy.specs);
  for (const { toPorts } of specs.flatMap((s) => [...s.ingress ?? [], ...s.egress ?? []])) {
    for (const { port, endPort } of (toPorts ?? []).flatMap((item) => item.ports)) {
      for (const at of [port - 1, port, port + 1]) ports.add(at);
      if (endPort !== undefined) {
        for (const at of [endPort - 1, endPort, endPort + 1]) ports.add(at);
      }
    }
  }
  return [...ports].filter((port) => port >= 0 && port <= 65535).sort((a, b) => a - b);
}
