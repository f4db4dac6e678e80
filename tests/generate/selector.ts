import fc from "fast-check";
import type { Json } from "./manifest.ts";
import { DNS_NAMES, LABEL_KEYS, LABEL_VALUES, NAMESPACES, SERVICE_ACCOUNTS } from "./universe.ts";

interface Requirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values?: readonly string[];
}

const value = fc.constantFrom(...LABEL_VALUES);

/** Keys in their plain form, and those that only a Cilium selector can use. */
const PLAIN_KEYS = [...LABEL_KEYS, "pod-template-hash", "absent"] as const;

const ciliumLabel = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constantFrom(...PLAIN_KEYS), value) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom("k8s:app", "any:app", "k8s:tier"), value) },
  {
    weight: 4,
    arbitrary: fc.tuple(
      fc.constantFrom("k8s:io.kubernetes.pod.namespace", "io.kubernetes.pod.namespace"),
      fc.constantFrom(...NAMESPACES),
    ),
  },
  {
    weight: 7,
    arbitrary: fc.tuple(
      fc.constantFrom(
        "io.cilium.k8s.namespace.labels.team",
        "k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name",
      ),
      fc.constantFrom(...NAMESPACES),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constant("io.cilium.k8s.policy.serviceaccount"),
      fc.constantFrom(...SERVICE_ACCOUNTS),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constant("io.cilium.k8s.policy.cluster"),
      fc.constantFrom("default", "elsewhere"),
    ),
  },
);

const reservedLabel = fc.tuple(
  fc.constantFrom(
    "reserved:host",
    "reserved:remote-node",
    "reserved:world-ipv4",
    "reserved:kube-apiserver",
  ),
  fc.constant(""),
);

const operator = fc.constantFrom("In", "NotIn", "NotIn", "NotIn", "Exists", "DoesNotExist");

function requirement<K extends string, V extends string>(
  key: fc.Arbitrary<K>,
  values: fc.Arbitrary<V>,
): fc.Arbitrary<Requirement> {
  return fc.tuple(key, operator, fc.uniqueArray(values, { minLength: 1, maxLength: 2 }))
    .map(([key, operator, values]): Requirement =>
      operator === "In" || operator === "NotIn"
        ? { key, operator, values }
        : { key, operator: operator as "Exists" | "DoesNotExist" }
    );
}

const ciliumRequirement = fc.oneof(
  { weight: 4, arbitrary: requirement(fc.constantFrom(...PLAIN_KEYS, "k8s:app"), value) },
  {
    weight: 2,
    arbitrary: requirement(
      fc.constant("k8s:io.kubernetes.pod.namespace"),
      fc.constantFrom(...NAMESPACES),
    ),
  },
  {
    weight: 1,
    arbitrary: requirement(
      fc.constantFrom("reserved:host", "reserved:world-ipv6", "reserved:remote-node"),
      fc.constant(""),
    ).map(({ key, operator }) => ({
      key,
      operator: operator === "In" ? "Exists" as const : "DoesNotExist" as const,
    })),
  },
);

function selector(
  labels: fc.Arbitrary<readonly (readonly [string, string])[]>,
  requirements: fc.Arbitrary<readonly Requirement[]>,
): fc.Arbitrary<Json> {
  return fc.tuple(labels, requirements).map(([labels, requirements]): Json => ({
    ...(labels.length === 0 ? {} : { matchLabels: Object.fromEntries(labels) }),
    ...(requirements.length === 0 ? {} : { matchExpressions: requirements.map((r) => ({ ...r })) }),
  }));
}

const BLOCK_LABELS = [
  "cidr:20.0.0.0/8",
  "cidr:20.1.0.0/16",
  "cidr:20.1.2.0/24",
  "cidr:0.0.0.0/0",
  "cidr:2001-db8--0/32",
  "cidr:2001-db8-1--0/48",
];

const NAME_LABELS = DNS_NAMES.map((name) => `fqdn:${name}`);

/** Labels by which addresses are known; a value where it is not empty. */
const addressLabel: fc.Arbitrary<readonly [key: string, value: string]> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...BLOCK_LABELS), fc.constant("")) },
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...NAME_LABELS), fc.constant("")) },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constantFrom("cidrgroup:app", "cidrgroup:tier"), value),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(["cidrgroup:io.cilium.policy.cidrgroupname/g1", ""] as const),
  },
);

const nodeLabel = fc.constantFrom(
  ["node:role", "edge"] as const,
  ["node:role", "core"] as const,
  ["node:zone", "z1"] as const,
);

/**
 * Selector of what is no pod, by labels of blocks, groups, DNS names and nodes. Only beside
 * reserved labels (or none of a pod's) can there be such a thing.
 */
const rareSelector: fc.Arbitrary<Json> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constantFrom("reserved:world-ipv4", "reserved:world-ipv6"), addressLabel)
      .map(([world, [key, text]]): Json => ({ matchLabels: { [world]: "", [key]: text } })),
  },
  {
    weight: 3,
    arbitrary: addressLabel.map(([key, text]): Json => ({
      matchLabels: { "reserved:world-ipv4": "" },
      matchExpressions: [
        text === ""
          ? { key, operator: "DoesNotExist" }
          : { key, operator: "NotIn", values: [text] },
      ],
    })),
  },
  {
    weight: 1,
    arbitrary: addressLabel.map(([key, text]): Json => ({
      matchLabels: { [key]: text },
      matchExpressions: ["k8s:io.kubernetes.pod.namespace", "k8s:io.cilium.k8s.policy.cluster"]
        .map((key) => ({ key, operator: "DoesNotExist" })),
    })),
  },
  {
    weight: 2,
    arbitrary: nodeLabel.map(([key, text]): Json => ({
      matchLabels: { "reserved:remote-node": "", [key]: text },
    })),
  },
);

/** Selector of peers in a Cilium policy, with sources, namespaces and reserved labels. */
export const ciliumSelector: fc.Arbitrary<Json> = fc.oneof(
  { weight: 6, arbitrary: rareSelector },
  { weight: 2, arbitrary: fc.constant<Json>({}) },
  { weight: 5, arbitrary: selector(fc.tuple(ciliumLabel), fc.constant([])) },
  { weight: 6, arbitrary: selector(fc.constant([]), fc.tuple(ciliumRequirement)) },
  { weight: 3, arbitrary: selector(fc.tuple(ciliumLabel), fc.tuple(ciliumRequirement)) },
  { weight: 1, arbitrary: selector(fc.tuple(ciliumLabel, ciliumLabel), fc.constant([])) },
  {
    weight: 2,
    arbitrary: selector(fc.tuple(reservedLabel), fc.array(ciliumRequirement, { maxLength: 1 })),
  },
);

/** Selector of the pods that a Cilium policy is for. */
export const subjectSelector: fc.Arbitrary<Json> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Json>({}) },
  {
    weight: 4,
    arbitrary: selector(
      fc.array(ciliumLabel, { maxLength: 1 }),
      fc.array(ciliumRequirement, { maxLength: 1 }),
    ),
  },
);

/** Selector of Kubernetes objects by plain labels. */
export const podSelector: fc.Arbitrary<Json> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Json>({}) },
  {
    weight: 5,
    arbitrary: selector(
      fc.array(fc.tuple(fc.constantFrom(...PLAIN_KEYS), value), { maxLength: 1 }),
      fc.array(requirement(fc.constantFrom(...PLAIN_KEYS), value), { maxLength: 1 }),
    ),
  },
);

/** Selector of namespaces. */
export const namespaceSelector: fc.Arbitrary<Json> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Json>({}) },
  {
    weight: 3,
    arbitrary: selector(
      fc.array(
        fc.tuple(
          fc.constantFrom("team", "kubernetes.io/metadata.name"),
          fc.constantFrom(...NAMESPACES),
        ),
        { maxLength: 1 },
      ),
      fc.array(
        requirement(fc.constantFrom("team", "absent"), fc.constantFrom(...NAMESPACES)),
        { maxLength: 1 },
      ),
    ),
  },
);

/** Selector of nodes. */
export const nodeSelector: fc.Arbitrary<Json> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Json>({}) },
  {
    weight: 3,
    arbitrary: selector(
      fc.array(
        fc.constantFrom(
          ["role", "edge"] as const,
          ["role", "core"] as const,
          ["zone", "z1"] as const,
        ),
        { maxLength: 1 },
      ),
      fc.array(
        requirement(fc.constantFrom("role", "zone"), fc.constantFrom("edge", "core", "z1")),
        { maxLength: 1 },
      ),
    ),
  },
);
