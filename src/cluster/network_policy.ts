/**
 * The NetworkPolicy of Kubernetes (`networking.k8s.io/v1`), as written.
 *
 * @module
 */
import type { IpPrefix } from "./ip_prefix.ts";
import type { Location } from "./location.ts";
import type { LabelSelector } from "./label_selector.ts";
import type { RuleDirection } from "./rule.ts";

/**
 * One item of `from` or `to`. With both selectors a peer must meet both;
 * `podSelector` alone selects in the policy's own namespace.
 */
export type NetworkPolicyPeer =
  | { readonly ipBlock: IpBlock }
  | NetworkPolicySelectors;

/** The selectors of a peer; at least one of them is there. Sources are `k8s`. */
export interface NetworkPolicySelectors {
  readonly podSelector?: LabelSelector;
  /** Selects by the labels of Namespace objects. */
  readonly namespaceSelector?: LabelSelector;
}

/** `ipBlock`. */
export interface IpBlock {
  readonly cidr: IpPrefix;
  /** Each inside `cidr`. */
  readonly except: readonly IpPrefix[];
}

/** One item of `ports`. */
export interface NetworkPolicyPort {
  /** `TCP` where the author gave none. */
  readonly protocol: "TCP" | "UDP" | "SCTP";
  /** A number from 1, or the name of a container port. Absent: every port of the protocol. */
  readonly port?: number | string;
  /** Last port of the range, inclusive; only with a numeric `port`. */
  readonly endPort?: number;
}

/** One item of `ingress` or `egress`. */
export interface NetworkPolicyRule {
  /** `from` or `to`. Absent and empty mean the same: everyone. */
  readonly peers?: readonly NetworkPolicyPeer[];
  /** Absent and empty mean the same: every port of every protocol. */
  readonly ports?: readonly NetworkPolicyPort[];
}

/** A NetworkPolicy. */
export interface NetworkPolicy {
  readonly kind: "NetworkPolicy";
  readonly namespace: string;
  readonly name: string;
  /** Selects pods of the policy's namespace. */
  readonly podSelector: LabelSelector;
  /** As written. Absent: ingress always, egress if there are egress rules. */
  readonly policyTypes?: readonly RuleDirection[];
  readonly ingress?: readonly NetworkPolicyRule[];
  readonly egress?: readonly NetworkPolicyRule[];
  /** `metadata.creationTimestamp`, milliseconds since 1970. */
  readonly createdAt?: number;
  readonly location: Location;
}
