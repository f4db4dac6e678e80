import type { LabelSelector, LabelSource, Operator } from "../cluster/rule.ts";
import {
  CLUSTER_KEY,
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

/** A selector in canonical form: equal selectors have equal keys, however they were written. */
export interface Selector {
  readonly key: string;
  readonly requirements: readonly Requirement[];
  /**
   * Namespaces outside of which nothing can be selected; `undefined` when the selector
   * is not bound to namespaces.
   */
  readonly namespaces: readonly string[] | undefined;
}

/**
 * Makes the selector of a policy's *subjects*: always within the policy's namespace.
 *
 * A namespace that the author put into `matchLabels` is overridden, as Cilium does
 * (cilium/cilium pkg/k8s/apis/cilium.io/utils, ParseToCiliumRule): a namespaced policy
 * cannot reach into another namespace.
 */
export function subjectSelector(written: LabelSelector, namespace: string): Selector {
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
 * namespace; without one on the cluster, to the local cluster (the default since Cilium
 * 1.19). Selectors that name reserved labels are left as they are.
 */
export function peerSelector(written: LabelSelector, namespace: string, cluster: string): Selector {
  const requirements = requirementsOf(written);
  if (requirements.some((r) => r.source === "reserved")) return selectorOf(requirements);
  const bound = requirements.some((r) =>
    r.key === NAMESPACE_KEY || r.key.startsWith(NAMESPACE_LABELS_PREFIX)
  );
  if (!bound) requirements.push(k8s(NAMESPACE_KEY, namespace));
  if (!requirements.some((r) => r.key === CLUSTER_KEY)) {
    requirements.push(k8s(CLUSTER_KEY, cluster));
  }
  return selectorOf(requirements);
}

/** Tells whether the labels meet every requirement of the selector. */
export function selects(selector: Selector, labels: Labels): boolean {
  return selector.requirements.every((requirement) => meets(requirement, labels));
}

function meets({ source, key, operator, values }: Requirement, labels: Labels): boolean {
  const found = labels.filter((l) => l.key === key && (source === "any" || l.source === source));
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

function requirementsOf({ matchLabels, matchExpressions }: LabelSelector): Requirement[] {
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

function selectorOf(requirements: readonly Requirement[]): Selector {
  const byText = new Map<string, Requirement>();
  for (const r of requirements) {
    byText.set(JSON.stringify([r.source, r.key, r.operator, r.values]), r);
  }
  const texts = [...byText.keys()].sort();
  const sorted = texts.flatMap((text) => byText.get(text) ?? []);
  const bound = sorted.find((r) =>
    r.key === NAMESPACE_KEY && r.operator === "In" && r.source !== "reserved"
  );
  return { key: texts.join("&"), requirements: sorted, namespaces: bound?.values };
}

function k8s(key: string, value: string): Requirement {
  return { source: "k8s", key, operator: "In", values: [value] };
}
