import { type FlowEvent, type FlowTuple, tupleKey } from "./event.ts";
import { type EventNames, policiesOf, reasonName } from "./sentence.ts";

/** What a datapath made of the first packet of a flow, by its events. */
export interface Decision {
  readonly allowed: boolean;
  /** Of a denial: `policy`. Empty for what is allowed. */
  readonly reason: string;
  /** Of a denial: whose policy. Of what is allowed: the destination's. */
  readonly direction: "ingress" | "egress";
  /** Policies behind it, `namespace/name`; none where no rule was needed or none was found. */
  readonly policies: readonly string[];
}

/** Collects the events of many flows, and says what was decided about each. */
export class Decisions {
  readonly #names: Pick<EventNames, "rulesOf">;
  readonly #byFlow = new Map<string, Decision>();

  constructor(names: Pick<EventNames, "rulesOf">) {
    this.#names = names;
  }

  /** Takes an event in. A denial is final: what comes later is a repetition of the packet. */
  add({ type, reason, direction, cookie, flow }: FlowEvent): void {
    if (type === "trace" || !flow) return;
    const key = tupleKey(flow);
    if (this.#byFlow.get(key)?.allowed === false) return;
    const policies = policiesOf(cookie, this.#names);
    if (type === "drop") {
      this.#byFlow.set(key, { allowed: false, reason: reasonName(reason), direction, policies });
    } else if (direction === "ingress") {
      this.#byFlow.set(key, { allowed: true, reason: "", direction, policies });
    }
  }

  /** What was decided; `undefined` before the destination has judged it. */
  of(flow: FlowTuple): Decision | undefined {
    return this.#byFlow.get(tupleKey(flow));
  }
}

/** Tells whether two datapaths decided alike, reasons and policies included. */
export function sameDecision(a: Decision | undefined, b: Decision | undefined): boolean {
  if (!a || !b) return a === b;
  return a.allowed === b.allowed && a.reason === b.reason && a.direction === b.direction &&
    a.policies.join() === b.policies.join();
}

/** `allowed by default/deathstar-ingress`, `denied: policy (egress)`. */
export function formatDecision(decision: Decision | undefined): string {
  if (!decision) return "not decided";
  const { allowed, reason, direction, policies } = decision;
  const by = policies.length > 0 ? ` by ${policies.join(", ")}` : "";
  return allowed ? `allowed${by}` : `denied${by}: ${reason} (${direction})`;
}
