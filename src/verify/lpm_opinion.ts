/**
 * The opinion of Cilium's policy maps: what an event says that policy has decided must be what the
 * policy map of its endpoint says, in Cilium's own layout and by its own lookup.
 *
 * It knows map state and bytes of maps, neither profiles nor images nor rules, and needs no kernel.
 *
 * @module
 */
import type { EndpointState, NodeState, PolicyState } from "../datapath/datapath.ts";
import {
  DIRECTION_EGRESS,
  DROP_AUTH_REQUIRED,
  DROP_POLICY,
  DROP_POLICY_DENY,
  DROP_POLICY_IMAGE,
  DROP_PROXY_LOOKUP_FAILED,
  DROP_PROXY_SET_FAILED,
  DROP_PROXY_UNKNOWN_PROTO,
  EVENT_DROP,
  EVENT_POLICY_VERDICT,
  IDENTITY_REMOTE_NODE,
  IDENTITY_RESERVED_MAX,
  IDENTITY_SCOPE_LOCAL,
  IDENTITY_SCOPE_REMOTE_NODE,
  IDENTITY_SCOPE_SHIFT,
  IDENTITY_WORLD_IPV4,
  IDENTITY_WORLD_IPV6,
  MARK_MASK,
  MARK_TO_PROXY,
  PACKET_OK,
  REASON_FORWARDED,
  VERDICT_ALLOW,
  VERDICT_DENY,
  VERDICT_NONE,
  VERDICT_REDIRECT,
} from "../datapath/layout.ts";
import { type LpmDecision, LpmPolicy } from "../datapath/lpm_policy.ts";
import { encodeLpmPolicy } from "../datapath/lpm_policy_map.ts";
import type { Answer } from "./compare.ts";
import type { EventRecord } from "./event_record.ts";
import { listed } from "./outcome.ts";
import { directionName, reasonName } from "./reason_name.ts";
import type { RulesOfCookie } from "./test_packet.ts";

/** An event about a decision of policy, and what the policy map says of it. */
export interface LpmAnswer {
  readonly event: EventRecord;
  readonly decision: LpmDecision;
}

/** The policy of an endpoint; its map is made when it is first asked. */
interface Governed {
  readonly policy: PolicyState;
  map: LpmPolicy | undefined;
}

/** Reasons that only a policy gives. */
const POLICY_REASONS: readonly number[] = [
  DROP_POLICY,
  DROP_POLICY_DENY,
  DROP_AUTH_REQUIRED,
  DROP_POLICY_IMAGE,
];

/** Why a packet is lost that policy has sent to a proxy; the last one is said of others too. */
const PROXY_REASONS: readonly number[] = [
  DROP_PROXY_LOOKUP_FAILED,
  DROP_PROXY_UNKNOWN_PROTO,
  DROP_PROXY_SET_FAILED,
];

/** Asks the policy maps of a node what its datapaths should have decided. */
export class LpmOpinion {
  readonly #endpoints: ReadonlyMap<number, EndpointState>;
  readonly #policies: ReadonlyMap<number, Governed>;
  readonly #slots: ReadonlyMap<number, number>;
  readonly #ports: ReadonlyMap<number, number>;

  constructor({ endpoints, policies, identities, redirects = [] }: NodeState) {
    this.#endpoints = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
    this.#policies = new Map(
      policies.map((policy) => [policy.number, { policy, map: undefined }]),
    );
    this.#slots = new Map(identities.map(({ identity, slot }) => [identity, slot]));
    this.#ports = new Map(redirects.map(({ id, port }) => [id, port]));
  }

  /** What the maps say about the decisions that the events of a packet tell of. */
  answersTo(events: readonly EventRecord[]): LpmAnswer[] {
    return events.filter(tellsDecision).flatMap((event) => {
      const map = this.#mapOf(event.endpoint);
      if (map === undefined) return [];
      const isEgress = event.direction === DIRECTION_EGRESS;
      const peer = this.#peerOf(isEgress ? event.destination : event.source, event.family);
      const direction = isEgress ? "egress" : "ingress";
      return { event, decision: map.decide(peer, direction, event.protocol, event.dport) };
    });
  }

  #mapOf(endpoint: number): LpmPolicy | undefined {
    const governed = this.#policies.get(this.#endpoints.get(endpoint)?.policy ?? 0);
    if (governed === undefined) return undefined;
    const { entries } = governed.policy.mapState;
    governed.map ??= new LpmPolicy(encodeLpmPolicy(entries, (id) => this.#ports.get(id) ?? 0));
    return governed.map;
  }

  /** An identity that the node does not know is judged by its scope. */
  #peerOf(identity: number, family: number): number {
    if (identity <= IDENTITY_RESERVED_MAX || this.#slots.has(identity)) return identity;
    switch (identity >>> IDENTITY_SCOPE_SHIFT) {
      case IDENTITY_SCOPE_LOCAL:
        return family === 4 ? IDENTITY_WORLD_IPV4 : IDENTITY_WORLD_IPV6;
      case IDENTITY_SCOPE_REMOTE_NODE:
        return IDENTITY_REMOTE_NODE;
      default:
        return 0;
    }
  }
}

/** Whether an event says what policy has decided; only then has it an entry to name. */
function tellsDecision({ type, reason, verdict }: EventRecord): boolean {
  if (type === EVENT_POLICY_VERDICT) return true;
  if (type !== EVENT_DROP) return false;
  return POLICY_REASONS.includes(reason) ||
    (PROXY_REASONS.includes(reason) && verdict === VERDICT_REDIRECT);
}

/** What an event must say of a decision. */
interface Said {
  readonly reason: number;
  readonly verdict: number;
  readonly matchType: number;
  readonly cookie: number;
}

function saidOf({ reason, entry, matchType }: LpmDecision): Said {
  if (entry === undefined) return { reason, verdict: VERDICT_NONE, matchType, cookie: 0 };
  const allowed = entry.redirect ? VERDICT_REDIRECT : VERDICT_ALLOW;
  return { reason, verdict: entry.deny ? VERDICT_DENY : allowed, matchType, cookie: entry.cookie };
}

/**
 * Where a datapath did otherwise than the maps say, in words.
 *
 * @param answers What {@linkcode LpmOpinion.answersTo} gave for its events.
 */
export function lpmDifferences(
  { output }: Pick<Answer, "output">,
  answers: readonly LpmAnswer[],
): string[] {
  return [...answers.flatMap(eventDifferences), ...portDifferences(output, answers.at(-1))];
}

function eventDifferences({ event, decision }: LpmAnswer): string[] {
  const { reason, ...said } = saidOf(decision);
  const differences = isReason(event.reason, decision)
    ? []
    : [`event reason ${reasonName(event.reason)}, expected ${reasonName(reason)}`];
  for (const field of ["verdict", "matchType", "cookie"] as const) {
    if (event[field] === said[field]) continue;
    differences.push(`event ${field} ${event[field]}, expected ${said[field]}`);
  }
  return differences;
}

/** A redirect is not the end: there may be no proxy, or none that can take the packet here. */
function isReason(told: number, { reason, entry }: LpmDecision): boolean {
  if (reason !== REASON_FORWARDED || entry?.redirect !== true) return told === reason;
  if (told === REASON_FORWARDED) return entry.proxyPort !== 0;
  if (told === DROP_PROXY_LOOKUP_FAILED) return entry.proxyPort === 0;
  return PROXY_REASONS.includes(told);
}

/** Where a packet goes to another proxy than the map says. */
function portDifferences(
  { verdict, mark }: Answer["output"],
  last: LpmAnswer | undefined,
): string[] {
  const isProxied = verdict === PACKET_OK && (mark & MARK_MASK) === MARK_TO_PROXY;
  // Of a flow that goes on there is no event: the last one may be about the other end.
  if (!isProxied || last?.decision.entry?.redirect !== true) return [];
  const { proxyPort } = last.decision.entry;
  return proxyPort === mark >>> 16
    ? []
    : [`mark sends it to port ${mark >>> 16}, expected ${proxyPort}`];
}

/** What the maps say, in one line. */
export function describeLpm(answers: readonly LpmAnswer[], rulesOf: RulesOfCookie): string {
  if (answers.length === 0) return "not asked";
  return answers.map(({ event, decision }) => {
    const { reason, cookie } = saidOf(decision);
    const { entry } = decision;
    const what = reason !== REASON_FORWARDED
      ? `dropped ${reasonName(reason)}`
      : entry?.redirect === true
      ? `to proxy port ${entry.proxyPort}`
      : "allowed";
    return `${directionName(event.direction)} of endpoint ${event.endpoint} ${what} by ` +
      listed(rulesOf(cookie));
  }).join("; ");
}
