/**
 * The naive opinion on a packet: what the text of the policies and the text of `bpf/*.h`
 * say must become of it. It judges by `spec`, follows packets with a plain map of flows,
 * and shares no code with either datapath.
 *
 * @module
 */
import type { RuleOrigin } from "../cluster/rule.ts";
import type { EndpointState } from "../datapath/datapath.ts";
import {
  CT_ESTABLISHED,
  CT_NEW,
  CT_REPLY,
  CT_UNTRACKED,
  DIRECTION_EGRESS,
  DIRECTION_INGRESS,
  DROP_CT_UNKNOWN_PROTO,
  DROP_TTL_EXCEEDED,
  EVENT_DROP,
  EVENT_POLICY_VERDICT,
  IDENTITY_HOST,
  MARK_ENFORCED,
  MARK_HOST,
  MARK_IDENTITY,
  MARK_MASK,
  PACKET_OK,
  PACKET_REDIRECT,
  PACKET_SHOT,
  REASON_FORWARDED,
} from "../datapath/layout.ts";
import { evaluateSide, type Flow as SpecFlow } from "../spec/evaluate.ts";
import { ECHO_REPLY, type Flow, hasPorts, IP_PROTOCOL, isEcho, isIcmp, isTracked } from "./flow.ts";
import { FlowTable, type Tuple } from "./flow_table.ts";
import type { Party, Scenario } from "./scenario.ts";

/** An event that must be raised. */
export interface ExpectedEvent {
  readonly type: number;
  /** Drop reason, or `REASON_FORWARDED`. */
  readonly reason: number;
  readonly direction: number;
  readonly endpoint: number;
  readonly ctState: number;
  /** Numeric identities; 0 where the packet was dropped before they were known. */
  readonly source: number;
  readonly destination: number;
  /** The rules behind the verdict; empty where no rule was needed or none was found. */
  readonly rules: readonly RuleOrigin[];
}

/** What must become of a packet. */
export interface Expectation {
  /** `TC_ACT_*`. */
  readonly verdict: number;
  /** `skb->mark` afterwards, unsigned. */
  readonly mark: number;
  /** The endpoint it is routed to: TTL goes down by one, MACs are those of the last hop. */
  readonly routedTo: EndpointState | undefined;
  readonly events: readonly ExpectedEvent[];
  /** No flow of before had a part in it: so any flow of its class must fare. */
  readonly fresh: boolean;
}

/** When and how a packet of a {@linkcode Flow} arrives. */
export interface Arrival {
  /** Ambient clock, nanoseconds. */
  readonly now: bigint;
  /** TTL or hop limit. */
  readonly ttl: number;
}

interface Judgement {
  readonly allowed: boolean;
  readonly reason: number;
  readonly rules: readonly RuleOrigin[];
}

type Side = "ingress" | "egress";

const SECOND = 1_000_000_000n;

/** Judges packets one after the other; flows are remembered until {@linkcode Opinion.forget}. */
export class Opinion {
  readonly #scenario: Scenario;
  readonly #flows = new FlowTable();

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  /** Forgets all flows, as cleared conntrack tables do. */
  forget(): void {
    this.#flows.clear();
  }

  /** Number of flows remembered: entries that the conntrack tables must have. */
  get flowCount(): number {
    return this.#flows.size;
  }

  /** Says what must become of a packet. */
  judge(flow: Flow, arrival: Arrival): Expectation {
    return flow.hook === "from_container"
      ? this.#fromContainer(flow, arrival)
      : this.#toContainer(flow, arrival);
  }

  #fromContainer(flow: Flow, { now, ttl }: Arrival): Expectation {
    const { state, party: source } = this.#scenario.endpoint(flow.endpoint);
    const foreign = foreignIcmp(flow, "egress");
    if (foreign !== undefined) return foreign;
    const destination = this.#scenario.partyAt(flow.destination);
    const left = this.#side("egress", flow, source, destination, flow.endpoint, now);
    if (!left.passes) return shot(flow.mark, left.events, left.fresh);
    const target = this.#scenario.endpointAt(flow.destination);
    if (target === undefined) {
      const mark = identityMark(state.identity);
      const { events, fresh } = left;
      return { verdict: PACKET_OK, mark, routedTo: undefined, events, fresh };
    }
    if (ttl <= 1) {
      const drop = { ...left.last, type: EVENT_DROP, reason: DROP_TTL_EXCEEDED };
      return shot(flow.mark, [...left.events, drop], left.fresh);
    }
    const arrived = this.#side("ingress", flow, source, destination, target.id, now);
    const events = [...left.events, ...arrived.events];
    const fresh = left.fresh && arrived.fresh;
    if (!arrived.passes) return { ...shot(flow.mark, events, fresh), routedTo: target };
    return { verdict: PACKET_REDIRECT, mark: MARK_ENFORCED, routedTo: target, events, fresh };
  }

  #toContainer(flow: Flow, { now }: Arrival): Expectation {
    const passed = { verdict: PACKET_OK, mark: flow.mark, routedTo: undefined };
    if ((flow.mark & MARK_MASK) === MARK_ENFORCED) return { ...passed, events: [], fresh: true };
    const foreign = foreignIcmp(flow, "ingress");
    if (foreign !== undefined) return foreign;
    const { party: destination } = this.#scenario.endpoint(flow.endpoint);
    const source = this.#sourceOf(flow);
    const arrived = this.#side("ingress", flow, source, destination, flow.endpoint, now);
    const { events, fresh } = arrived;
    return arrived.passes ? { ...passed, events, fresh } : shot(flow.mark, events, fresh);
  }

  /** What a mark says about the sender counts more than the address. */
  #sourceOf({ mark, source }: Flow): Party {
    if ((mark & MARK_MASK) === MARK_HOST) return this.#scenario.partyOf(IDENTITY_HOST);
    if ((mark & MARK_MASK) !== MARK_IDENTITY) return this.#scenario.partyAt(source);
    return this.#scenario.partyOf(mark >>> 16 | (mark & 0xff) << 16);
  }

  #side(side: Side, flow: Flow, source: Party, destination: Party, endpoint: number, now: bigint) {
    const direction = side === "egress" ? DIRECTION_EGRESS : DIRECTION_INGRESS;
    const last: ExpectedEvent = {
      type: EVENT_POLICY_VERDICT,
      reason: REASON_FORWARDED,
      direction,
      endpoint,
      ctState: CT_NEW,
      source: source.identity,
      destination: destination.identity,
      rules: [],
    };
    // Path MTU discovery must not depend on policy.
    if (isPathMtu(flow)) {
      return { passes: true, fresh: true, events: [], last: { ...last, ctState: CT_UNTRACKED } };
    }
    const tuple = tupleOf(flow, direction);
    const seconds = Number(now / SECOND);
    const ctState = isTracked(flow) ? this.#flows.find(tuple, flow, seconds) : CT_UNTRACKED;
    if (ctState === CT_REPLY) {
      this.#flows.update(tuple, flow, seconds, ctState);
      return { passes: true, fresh: false, events: [], last: { ...last, ctState } };
    }
    const fresh = ctState !== CT_ESTABLISHED;
    const { allowed, reason, rules } = this.#judge(side, flow, source, destination);
    const event = { ...last, ctState, rules };
    if (!allowed) {
      const drop = { ...event, type: EVENT_DROP, reason };
      return { passes: false, fresh, events: [drop], last: event };
    }
    if (ctState === CT_ESTABLISHED) {
      this.#flows.update(tuple, flow, seconds, ctState);
      return { passes: true, fresh, events: [], last: event };
    }
    if (mayStartFlow(flow)) this.#flows.update(tuple, flow, seconds, CT_NEW);
    return { passes: true, fresh, events: [event], last: event };
  }

  #judge(side: Side, flow: Flow, source: Party, destination: Party): Judgement {
    const question: SpecFlow = {
      source: source.peer,
      destination: destination.peer,
      protocol: flow.protocol,
      port: flow.dport,
    };
    const { verdict, reason = 0, rules } = evaluateSide(this.#scenario.policies, question, side);
    return { allowed: verdict === "allow", reason, rules };
  }
}

/** The mark by which the stack's way back to a local endpoint keeps an identity. */
export function identityMark(identity: number): number {
  return (identity << 16 | MARK_IDENTITY | identity >>> 16 & 0xff) >>> 0;
}

function shot(mark: number, events: readonly ExpectedEvent[], fresh: boolean): Expectation {
  return { verdict: PACKET_SHOT, mark, routedTo: undefined, events, fresh };
}

/** ICMP of the other family is dropped before anything else is looked at. */
function foreignIcmp(flow: Flow, side: Side): Expectation | undefined {
  const { family } = flow.source;
  const foreign = family === 4 ? IP_PROTOCOL.ICMPV6 : IP_PROTOCOL.ICMP;
  if (flow.protocol !== foreign) return undefined;
  return shot(flow.mark, [{
    type: EVENT_DROP,
    reason: DROP_CT_UNKNOWN_PROTO,
    direction: side === "egress" ? DIRECTION_EGRESS : DIRECTION_INGRESS,
    endpoint: flow.endpoint,
    ctState: CT_NEW,
    source: 0,
    destination: 0,
    rules: [],
  }], true);
}

function isPathMtu(flow: Flow): boolean {
  if (flow.protocol === IP_PROTOCOL.ICMPV6) return flow.dport === 2;
  return flow.protocol === IP_PROTOCOL.ICMP && flow.dport === 3 && flow.code === 4;
}

/** An echo reply belongs to a request; without one it starts nothing. */
function mayStartFlow(flow: Flow): boolean {
  return isTracked(flow) && !(isIcmp(flow) && flow.dport === ECHO_REPLY[flow.source.family]);
}

function tupleOf(flow: Flow, direction: number): Tuple {
  const { source, destination, protocol } = flow;
  let { sport, dport } = flow;
  // An echo has one number for both ends: it stands at the side of the one who asks.
  if (!isEcho(flow) && !hasPorts(flow)) [sport, dport] = [0, 0];
  if (isEcho(flow)) {
    const reply = dport === ECHO_REPLY[source.family];
    [sport, dport] = reply ? [0, sport] : [sport, 0];
  }
  return { source: source.text, destination: destination.text, sport, dport, protocol, direction };
}
