import type { NodeState } from "./datapath.ts";
import { EVENTS_DROP, EVENTS_POLICY_VERDICT, EVENTS_TRACE } from "./layout.ts";

const BITS = { drop: EVENTS_DROP, policy_verdict: EVENTS_POLICY_VERDICT, trace: EVENTS_TRACE };

/** The bits of `CONFIG(events)` that the state asks for; all of them if it does not say. */
export function eventMaskOf(state: NodeState): number {
  const kinds = state.events ?? ["drop", "policy_verdict", "trace"] as const;
  return kinds.reduce((mask, kind) => mask | BITS[kind], 0);
}
