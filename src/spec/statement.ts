import type { AuthenticationMode } from "../cluster/rule_peer.ts";
import type { RuleOrigin } from "../cluster/rule.ts";
import type { L7Condition } from "./l7.ts";

/** Tiers in the order in which they are asked. */
export const TIERS = ["Admin", "Normal", "Baseline"] as const;

/** One of {@linkcode TIERS}; every NetworkPolicy and Cilium policy is in `Normal`. */
export type Tier = typeof TIERS[number];

/** What a rule does with what it is about; `pass` leaves it to the next tier. */
export type Effect = "allow" | "deny" | "pass";

/** What one rule says of one flow to or from a subject that its policy selects. */
export interface Statement {
  readonly origin: RuleOrigin;
  readonly tier: Tier;
  /** Order within the tier, first number first. Rules of one level have no order. */
  readonly level: readonly number[];
  readonly effect: Effect;
  /** The subject gets only what is allowed, for the sake of this rule. */
  readonly defaultDeny: boolean;
  /**
   * The parts of the rule that cover the flow, each with its conditions above the
   * transport. Empty: the rule is not about this flow.
   */
  readonly covering: readonly Cover[];
  /** When the policy was made, milliseconds since 1970; the older one wins L7 conflicts. */
  readonly createdAt?: number;
}

/** One part of a rule that covers a flow. */
export interface Cover {
  /** Absent: whatever is said above the transport is allowed. */
  readonly l7?: L7Condition;
  readonly authentication?: AuthenticationMode;
  /** The rule is for every peer there is, not for this one by name. */
  readonly isForEveryone: boolean;
  /** Bits of protocol and port that the part fixes, see `narrownessOf` in `port.ts`. */
  readonly narrowness: number;
}
