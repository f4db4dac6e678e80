/**
 * Label selectors, as written.
 *
 * @module
 */

/** Every source that a selector can name; see {@linkcode LabelSource}. */
export const LABEL_SOURCES = [
  "any",
  "k8s",
  "reserved",
  "cidr",
  "cidrgroup",
  "fqdn",
  "node",
] as const;

/**
 * Where a selector looks for a label: `k8s` labels of pods and namespaces, `reserved`
 * labels of well-known identities, labels of address blocks (`cidr`), of CiliumCIDRGroups
 * (`cidrgroup`), of DNS names (`fqdn`), of nodes (`node`), or `any` of them but blocks and
 * names, which nobody means without saying so.
 */
export type LabelSource = typeof LABEL_SOURCES[number];

/** How a requirement compares a label with its values. */
export type Operator = "In" | "NotIn" | "Exists" | "DoesNotExist";

/** One line of `matchLabels`. */
export interface MatchLabel {
  readonly source: LabelSource;
  /**
   * Label key without source, for example `org`. That of source `cidr` is a block in its
   * canonical form (`fd00::/8`), that of `fqdn` a name in lower case.
   */
  readonly key: string;
  readonly value: string;
}

/** One item of `matchExpressions`. */
export interface MatchExpression {
  readonly source: LabelSource;
  /** Label key without source. */
  readonly key: string;
  readonly operator: Operator;
  /** At least one with `In` and `NotIn`, none with the others. */
  readonly values: readonly string[];
}

/** A label selector: all of its parts must hold. Without parts it holds for everything. */
export interface LabelSelector {
  readonly matchLabels: readonly MatchLabel[];
  readonly matchExpressions: readonly MatchExpression[];
}
