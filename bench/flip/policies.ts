/**
 * Two policies that answer every packet in different words, and the events that each of them,
 * and only it, can raise.
 *
 * @module
 */
import type { PolicyState } from "../../src/datapath/datapath.ts";
import {
  DROP_POLICY_DENY,
  EVENT_COOKIE_OFF,
  EVENT_DPORT_OFF,
  EVENT_DROP,
  EVENT_MATCH_TYPE_OFF,
  EVENT_POLICY_VERDICT,
  EVENT_REASON_OFF,
  EVENT_REVISION_OFF,
  EVENT_TYPE_OFF,
  EVENT_VERDICT_OFF,
  MATCH_L3_L4,
  MATCH_L4,
  VERDICT_ALLOW,
  VERDICT_DENY,
} from "../../src/datapath/layout.ts";
import { compareEntries, type MapStateEntry, PROTOCOL } from "../../src/policy/map_state.ts";
import { precedenceOf } from "../../src/policy/precedence.ts";

/** Number of the policy that is flipped; both pods have it. */
export const POLICY = 1;
/** Identities of the two pods. */
export const IDENTITIES = [256, 257] as const;

/** First of 256 ports that both policies allow: no packet to them may be lost. */
export const ALWAYS_PORT = 0x1000;
/** First of 256 ports that only the first policy allows. */
export const SOMETIMES_PORT = 0x2000;
const RANGE_PREFIX = 8;

const COOKIE = { FIRST: 0xa1, SECOND: 0xb1 } as const;
/** Rules of the second policy that no packet meets, so that its profiles have an index. */
const OTHER_RULES = 100;
const OTHER_PORT = 0x4000;

const UDP = {
  protocol: PROTOCOL.UDP,
  verdict: "allow",
  precedence: precedenceOf("allow"),
  authType: 0,
} as const;

const DIRECTIONS = ["ingress", "egress"] as const;

function firstEntries(): MapStateEntry[] {
  return DIRECTIONS.flatMap((direction) =>
    [ALWAYS_PORT, SOMETIMES_PORT].map((port) => ({
      ...UDP,
      identity: 0,
      direction,
      port,
      portPrefix: RANGE_PREFIX,
      cookie: COOKIE.FIRST,
    }))
  );
}

function secondEntries(): MapStateEntry[] {
  return IDENTITIES.flatMap((identity) =>
    DIRECTIONS.flatMap((direction) => [
      {
        ...UDP,
        identity,
        direction,
        port: ALWAYS_PORT,
        portPrefix: RANGE_PREFIX,
        cookie: COOKIE.SECOND,
      },
      {
        ...UDP,
        identity,
        direction,
        port: SOMETIMES_PORT,
        portPrefix: RANGE_PREFIX,
        verdict: "deny" as const,
        precedence: precedenceOf("deny"),
        cookie: COOKIE.SECOND,
      },
      ...Array.from({ length: OTHER_RULES }, (_, i) => ({
        ...UDP,
        identity,
        direction,
        port: OTHER_PORT + 2 * i,
        portPrefix: 16,
        cookie: 1 + i,
      })),
    ])
  );
}

/** Revision 1 names no peer, revision 2 names each and denies what the first sometimes allows. */
export const POLICIES: readonly [PolicyState, PolicyState] = [
  { number: POLICY, revision: 1, mapState: { entries: canonical(firstEntries()) } },
  { number: POLICY, revision: 2, mapState: { entries: canonical(secondEntries()) } },
];

function canonical(entries: readonly MapStateEntry[]): MapStateEntry[] {
  return [...entries].sort(compareEntries);
}

/** What an event says of the policy that judged. */
interface Judgement {
  readonly type: number;
  readonly reason: number;
  readonly verdict: number;
  readonly matchType: number;
  readonly cookie: number;
}

const ALLOWED_BY_FIRST: Judgement = {
  type: EVENT_POLICY_VERDICT,
  reason: 0,
  verdict: VERDICT_ALLOW,
  matchType: MATCH_L4,
  cookie: COOKIE.FIRST,
};
const ALLOWED_BY_SECOND: Judgement = {
  ...ALLOWED_BY_FIRST,
  matchType: MATCH_L3_L4,
  cookie: COOKIE.SECOND,
};
const DENIED_BY_SECOND: Judgement = {
  ...ALLOWED_BY_SECOND,
  type: EVENT_DROP,
  reason: DROP_POLICY_DENY,
  verdict: VERDICT_DENY,
};

/** By revision, then by whether the port is one that is always allowed. */
const EXPECTED: Readonly<Record<number, readonly [sometimes: Judgement, always: Judgement]>> = {
  1: [ALLOWED_BY_FIRST, ALLOWED_BY_FIRST],
  2: [DENIED_BY_SECOND, ALLOWED_BY_SECOND],
};

/**
 * Says what in an event is neither the first policy's nor the second's; `undefined` if nothing.
 *
 * @param at Where the event begins.
 */
export function mixture(events: DataView, at: number): string | undefined {
  const revision = events.getUint32(at + EVENT_REVISION_OFF, true);
  const always = isAlways(events.getUint16(at + EVENT_DPORT_OFF));
  const expected = EXPECTED[revision]?.[always ? 1 : 0];
  const isExpected = events.getUint8(at + EVENT_TYPE_OFF) === expected?.type &&
    events.getUint8(at + EVENT_REASON_OFF) === expected.reason &&
    events.getUint8(at + EVENT_VERDICT_OFF) === expected.verdict &&
    events.getUint8(at + EVENT_MATCH_TYPE_OFF) === expected.matchType &&
    events.getUint32(at + EVENT_COOKIE_OFF, true) === expected.cookie;
  if (isExpected) return undefined;
  return `revision ${revision}, ${always ? "always" : "sometimes"} allowed: ` +
    `${JSON.stringify(judgementOf(events, at))}, ` +
    `expected ${JSON.stringify(expected ?? "revision 1 or 2")}`;
}

function judgementOf(events: DataView, at: number): Judgement {
  return {
    type: events.getUint8(at + EVENT_TYPE_OFF),
    reason: events.getUint8(at + EVENT_REASON_OFF),
    verdict: events.getUint8(at + EVENT_VERDICT_OFF),
    matchType: events.getUint8(at + EVENT_MATCH_TYPE_OFF),
    cookie: events.getUint32(at + EVENT_COOKIE_OFF, true),
  };
}

/** Whether both policies allow a port. */
export function isAlways(port: number): boolean {
  return port >> 8 === ALWAYS_PORT >> 8;
}
