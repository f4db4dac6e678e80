/**
 * Network policy as its author wrote it: parsed and validated, not desugared.
 *
 * Nothing is defaulted, expanded or merged here, so that `policy` (which compiles
 * rules) and `spec` (which reads them naively) start from the same text and share
 * nothing else.
 *
 * @module
 */

import type { LabelSelector } from "./label_selector.ts";
import type { IpPrefix } from "./ip_prefix.ts";
import type { L7Rules, ListenerRef, TlsContext } from "./l7_rule.ts";
import type {
  AuthenticationMode,
  CidrSetItem,
  Entity,
  FqdnSelector,
  IcmpRule,
  ServicePeer,
} from "./rule_peer.ts";

export type {
  LabelSelector,
  LabelSource,
  MatchExpression,
  MatchLabel,
  Operator,
} from "./label_selector.ts";

/** Where a flow is judged: at its destination (ingress) or at its source (egress). */
export type RuleDirection = "ingress" | "egress";

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

/** One item of `toPorts[].ports` that names a container port of the destination. */
export interface NamedPortSpec {
  /** Lower case. */
  readonly name: string;
  /** `ANY` where the author gave none. */
  readonly protocol: PortProtocol;
}

/** One item of `toPorts`. `ports` and `namedPorts` together hold at least one port. */
export interface PortRule {
  /** The numbered ones of `ports`, 0 among them. */
  readonly ports: readonly PortSpec[];
  /** The named ones of `ports`; the order between the two lists has no meaning. */
  readonly namedPorts?: readonly NamedPortSpec[];
  /** Absent: no condition above the transport. Never in deny rules. */
  readonly rules?: L7Rules;
  /** Server names (SNI) of which a TLS client must send one; a `*` stands as in DNS patterns. */
  readonly serverNames?: readonly string[];
  readonly listener?: ListenerRef;
  readonly terminatingTls?: TlsContext;
  readonly originatingTls?: TlsContext;
}

/**
 * One item of `ingress`, `egress`, `ingressDeny` or `egressDeny`.
 *
 * At most one of the kinds of peers has items. As with `endpoints`, an absent list is no
 * condition, and an empty one is a condition that no peer meets.
 */
export interface TrafficRule {
  /**
   * `fromEndpoints` or `toEndpoints`. Absent means no condition on the peer; an
   * empty list is a condition that no peer meets.
   */
  readonly endpoints?: readonly LabelSelector[];
  /** `fromCIDR` or `toCIDR`; a bare address stands for itself. */
  readonly cidrs?: readonly IpPrefix[];
  /** `fromCIDRSet` or `toCIDRSet`. */
  readonly cidrSets?: readonly CidrSetItem[];
  /** `fromEntities` or `toEntities`. */
  readonly entities?: readonly Entity[];
  /** `fromNodes` or `toNodes`, by the labels of nodes. */
  readonly nodes?: readonly LabelSelector[];
  /** `toServices`; egress only. */
  readonly services?: readonly ServicePeer[];
  /** `toFQDNs`; `egress` only. */
  readonly fqdns?: readonly FqdnSelector[];
  /** Never with `toPorts`. Absent and empty mean the same: no condition. */
  readonly icmps?: readonly IcmpRule[];
  /** `authentication.mode`; never in deny rules. */
  readonly authentication?: AuthenticationMode;
  /** Absent and empty mean the same: no condition on the port. */
  readonly toPorts?: readonly PortRule[];
}

/** What every `spec` holds beside its subject. */
export interface SpecRules {
  readonly description?: string;
  readonly ingress?: readonly TrafficRule[];
  readonly ingressDeny?: readonly TrafficRule[];
  readonly egress?: readonly TrafficRule[];
  readonly egressDeny?: readonly TrafficRule[];
  /** As written; a direction that is left out has its default. */
  readonly enableDefaultDeny: { readonly ingress?: boolean; readonly egress?: boolean };
  /** `log.value`: text that verdicts of these rules carry. */
  readonly log?: string;
}

/** `spec`, or one item of `specs`, for endpoints. */
export interface PolicySpec extends SpecRules {
  readonly endpointSelector: LabelSelector;
}

/** `spec`, or one item of `specs`, for nodes themselves (host policy). Never with L7 rules. */
export interface HostPolicySpec extends SpecRules {
  /** By the labels of nodes. */
  readonly nodeSelector: LabelSelector;
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
   * Position of the rule in its policy and list (`ingress`, `ingressDeny`, …), counted
   * from 0 through `spec` and then every item of `specs`.
   */
  readonly index: number;
  /** The rule is one of `ingressDeny` or `egressDeny`. */
  readonly deny?: true;
}
