/**
 * Policies of the packet table's node: every kind of profile and entry, in images of every
 * size class.
 *
 * @module
 */
import type { PolicyState } from "../datapath/datapath.ts";
import { MAX_REDIRECTS } from "../datapath/layout.ts";
import {
  compareEntries,
  type Direction,
  type MapStateEntry,
  PORT_BITS,
  PROTOCOL,
  type Verdict,
} from "../policy/map_state.ts";
import { precedenceOf } from "../policy/precedence.ts";
import { ROW_IDENTITY as ID } from "./row_identity.ts";

interface Shape {
  readonly identity?: number;
  readonly direction?: Direction;
  readonly protocol?: number;
  readonly port?: number;
  readonly portPrefix?: number;
  readonly verdict?: Verdict;
  readonly priority?: number;
  readonly authType?: number;
  readonly redirect?: number;
}

/** Entries whose cookies count up, so that a verdict from a wrong one shows. */
function entriesOf(shapes: readonly Shape[]): MapStateEntry[] {
  const entries = shapes.map((shape, i) => {
    const { identity = 0, direction = "ingress", protocol = PROTOCOL.TCP, port = 0 } = shape;
    const { redirect, priority = 1000, authType = 0 } = shape;
    const { verdict = redirect === undefined ? "allow" : "redirect" } = shape;
    const portPrefix = shape.portPrefix ?? (port === 0 ? 0 : PORT_BITS);
    const precedence = precedenceOf(verdict, priority);
    const cookie = i + 1;
    const key = { identity, direction, protocol, port, portPrefix };
    return { ...key, verdict, precedence, cookie, authType, ...(redirect && { redirect }) };
  });
  return entries.sort(compareEntries);
}

/** `count` single ports, no two of which are neighbours: 2 × `count` + 1 ranges. */
function singlePorts(identity: number, direction: Direction, count: number): Shape[] {
  return Array.from({ length: count }, (_, i) => ({ identity, direction, port: 3001 + i * 3 }));
}

const BROAD: readonly Shape[] = [
  { protocol: PROTOCOL.UDP, port: 53 },
  { port: 1024, portPrefix: 6 },
  { port: 1100, verdict: "deny" },
  { protocol: PROTOCOL.SCTP },
  { direction: "egress", protocol: PROTOCOL.SCTP },
  { protocol: PROTOCOL.ICMP, port: 13 },
  { protocol: PROTOCOL.ICMPV6, port: 131 },
  { direction: "egress", protocol: PROTOCOL.UDP, port: 54 },
  { direction: "egress", port: 2048, portPrefix: 6 },
  { direction: "egress", port: 2100, verdict: "deny" },
  { direction: "egress", protocol: PROTOCOL.ICMPV6, port: 132 },
  { direction: "egress", protocol: PROTOCOL.ICMP, port: 14 },
];

/** Redirects by what becomes of the packets; numbers of the table's ends, and beyond it. */
export const ROW_REDIRECT = {
  LISTENING: 1,
  /** Known, but its proxy does not listen. */
  SILENT: 2,
  /** In the table, but nobody has said anything about it. */
  UNKNOWN: 3,
  LAST: MAX_REDIRECTS - 1,
  BEYOND: MAX_REDIRECTS,
} as const;

/** Ports of the subject and of its peer that lead to a proxy, by redirect. */
export const REDIRECTED_PORT = {
  LISTENING: 100,
  SILENT: 101,
  UNKNOWN: 102,
  LAST: 103,
  BEYOND: 104,
};
/** The same as `LISTENING`, once the peer has authenticated itself. */
export const REDIRECTED_WITH_AUTH = 105;

const REDIRECTS: readonly Shape[] = (["ingress", "egress"] as const).flatMap((direction) => {
  const peer = { identity: ID.PEER, direction };
  const redirect = ROW_REDIRECT.LISTENING;
  return [
    ...(Object.keys(ROW_REDIRECT) as (keyof typeof ROW_REDIRECT)[])
      .map((name) => ({ ...peer, port: REDIRECTED_PORT[name], redirect: ROW_REDIRECT[name] })),
    { ...peer, port: REDIRECTED_WITH_AUTH, redirect, authType: 1 },
    { ...peer, protocol: PROTOCOL.UDP, port: REDIRECTED_PORT.LISTENING, redirect },
    { ...peer, protocol: PROTOCOL.SCTP, port: REDIRECTED_PORT.LISTENING, redirect },
  ];
});

/** What the broad entries above meet: each line another way to win or to lose. */
const RIVAL: readonly Shape[] = (["ingress", "egress"] as const).flatMap((direction) => {
  const broad = direction === "ingress" ? 1024 : 2048;
  const identity = ID.RIVAL;
  return [
    // Equal precedence, equal prefix: a tie goes to the peer's own.
    { identity, direction, protocol: PROTOCOL.UDP, port: direction === "ingress" ? 53 : 54 },
    // Equal precedence, shorter prefix: the broad one wins.
    { identity, direction, port: broad & ~2047, portPrefix: 5 },
    // Equal precedence, longer prefix: the peer's own wins.
    { identity, direction, port: broad + 8, portPrefix: 14 },
    // Higher precedence beats a longer prefix, lower loses in spite of one.
    { identity, direction, port: broad + 64, portPrefix: 10, priority: 10 },
    // Where the broad identity says nothing, and where only it says something.
    { identity, direction, protocol: PROTOCOL.SCTP, port: 9, priority: 2000 },
    { identity, direction, protocol: PROTOCOL.SCTP, port: 10, priority: 10, verdict: "deny" },
  ];
});

const SUBJECT_RULES: readonly Shape[] = [
  ...BROAD,
  ...RIVAL,
  ...REDIRECTS,
  { identity: ID.HOST, protocol: PROTOCOL.ANY },
  // A wrong slot is most likely 1, the host's: what only the host may shows it.
  { identity: ID.HOST, direction: "egress", port: 70 },
  { identity: ID.PEER, port: 80 },
  { identity: ID.PEER, port: 81, verdict: "deny" },
  { identity: ID.PEER, port: 82, authType: 1 },
  { identity: ID.PEER, protocol: PROTOCOL.UDP },
  { identity: ID.PEER, protocol: PROTOCOL.ICMP, port: 8 },
  { identity: ID.PEER, protocol: PROTOCOL.ICMPV6, port: 128 },
  { identity: ID.LONG, port: 83 },
  { identity: ID.SUBJECT, port: 84 },
  { identity: ID.REMOTE_NODE, port: 85 },
  { identity: ID.WORLD_IPV4, port: 86 },
  { identity: ID.WORLD_IPV6, port: 87 },
  { identity: ID.CIDR, port: 88 },
  { identity: ID.LAST_RESERVED, port: 77 },
  { identity: ID.PEER, direction: "egress", port: 90 },
  { identity: ID.PEER, direction: "egress", port: 91, verdict: "deny" },
  { identity: ID.PEER, direction: "egress", port: 92, authType: 1 },
  { identity: ID.PEER, direction: "egress", protocol: PROTOCOL.UDP },
  { identity: ID.PEER, direction: "egress", protocol: PROTOCOL.ICMP, port: 8 },
  { identity: ID.PEER, direction: "egress", protocol: PROTOCOL.ICMPV6, port: 128 },
  { identity: ID.NOT_READY, direction: "egress", protocol: PROTOCOL.ANY },
  { identity: ID.SUBJECT, direction: "egress", port: 84 },
  { identity: ID.REMOTE_NODE, direction: "egress", port: 95 },
  { identity: ID.WORLD_IPV4, direction: "egress", port: 96 },
  { identity: ID.WORLD_IPV6, direction: "egress", port: 97 },
  { identity: ID.CIDR, direction: "egress", port: 98 },
  // Echo replies and errors that rules allow: they begin no flow.
  ...(["ingress", "egress"] as const).flatMap((direction) => [
    { identity: ID.BUSY, direction, protocol: PROTOCOL.ICMP, port: 0, portPrefix: PORT_BITS },
    { identity: ID.BUSY, direction, protocol: PROTOCOL.ICMP, port: 3 },
    { identity: ID.BUSY, direction, protocol: PROTOCOL.ICMPV6, port: 129 },
  ]),
  { identity: ID.LAST, port: 75 },
  { identity: ID.LAST, direction: "egress", port: 76 },
  { identity: ID.INSIDE, port: 67 },
  { identity: ID.INSIDE, direction: "egress", port: 68 },
  ...singlePorts(ID.BUSY, "ingress", 12),
  ...singlePorts(ID.BUSY, "egress", 12),
  ...singlePorts(ID.FULL, "ingress", 7),
  ...singlePorts(ID.FULL, "egress", 7),
];

/** Beyond the first class: 130 ports make 261 ranges, which takes two levels. */
const LARGER_RULES: readonly Shape[] = [
  ...SUBJECT_RULES,
  ...singlePorts(ID.BUSIER, "ingress", 130),
  ...singlePorts(ID.BUSIER, "egress", 135),
  ...singlePorts(ID.CROWDED, "ingress", 115),
  ...singlePorts(ID.CROWDED, "egress", 115),
  { identity: ID.LAST_OF_MEDIUM, port: 75 },
  { identity: ID.LAST_OF_MEDIUM, direction: "egress", port: 76 },
  { identity: ID.FAR, port: 71 },
  { identity: ID.FAR, direction: "egress", port: 72 },
];

const LARGEST_RULES: readonly Shape[] = [
  ...LARGER_RULES,
  ...singlePorts(ID.BUSIEST, "ingress", 1700),
  ...singlePorts(ID.BUSIEST, "egress", 1700),
  { identity: ID.LAST_OF_LARGE, port: 75 },
  { identity: ID.LAST_OF_LARGE, direction: "egress", port: 76 },
  { identity: ID.FARTHEST, port: 73 },
  { identity: ID.FARTHEST, direction: "egress", port: 74 },
];

/** Policies of {@linkcode ROW_NODE}: the subject's, in images of every size class. */
export const ROW_POLICY = {
  SMALL: 1,
  ALLOW_ALL: 2,
  MEDIUM: 3,
  LARGE: 4,
  /** Once more, so that not all images of a class have even or odd numbers. */
  MEDIUM_TOO: 5,
  LARGE_TOO: 6,
} as const;

const ALLOW_ALL: readonly Shape[] = [
  { protocol: PROTOCOL.ANY },
  { direction: "egress", protocol: PROTOCOL.ANY },
];

function policy(number: number, revision: number, shapes: readonly Shape[]): PolicyState {
  return { number, revision, mapState: { entries: entriesOf(shapes) } };
}

/** All of them. */
export const ROW_POLICIES: readonly PolicyState[] = [
  policy(ROW_POLICY.SMALL, 7, SUBJECT_RULES),
  policy(ROW_POLICY.ALLOW_ALL, 1, ALLOW_ALL),
  policy(ROW_POLICY.MEDIUM, 8, LARGER_RULES),
  policy(ROW_POLICY.LARGE, 9, LARGEST_RULES),
  policy(ROW_POLICY.MEDIUM_TOO, 10, [...SUBJECT_RULES, { identity: ID.FAR, port: 71 }]),
  policy(ROW_POLICY.LARGE_TOO, 11, [...SUBJECT_RULES, { identity: ID.FARTHEST, port: 73 }]),
];
