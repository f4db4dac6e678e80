import fc from "fast-check";
import type { Json, Manifest } from "./manifest.ts";
import { denyPorts, egressPorts, fqdnSelector, icmps, ingressPorts } from "./port.ts";
import { ciliumSelector, nodeSelector, podSelector, subjectSelector } from "./selector.ts";
import { BLOCKS_V4, BLOCKS_V6, NAMESPACES } from "./universe.ts";

type Direction = "ingress" | "egress";

const block = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<string>(...BLOCKS_V4) },
  { weight: 1, arbitrary: fc.constantFrom<string>(...BLOCKS_V6) },
);

const CARVED: readonly { readonly cidr: string; readonly inside: string[] }[] = [
  { cidr: "0.0.0.0/0", inside: ["20.0.0.0/8", "20.1.2.0/24"] },
  { cidr: "20.0.0.0/8", inside: ["20.1.0.0/16", "20.1.2.5/32"] },
  { cidr: "20.1.0.0/16", inside: ["20.1.2.0/24", "20.1.2.4/30"] },
  { cidr: "2001:db8::/32", inside: ["2001:db8:1::/48", "2001:db8:1::5/128"] },
  { cidr: "10.0.0.0/8", inside: ["10.0.0.2/32"] },
];

/** A block and some of the blocks inside it. */
const carvedBlock: fc.Arbitrary<Json> = fc.constantFrom(...CARVED).chain(({ cidr, inside }) =>
  fc.subarray(inside).map((except): Json => ({
    cidr,
    ...(except.length === 0 ? {} : { except }),
  }))
);

const groupExcept = fc.subarray(["20.1.2.0/24", "20.1.2.5/32"])
  .map((except) => except.length === 0 ? {} : { except });

const cidrSet: fc.Arbitrary<Json> = fc.oneof(
  { weight: 3, arbitrary: carvedBlock },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom("g1", "g2", "absent"), groupExcept)
      .map(([cidrGroupRef, except]): Json => ({ cidrGroupRef, ...except })),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(podSelector, groupExcept)
      .map(([cidrGroupSelector, except]): Json => ({ cidrGroupSelector, ...except })),
  },
);

const entity = fc.constantFrom(
  "all",
  "world",
  "world-ipv4",
  "world-ipv6",
  "cluster",
  "cluster",
  "host",
  "host",
  "remote-node",
  "remote-node",
  "kube-apiserver",
  "kube-apiserver",
  "health",
  "unmanaged",
  "init",
  "ingress",
  "none",
);

const service: fc.Arbitrary<Json> = fc.oneof(
  fc.tuple(
    fc.constantFrom("front", "back", "outside", "absent"),
    fc.option(fc.constantFrom(...NAMESPACES), { nil: undefined }),
  ).map(([serviceName, namespace]): Json => ({
    k8sService: { serviceName, ...(namespace === undefined ? {} : { namespace }) },
  })),
  fc.tuple(podSelector, fc.option(fc.constantFrom(...NAMESPACES), { nil: undefined }))
    .map(([selector, namespace]): Json => ({
      k8sServiceSelector: { selector, ...(namespace === undefined ? {} : { namespace }) },
    })),
);

/** The kinds of peers by weight; a rule has one of them, or none. */
function peers(direction: Direction, effect: "allow" | "deny"): fc.Arbitrary<Json> {
  const at = (name: string) => (direction === "ingress" ? "from" : "to") + name;
  const listOf = (field: string, item: fc.Arbitrary<Json>) =>
    fc.array(item, { minLength: 1, maxLength: 2 }).map((list): Json => ({ [field]: list }));
  const kinds: fc.WeightedArbitrary<Json>[] = [
    { weight: 3, arbitrary: fc.constant<Json>({}) },
    { weight: 8, arbitrary: listOf(at("Endpoints"), ciliumSelector) },
    { weight: 3, arbitrary: listOf(at("CIDR"), block) },
    { weight: 5, arbitrary: listOf(at("CIDRSet"), cidrSet) },
    { weight: 5, arbitrary: listOf(at("Entities"), entity) },
    { weight: 2, arbitrary: listOf(at("Nodes"), nodeSelector) },
    { weight: 1, arbitrary: fc.constantFrom<Json>({ [at("Endpoints")]: [] }) },
  ];
  if (direction === "egress") {
    kinds.push({ weight: 6, arbitrary: listOf("toServices", service) });
    if (effect === "allow") kinds.push({ weight: 6, arbitrary: listOf("toFQDNs", fqdnSelector) });
  }
  return fc.oneof(...kinds);
}

function transport(direction: Direction, effect: "allow" | "deny"): fc.Arbitrary<Json> {
  const ports = effect === "deny"
    ? denyPorts
    : direction === "ingress"
    ? ingressPorts
    : egressPorts;
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant<Json>({}) },
    { weight: 5, arbitrary: ports.map((toPorts): Json => ({ toPorts })) },
    { weight: 2, arbitrary: icmps.map((icmps): Json => ({ icmps })) },
  );
}

function rule(direction: Direction, effect: "allow" | "deny"): fc.Arbitrary<Json> {
  return fc.tuple(peers(direction, effect), transport(direction, effect), authentication)
    .map(([peers, transport, authentication]): Json => ({
      ...peers as object,
      ...transport as object,
      ...(effect === "allow" ? authentication as object : {}),
    }));
}

const authentication: fc.Arbitrary<Json> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Json>({}) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("required", "required", "disabled")
      .map((mode): Json => ({ authentication: { mode } })),
  },
);

function list(field: string, item: fc.Arbitrary<Json>, weights: readonly [number, number]) {
  return fc.oneof(
    { weight: weights[0], arbitrary: fc.constant<Json>({}) },
    {
      weight: weights[1],
      arbitrary: fc.array(item, { minLength: 1, maxLength: 2 }).map((l): Json => ({ [field]: l })),
    },
  );
}

const emptyRule = fc.constant<Json>({});

function allowRule(direction: Direction): fc.Arbitrary<Json> {
  return fc.oneof(
    { weight: 1, arbitrary: emptyRule },
    { weight: 12, arbitrary: rule(direction, "allow") },
  );
}

const defaultDeny = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Json>({}) },
  {
    weight: 2,
    arbitrary: fc.record({ ingress: fc.boolean(), egress: fc.boolean() }, { requiredKeys: [] })
      .map((enableDefaultDeny): Json => ({ enableDefaultDeny: enableDefaultDeny as Json })),
  },
);

const rules = fc.tuple(
  list("ingress", allowRule("ingress"), [1, 3]),
  list("egress", allowRule("egress"), [1, 3]),
  list("ingressDeny", rule("ingress", "deny"), [3, 1]),
  list("egressDeny", rule("egress", "deny"), [3, 1]),
  defaultDeny,
)
  .map((parts) => Object.assign({}, ...parts) as { readonly [key: string]: Json })
  // A spec has rules of some kind.
  .map((spec) =>
    Object.keys(spec).some((key) => key !== "enableDefaultDeny") ? spec : {
      ...spec,
      ingress: [{}],
    }
  );

const endpointSpec: fc.Arbitrary<Json> = fc.tuple(subjectSelector, rules)
  .map(([endpointSelector, rules]): Json => ({ endpointSelector, ...rules }));

/** Rules for nodes: those above the transport have no place there. */
const hostSpec: fc.Arbitrary<Json> = fc.tuple(nodeSelector, rules)
  .map(([nodeSelector, rules]): Json => withoutL7({ nodeSelector, ...rules }));

function withoutL7(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutL7);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).filter(([key]) => key !== "rules" && key !== "serverNames");
  return Object.fromEntries(fields.map(([key, field]) => [key, withoutL7(field)]));
}

function body(spec: fc.Arbitrary<Json>): fc.Arbitrary<{ readonly [key: string]: Json }> {
  return fc.oneof(
    { weight: 5, arbitrary: spec.map((spec) => ({ spec })) },
    {
      weight: 2,
      arbitrary: fc.array(spec, { minLength: 2, maxLength: 2 }).map((specs) => ({ specs })),
    },
  );
}

const created = fc.constantFrom("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");

/** A CiliumNetworkPolicy without a name. */
export const ciliumNetworkPolicy: fc.Arbitrary<Manifest> = fc.tuple(
  fc.constantFrom(...NAMESPACES),
  created,
  body(endpointSpec),
).map(([namespace, creationTimestamp, body]) => ({
  apiVersion: "cilium.io/v2",
  kind: "CiliumNetworkPolicy",
  metadata: { namespace, creationTimestamp },
  ...body,
}));

/** A CiliumClusterwideNetworkPolicy without a name, for pods or for nodes. */
export const ciliumClusterwideNetworkPolicy: fc.Arbitrary<Manifest> = fc.tuple(
  created,
  body(fc.oneof({ weight: 3, arbitrary: endpointSpec }, { weight: 2, arbitrary: hostSpec })),
).map(([creationTimestamp, body]) => ({
  apiVersion: "cilium.io/v2",
  kind: "CiliumClusterwideNetworkPolicy",
  metadata: { creationTimestamp },
  ...body,
}));
