/**
 * Network policy as its author wrote it: parsed and validated, not desugared.
 *
 * Nothing is defaulted, expanded or merged here, so that `policy` (which compiles
 * rules) and `spec` (which reads them naively) start from the same text and share
 * nothing else.
 *
 * @module
 */

/** Where a flow is judged: at its destination (ingress) or at its source (egress). */
export type RuleDirection = "ingress" | "egress";

/**
 * Where a selector looks for a label: `k8s` labels of pods and namespaces,
 * `reserved` labels of well-known identities, or `any` of them.
 */
export type LabelSource = "any" | "k8s" | "reserved";

/** How a requirement compares a label with its values. */
export type Operator = "In" | "NotIn" | "Exists" | "DoesNotExist";

/** One line of `matchLabels`. */
export interface MatchLabel {
  readonly source: LabelSource;
  /** Label key without source, for example `org`. */
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

/** Transport protocols that `toPorts` can name. `ANY` stands for the other three. */
export type PortProtocol = "TCP" | "UDP" | "SCTP" | "ANY";

/** One item of `toPorts[].ports`. */
export interface PortSpec {
  /** Port number; 0 stands for every port of the protocol. */
  readonly port: number;
  /** Last port of the range, inclusive; absent for a single port. */
  readonly endPort?: number;
  /** `ANY` where the author gave none. */
  readonly protocol: PortProtocol;
}

/** One item of `toPorts`. */
export interface PortRule {
  readonly ports: readonly PortSpec[];
}

/** One item of `ingress` or `egress`. */
export interface TrafficRule {
  /**
   * `fromEndpoints` or `toEndpoints`. Absent means no condition on the peer; an
   * empty list is a condition that no peer meets.
   */
  readonly endpoints?: readonly LabelSelector[];
  /** Absent and empty mean the same: no condition on the port. */
  readonly toPorts?: readonly PortRule[];
}

/** `spec`, or one item of `specs`. */
export interface PolicySpec {
  readonly description?: string;
  readonly endpointSelector: LabelSelector;
  readonly ingress?: readonly TrafficRule[];
  readonly egress?: readonly TrafficRule[];
  /** As written; a direction that is left out has its default. */
  readonly enableDefaultDeny: { readonly ingress?: boolean; readonly egress?: boolean };
}

/** Names one rule, or a built-in behaviour, as the reason of a verdict. */
export interface RuleOrigin {
  /** `CiliumNetworkPolicy`, or `builtin` for what no manifest asked for. */
  readonly kind: string;
  /** Empty for what has no namespace. */
  readonly namespace: string;
  readonly name: string;
  readonly direction: RuleDirection;
  /**
   * Position of the rule in its policy and direction, counted from 0 through
   * `spec` and then every item of `specs`.
   */
  readonly index: number;
}
