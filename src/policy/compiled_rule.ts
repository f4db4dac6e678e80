/**
 * Rules of every kind in one form: selectors canonical, ports as map state keys.
 *
 * @module
 */
import type { L7Rules, ListenerRef } from "../cluster/l7_rule.ts";
import type { RuleDirection, RuleOrigin } from "../cluster/rule.ts";
import type { PortBlock } from "./port_range.ts";
import type { LabelsSelector, Selector } from "./selector.ts";

/** Protocol and ports of a map state key. */
export interface PortKey extends PortBlock {
  /** IP protocol number; 0 for every protocol. */
  readonly protocol: number;
}

/** What is asked for above the transport, at the ports of one item of a rule. */
export interface L7Demand {
  /** Absent where only server names or a listener are named. */
  readonly rules?: L7Rules;
  /** Server names (SNI) of which a TLS client must send one. */
  readonly serverNames?: readonly string[];
  readonly listener?: ListenerRef;
}

/** Ports of a rule, as numbers. */
export interface RulePort extends PortKey {
  readonly l7?: L7Demand;
}

/** A port of a rule by the name that a container gives it. */
export interface NamedRulePort {
  readonly name: string;
  /** IP protocol numbers; several for `ANY`. */
  readonly protocols: readonly number[];
  readonly l7?: L7Demand;
}

/** Tiers are decided one after the other; `Pass` leads from one to the next. */
export const TIER = { ADMIN: 0, NORMAL: 1, BASELINE: 2 } as const;

/** Place of a rule among those of its direction. Rules of one place are equally strong. */
export interface Rank {
  readonly tier: typeof TIER[keyof typeof TIER];
  /** Within the tier; a lower number is decided first. */
  readonly priority: number;
  /** Place in the policy, among those of one priority; a lower number is decided first. */
  readonly index: number;
}

/** Where the rules of Cilium's policies and of NetworkPolicies stand. */
export const NORMAL_RANK: Rank = { tier: TIER.NORMAL, priority: 0, index: 0 };

/** What a rule does with what it matches. */
export type RuleVerdict = "allow" | "deny" | "pass";

/** A rule with its selectors canonical and its ports as map state keys. */
export interface CompiledRule {
  readonly origin: RuleOrigin;
  readonly direction: RuleDirection;
  readonly rank: Rank;
  readonly verdict: RuleVerdict;
  /** The endpoints (or, for a host rule, the nodes) that the rule is for. */
  readonly subject: LabelsSelector;
  /** The rule is for nodes, not for pods. */
  readonly host: boolean;
  /** The rule turns the default of its direction to deny. */
  readonly defaultDeny: boolean;
  /** `all` when there is no condition on the peer; an empty list matches nobody. */
  readonly peers: "all" | readonly Selector[];
  readonly ports: readonly RulePort[];
  /** Absent: none. */
  readonly namedPorts?: readonly NamedRulePort[];
  /** Authentication type that the author asks for, 0 for explicitly none. Absent: not said. */
  readonly authType?: number;
  /** Text that verdicts of this rule carry. */
  readonly log?: string;
  /** Age of the policy, milliseconds since 1970; absent where it is not known. */
  readonly createdAt?: number;
}

/** Authentication types, numbered as Cilium's. */
export const AUTH_TYPE = { disabled: 0, required: 1, "test-always-fail": 2 } as const;
