import { containsPrefix, type IpPrefix, tryParseIpPrefix } from "../cluster/ip_prefix.ts";
import type { LabelSelector, LabelSource, Operator } from "../cluster/rule.ts";
import type { FqdnPattern } from "../identity/fqdn_pattern.ts";
import type { Identity } from "../identity/identity.ts";
import {
  CLUSTER_KEY,
  type Label,
  type Labels,
  NAMESPACE_KEY,
  NAMESPACE_LABELS_PREFIX,
} from "../identity/label.ts";

/** One condition on the labels of an identity. */
export interface Requirement {
  /** `any` looks at labels of every source. */
  readonly source: LabelSource;
  readonly key: string;
  readonly operator: Operator;
  /** Sorted, without duplicates. */
  readonly values: readonly string[];
}

/** Selects identities by their labels. */
export interface LabelsSelector {
  readonly kind: "labels";
  readonly key: string;
  readonly requirements: readonly Requirement[];
  /**
   * Namespaces outside of which nothing can be selected; `undefined` when the selector
   * is not bound to namespaces.
   */
  readonly namespaces: readonly string[] | undefined;
}

/** Selects the identities of address blocks inside one block and outside of others. */
export interface CidrSelector {
  readonly kind: "cidr";
  readonly key: string;
  readonly cidr: IpPrefix;
  /** Sorted by their text, each inside `cidr`. */
  readonly except: readonly IpPrefix[];
}

/** Selects the identities of pods that have a container port of this name. */
export interface PortNameSelector {
  readonly kind: "portName";
  readonly key: string;
  readonly name: string;
}

/** Selects the identities of addresses that a DNS name of the pattern led to. */
export interface FqdnSelector {
  readonly kind: "fqdn";
  readonly key: string;
  readonly pattern: FqdnPattern;
}

/** A selector in canonical form: equal selectors have equal keys, however they were written. */
export type Selector = LabelsSelector | CidrSelector | FqdnSelector | PortNameSelector;

/** Where a policy comes from, which decides what its selectors can reach. */
export interface SelectorScope {
  /** The policy's namespace; `undefined` for one of the whole cluster. */
  readonly namespace: string | undefined;
  /** Name of the local cluster. */
  readonly cluster: string;
}

/**
 * Makes the selector of a policy's *subjects*: always within the policy's namespace; for
 * a policy of the whole cluster, within any namespace.
 *
 * A namespace that the author put into `matchLabels` is overridden, as Cilium does
 * (cilium/cilium pkg/k8s/apis/cilium.io/utils, ParseToCiliumRule): a namespaced policy
 * cannot reach into another namespace.
 */
export function subjectSelector(
  written: LabelSelector,
  namespace: string | undefined,
): LabelsSelector {
  if (namespace === undefined) {
    const requirements = requirementsOf(written);
    if (!namesReserved(requirements)) requirements.push(exists("k8s", NAMESPACE_KEY));
    return selectorOf(requirements);
  }
  const own = written.matchLabels.filter((l) => l.key !== NAMESPACE_KEY || l.source === "reserved");
  return selectorOf([
    ...requirementsOf({ ...written, matchLabels: own }),
    k8s(NAMESPACE_KEY, namespace),
  ]);
}

/**
 * Makes the selector of a rule's *peers*.
 *
 * Without a condition on the namespace or its labels, it is bound to the policy's
 * namespace, or to pods of any namespace if the policy has none (so that `{}` is not the
 * world); without one on the cluster, to the local cluster (the default since Cilium
 * 1.19). Selectors that name reserved labels are left as they are.
 */
export function peerSelector(
  written: LabelSelector,
  namespace: string | undefined,
  cluster: string,
): LabelsSelector {
  const requirements = requirementsOf(written);
  if (namesReserved(requirements)) return selectorOf(requirements);
  const bound = requirements.some((r) =>
    r.key === NAMESPACE_KEY || r.key.startsWith(NAMESPACE_LABELS_PREFIX)
  );
  if (!bound && namespace !== undefined) requirements.push(k8s(NAMESPACE_KEY, namespace));
  if (!bound && namespace === undefined) requirements.push(exists("k8s", NAMESPACE_KEY));
  if (!requirements.some((r) => r.key === CLUSTER_KEY)) {
    requirements.push(k8s(CLUSTER_KEY, cluster));
  }
  return selectorOf(requirements);
}

/** Makes the selector of exactly these requirements. */
export function selectorOf(requirements: readonly Requirement[]): LabelsSelector {
  const byText = new Map<string, Requirement>();
  for (const r of requirements) {
    byText.set(JSON.stringify([r.source, r.key, r.operator, r.values]), r);
  }
  const texts = [...byText.keys()].sort();
  const sorted = texts.flatMap((text) => byText.get(text) ?? []);
  const bound = sorted.find((r) =>
    r.key === NAMESPACE_KEY && r.operator === "In" && r.source !== "reserved"
  );
  return {
    kind: "labels",
    key: texts.join("&"),
    requirements: sorted,
    namespaces: bound?.values,
  };
}

/** Makes the selector of a block without others. */
export function cidrSelector(cidr: IpPrefix, except: readonly IpPrefix[] = []): CidrSelector {
  const byText = new Map(except.map((prefix) => [prefix.text, prefix]));
  const texts = [...byText.keys()].sort();
  return {
    kind: "cidr",
    key: `cidr ${[cidr.text, ...texts].join(" !")}`,
    cidr,
    except: texts.flatMap((text) => byText.get(text) ?? []),
  };
}

/** Makes the selector of what a DNS name leads to. */
export function fqdnSelector(pattern: FqdnPattern): FqdnSelector {
  return { kind: "fqdn", key: `fqdn ${pattern.text}`, pattern };
}

/** Makes the selector of pods with a container port of this name. */
export function portNameSelector(name: string): PortNameSelector {
  return { kind: "portName", key: `port ${name}`, name };
}

/** Returns the requirement that a label is there, whatever its value. */
export function exists(source: LabelSource, key: string): Requirement {
  return { source, key, operator: "Exists", values: [] };
}

/** Returns the requirement that a Kubernetes label has a value. */
export function k8s(key: string, value: string): Requirement {
  return { source: "k8s", key, operator: "In", values: [value] };
}

/** Returns the conditions of a written selector. */
export function requirementsOf({ matchLabels, matchExpressions }: LabelSelector): Requirement[] {
  const equal = matchLabels.map(({ source, key, value }): Requirement => ({
    source,
    key,
    operator: "In",
    values: [value],
  }));
  const others = matchExpressions.map(({ source, key, operator, values }): Requirement => ({
    source,
    key,
    operator,
    values: [...new Set(values)].sort(),
  }));
  return [...equal, ...others];
}

/** Tells whether the labels meet every requirement of the selector. */
export function selects(selector: LabelsSelector, labels: Labels): boolean {
  return selector.requirements.every((requirement) => meets(requirement, labels));
}

/**
 * Tells whether a selector selects an identity.
 *
 * @param portNames Names of the container ports that pods of this identity have.
 */
export function selectsIdentity(
  selector: Selector,
  { labels, prefixes }: Identity,
  portNames: ReadonlySet<string> | undefined,
): boolean {
  switch (selector.kind) {
    case "labels":
      return selects(selector, labels);
    case "cidr":
      return prefixes?.some((prefix) => isInside(selector, prefix)) ?? false;
    case "fqdn":
      return labels.some(({ source, key }) => source === "fqdn" && key === selector.pattern.text);
    case "portName":
      return portNames?.has(selector.name) ?? false;
  }
}

function isInside({ cidr, except }: CidrSelector, prefix: IpPrefix): boolean {
  return containsPrefix(cidr, prefix) && !except.some((hole) => containsPrefix(hole, prefix));
}

function meets(requirement: Requirement, labels: Labels): boolean {
  const { operator, values } = requirement;
  const found = labels.filter((label) => isAbout(requirement, label));
  switch (operator) {
    case "Exists":
      return found.length > 0;
    case "DoesNotExist":
      return found.length === 0;
    case "In":
      return found.some((label) => values.includes(label.value));
    case "NotIn":
      // As in Kubernetes, a label that is not there is not in the set either.
      return !found.some((label) => values.includes(label.value));
  }
}

/**
 * Tells whether a requirement is about a label. The label of a block is that of every block
 * around it too (cilium/cilium pkg/labels, Label.HasKey).
 */
function isAbout({ source, key }: Requirement, label: Label): boolean {
  if (source === "any") {
    return label.key === key && label.source !== "cidr" && label.source !== "fqdn";
  }
  if (label.source !== source) return false;
  if (source !== "cidr") return label.key === key;
  const [outer, inner] = [tryParseIpPrefix(key), tryParseIpPrefix(label.key)];
  return outer !== undefined && inner !== undefined && containsPrefix(outer, inner);
}

function namesReserved(requirements: readonly Requirement[]): boolean {
  return requirements.some(({ source }) => source === "reserved");
}

/** Labels that identities have only while a selector looks at them. */
export type RareSource = "node" | "cidr" | "cidrgroup" | "fqdn";

/** Returns the sources of rare labels that a selector looks at. */
export function rareSourcesOf(selector: Selector): readonly RareSource[] {
  if (selector.kind !== "labels" || selectsPodsOnly(selector)) return [];
  const asked = new Set(selector.requirements.map(({ source }) => source));
  const rare: readonly RareSource[] = ["node", "cidr", "cidrgroup", "fqdn"];
  return rare.filter((source) =>
    asked.has(source) || (asked.has("any") && (source === "node" || source === "cidrgroup"))
  );
}

/** Tells whether a selector asks for a label that only pods have. */
function selectsPodsOnly({ requirements }: LabelsSelector): boolean {
  return requirements.some(({ source, key, operator }) =>
    (operator === "In" || operator === "Exists") &&
    (source === "k8s" || (source === "any" && (key === NAMESPACE_KEY || key === CLUSTER_KEY)))
  );
}
