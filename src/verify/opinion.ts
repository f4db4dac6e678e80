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
  DROP_AUTH_REQUIRED,
  DROP_CT_UNKNOWN_PROTO,
  DROP_POLICY,
  DROP_POLICY_DENY,
  DROP_PROXY_LOOKUP_FAILED,
  DROP_PROXY_SET_FAILED,
  DROP_PROXY_UNKNOWN_PROTO,
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
import type { SideVerdict } from "../spec/evaluate.ts";
import type { Flow as SpecFlow } from "../spec/flow.ts";
import { ECHO_REPLY, type Flow, hasPorts, IP_PROTOCOL, isEcho, isIcmp, isTracked } from "./flow.ts";
import { FlowTable, type Tuple } from "./flow_table.ts";
import type { Party } from "./parties.ts";
import { type ExpectedProxy, ODD_REQUEST } from "./proxy.ts";
import type { Scenario } from "./scenario.ts";

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
  /** `skb->mark` afterwards, unsigned; 0 where {@linkcode Expectation.proxy} says it. */
  readonly mark: number;
  /** The mark must send it to a proxy like this. */
  readonly proxy?: ExpectedProxy | undefined;
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
  /** Why it is dropped, or would be but for audit mode; else `REASON_FORWARDED`. */
  readonly reason: number;
  readonly rules: readonly RuleOrigin[];
  readonly proxy?: ExpectedProxy;
}

/** What one side makes of a packet. */
interface SideOutcome {
  readonly passes: boolean;
  readonly fresh: boolean;
  readonly events: readonly ExpectedEvent[];
  /** What the side knew of the packet. */
  readonly last: ExpectedEvent;
  readonly proxy?: ExpectedProxy | undefined;
}

/** A question of one side that was asked already. */
interface Answered extends Pick<SpecFlow, "protocol" | "port"> {
  readonly source: Party;
  readonly destination: Party;
  readonly answer: Judgement;
}

type Side = "ingress" | "egress";

const SECOND = 1_000_000_000n;

/** What a policy says, as opposed to one that is missing, and to a proxy that is. */
const POLICY_DROPS: readonly number[] = [DROP_POLICY, DROP_POLICY_DENY, DROP_AUTH_REQUIRED];

/** Judges packets one after the other; flows are remembered until {@linkcode Opinion.forget}. */
export class Opinion {
  readonly #scenario: Scenario;
  readonly #flows = new FlowTable();
  /** The packets of one flow ask the same. */
  readonly #answered: Partial<Record<Side, Answered>> = {};

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

  #fromContainer(sent: Flow, { now, ttl }: Arrival): Expectation {
    // What a container says of its mark is not believed.
    const flow = { ...sent, mark: 0 };
    const { state, party: source } = this.#scenario.endpoint(flow.endpoint);
    const foreign = foreignIcmp(flow, "egress");
    if (foreign !== undefined) return foreign;
    const destination = this.#scenario.partyAt(flow.destination);
    const left = this.#side("egress", flow, source, destination, flow.endpoint, now);
    if (!left.passes) return shot(flow.mark, left.events, left.fresh);
    if (left.proxy !== undefined) return proxied(left, undefined);
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
    if (arrived.proxy !== undefined) return { ...proxied(arrived, target), events, fresh };
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

  #side(
    side: Side,
    flow: Flow,
    source: Party,
    destination: Party,
    endpoint: number,
    now: bigint,
  ): SideOutcome {
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
    const { allowed, reason, rules, proxy } = this.#judge(side, flow, source, destination);
    const known = { ...last, ctState, rules };
    if (!allowed) {
      if (ctState === CT_ESTABLISHED && POLICY_DROPS.includes(reason)) this.#flows.remove(tuple);
      const drop = { ...known, type: EVENT_DROP, reason };
      return { passes: false, fresh, events: [drop], last: known };
    }
    if (ctState === CT_ESTABLISHED) {
      this.#flows.update(tuple, flow, seconds, ctState);
      return { passes: true, fresh, events: [], last: known, proxy };
    }
    if (mayStartFlow(flow)) this.#flows.update(tuple, flow, seconds, CT_NEW);
    return { passes: true, fresh, events: [{ ...known, reason }], last: known, proxy };
  }

  #judge(side: Side, flow: Flow, source: Party, destination: Party): Judgement {
    const { protocol, dport: port } = flow;
    const before = this.#answered[side];
    const isSame = before?.source === source && before.destination === destination &&
      before.protocol === protocol && before.port === port;
    const judgement = isSame
      ? before.answer
      : this.#ask(side, { source: source.peer, destination: destination.peer, protocol, port });
    this.#answered[side] = { source, destination, protocol, port, answer: judgement };
    // At the to-container hook no packet can be given to a proxy.
    const isLost = judgement.proxy !== undefined && flow.hook === "to_container";
    return isLost ? refused(DROP_PROXY_SET_FAILED, judgement.rules) : judgement;
  }

  #ask(side: Side, question: SpecFlow): Judgement {
    const said = this.#scenario.evaluate(question, side);
    const reason = dropReason(said);
    const { rules } = said;
    if (reason !== REASON_FORWARDED) {
      return { allowed: this.#scenario.options.audit ?? false, reason, rules };
    }
    return said.redirect === undefined
      ? { allowed: true, reason, rules }
      : this.#redirect(side, question, said.redirect.kind, rules);
  }

  #redirect(
    side: Side,
    question: SpecFlow,
    kind: ExpectedProxy["kind"],
    rules: readonly RuleOrigin[],
  ): Judgement {
    const odd = this.#scenario.evaluate({ ...question, request: ODD_REQUEST[kind] }, side);
    const proxy = { direction: side, kind, passesOdd: odd.redirect?.verdict === "allow" };
    const { TCP, UDP } = IP_PROTOCOL;
    const isRead = question.protocol === TCP || question.protocol === UDP;
    const failure = isRead ? DROP_PROXY_LOOKUP_FAILED : DROP_PROXY_UNKNOWN_PROTO;
    const reason = isRead && this.#scenario.hasProxies ? REASON_FORWARDED : failure;
    return { allowed: reason === REASON_FORWARDED, reason, rules, proxy };
  }
}

/** Why policy drops a packet of which the text says this; `REASON_FORWARDED` if it does not. */
function dropReason({ verdict, reason, authentication }: SideVerdict): number {
  if (verdict === "deny") return reason ?? DROP_POLICY;
  // Nobody can prove who they are as yet.
  return authentication === undefined ? REASON_FORWARDED : DROP_AUTH_REQUIRED;
}

function refused(reason: number, rules: readonly RuleOrigin[]): Judgement {
  return { allowed: false, reason, rules };
}

/** A packet that a mark sends to a proxy, through the stack. */
function proxied(
  { proxy, events, fresh }: SideOutcome,
  routedTo: EndpointState | undefined,
): Expectation {
  return { verdict: PACKET_OK, mark: 0, proxy, routedTo, events, fresh };
}

/** A mark has room for 24 bits of an identity: those of one node's scope do not travel. */
export const MARK_IDENTITIES = 1 << 24;

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
