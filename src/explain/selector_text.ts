import { CLUSTER_KEY, NAMESPACE_KEY, SERVICE_ACCOUNT_KEY } from "../identity/label.ts";
import type { Requirement, Selector } from "../policy/selector.ts";

/** Returns what a selector asks for, in the words of policy authors. */
export function selectorText(selector: Selector): string {
  switch (selector.kind) {
    case "labels":
      return selector.requirements.length === 0
        ? "everything"
        : selector.requirements.map(requirementText).join(", ");
    case "cidr": {
      const except = selector.except.map(({ text }) => text).join(", ");
      return selector.cidr.text + (except === "" ? "" : ` except ${except}`);
    }
    case "fqdn":
      return `addresses of ${selector.pattern.text}`;
    case "portName":
      return `pods with a port "${selector.name}"`;
  }
}

/** Returns `app=web`, `tier in (a, b)`, `!debug`, `reserved:host`, … */
export function requirementText({ source, key, operator, values }: Requirement): string {
  const named = source === "any" || source === "k8s" ? shortKey(key) : `${source}:${key}`;
  switch (operator) {
    case "In":
      // Labels of most sources have no values.
      if (values.length === 1) return values[0] === "" ? named : `${named}=${values[0]}`;
      return `${named} in (${values.join(", ")})`;
    case "NotIn":
      return `${named} not in (${values.join(", ")})`;
    case "Exists":
      return named;
    case "DoesNotExist":
      return `no ${named}`;
  }
}

const SHORT_KEYS: readonly (readonly [prefix: string, short: string])[] = [
  [NAMESPACE_KEY, "namespace"],
  ["io.cilium.k8s.namespace.labels.", "namespace label "],
  [CLUSTER_KEY, "cluster"],
  [SERVICE_ACCOUNT_KEY, "service account"],
];

/** The keys that Cilium adds, as people call them. */
export function shortKey(key: string): string {
  for (const [prefix, short] of SHORT_KEYS) {
    if (key.startsWith(prefix)) return short + key.slice(prefix.length);
  }
  return key;
}
