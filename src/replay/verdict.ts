import type { RuleOrigin } from "../cluster/rule.ts";
import {
  EVENT_DROP,
  EVENT_POLICY_VERDICT,
  MARK_MASK,
  MARK_TO_PROXY,
  PACKET_OK,
  PACKET_REDIRECT,
  PACKET_SHOT,
} from "../datapath/layout.ts";
import type { Answer } from "../verify/compare.ts";
import { ctStateName, directionName, reasonName } from "../verify/reason_name.ts";
import type { RulesOfCookie } from "../verify/test_packet.ts";

/** What became of a packet, in words. */
export interface PacketVerdict {
  /** `redirected`: to a proxy, which decides. */
  readonly verdict: "allowed" | "dropped" | "redirected";
  /** Why it was dropped: `DROP_POLICY`. */
  readonly reason?: string;
  /** Whose policy dropped it: the sender's (egress) or the receiver's. */
  readonly direction?: "ingress" | "egress";
  /** Conntrack's word, where an event has it: `new`. */
  readonly state?: string;
  /** Port of the proxy. */
  readonly proxyPort?: number;
  /** Rules behind the verdict, where an event names them. */
  readonly rules?: readonly RuleOrigin[];
}

/** Puts what a datapath did into words. */
export function packetVerdict({ output, events }: Answer, rulesOf: RulesOfCookie): PacketVerdict {
  const judged = events.filter(({ type }) => type === EVENT_DROP || type === EVENT_POLICY_VERDICT);
  const last = judged.at(-1);
  const rules = judged.flatMap(({ cookie }) => rulesOf(cookie) ?? []);
  const known = {
    ...(last === undefined ? {} : { state: ctStateName(last.ctState) }),
    ...(rules.length === 0 ? {} : { rules }),
  };
  switch (output.verdict) {
    case PACKET_SHOT:
      return last === undefined ? { verdict: "dropped", reason: "unknown: its event was lost" } : {
        verdict: "dropped",
        reason: reasonName(last.reason),
        direction: directionName(last.direction),
        ...known,
      };
    case PACKET_REDIRECT:
      return { verdict: "allowed", ...known };
    case PACKET_OK:
      return (output.mark & MARK_MASK) === MARK_TO_PROXY
        ? { verdict: "redirected", proxyPort: output.mark >>> 16, ...known }
        : { verdict: "allowed", ...known };
    default:
      throw new RangeError(
        `Cannot name verdict "${output.verdict}": unknown, expected ok, drop or redirect`,
      );
  }
}
