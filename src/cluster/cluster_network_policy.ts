/**
 * The ClusterNetworkPolicy of Kubernetes (`policy.networking.k8s.io`, `v1alpha2`
 * and `v1beta1`, which have the same form), as written.
 * AdminNetworkPolicy and BaselineAdminNetworkPolicy (`v1alpha1`) are read into
 * the same form.
 *
 * @module
 */
import type { IpPrefix } from "./ip_prefix.ts";
import type { Location } from "./location.ts";
import type { LabelSelector } from "./label_selector.ts";

/** What a rule does with a flow; `Pass` leaves it to the next tier. */
export type ClusterNetworkPolicyAction = "Accept" | "Deny" | "Pass";

/** Pods: those of some namespaces, or some pods of some namespaces. Sources are `k8s`. */
export type NamespacedPods =
  | { readonly namespaces: LabelSelector }
  | {
    readonly pods: {
      readonly namespaceSelector: LabelSelector;
      readonly podSelector: LabelSelector;
    };
  };

/** One item of `from` or `to`. Nodes, networks and domain names are for egress only. */
export type ClusterNetworkPolicyPeer =
  | NamespacedPods
  | {
    /** Selects by the labels of Node objects. */
    readonly nodes: LabelSelector;
  }
  | { readonly networks: readonly IpPrefix[] }
  | {
    /** `kubernetes.io`, or `*.kubernetes.io` for every name below it. Lower case. */
    readonly domainNames: readonly string[];
  };

/** One item of `protocols`: a protocol, its ports, or a named port of the destination. */
export type ClusterNetworkPolicyProtocol =
  | {
    readonly protocol: "TCP" | "UDP" | "SCTP";
    /** Destination ports, inclusive; 1 to 65535. */
    readonly ports: { readonly start: number; readonly end: number };
  }
  | {
    /** Name of a container port of the destination pod, which also says the protocol. */
    readonly namedPort: string;
  };

/** One item of `ingress` or `egress`. */
export interface ClusterNetworkPolicyRule {
  /** Name that the author gave the rule, for messages. */
  readonly name?: string;
  readonly action: ClusterNetworkPolicyAction;
  /** At least one; a flow matches when one of them does. */
  readonly peers: readonly ClusterNetworkPolicyPeer[];
  /** Absent: every protocol and port. */
  readonly protocols?: readonly ClusterNetworkPolicyProtocol[];
}

/** A ClusterNetworkPolicy. Its rules are tried in order, the first that matches counts. */
export interface ClusterNetworkPolicy {
  readonly kind: "ClusterNetworkPolicy";
  /** The kind of the manifest. */
  readonly writtenAs:
    | "ClusterNetworkPolicy"
    | "AdminNetworkPolicy"
    | "BaselineAdminNetworkPolicy";
  readonly name: string;
  readonly tier: "Admin" | "Baseline";
  /** 0 to 1000; policies of a lower number are tried first. */
  readonly priority: number;
  readonly subject: NamespacedPods;
  readonly ingress: readonly ClusterNetworkPolicyRule[];
  readonly egress: readonly ClusterNetworkPolicyRule[];
  /** `metadata.creationTimestamp`, milliseconds since 1970. */
  readonly createdAt?: number;
  readonly location: Location;
}
