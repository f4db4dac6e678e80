/**
 * A node made for the packet tables and for mutation: small, and yet with every kind of
 * profile, entry, identity and fallback that the datapath knows.
 *
 * Endpoint 1 is the subject; everything else is there for its sake.
 *
 * @module
 */
import { parseIpAddress } from "../cluster/ip_address.ts";
import type {
  EndpointState,
  EventKind,
  IpcacheState,
  NodeState,
  PolicyState,
} from "../datapath/datapath.ts";
import {
  compareEntries,
  type Direction,
  type MapStateEntry,
  PORT_BITS,
  PROTOCOL,
  type Verdict,
} from "../policy/map_state.ts";
import { precedenceOf } from "../policy/precedence.ts";
import { RESERVED } from "../identity/reserved.ts";
import { addressBytes } from "./address.ts";
import { madeUpMac } from "./made_up_mac.ts";

/** Endpoints of {@linkcode ROW_NODE}, by what they are there for. */
export const ROW_ENDPOINT = {
  /** The one whose policy is tested. */
  SUBJECT: 1,
  /** May do everything; sends to the subject, and receives from it. */
  PEER: 2,
  /** Has no policy yet. */
  NOT_READY: 3,
} as const;

/** Identities beside the reserved ones. */
const ID = {
  /** Of 24 bits: it takes all parts of a mark. */
  SUBJECT: 0x1a2c3d,
  PEER: 301,
  NOT_READY: 302,
  /** Its profile has an index line. */
  BUSY: 303,
  /** Its profile has two levels of index lines. */
  BUSIER: 304,
  /** Its entries lose or win against the broad ones in every way there is. */
  RIVAL: 305,
  /** Its profile fills one line. */
  FULL: 306,
  /** Its profile has an index line that is nearly full. */
  CROWDED: 307,
  /** The same, one level above. */
  BUSIEST: 308,
  /** Its slot is the last of the smallest images. */
  LAST: 309,
  /** The first slot that the smallest images have no cells for, and so on. */
  BEYOND: 310,
  LAST_OF_MEDIUM: 311,
  BEYOND_MEDIUM: 312,
  LAST_OF_LARGE: 313,
  /** One address inside a prefix of another identity. */
  INSIDE: 314,
  /** Of 24 bits, too. */
  LONG: 0x2b3b4c,
  /** Known, but without a slot. */
  SLOTLESS: 70000,
  SLOTLESS_CIDR: 1 << 24 | 5,
  SLOTLESS_NODE: 2 << 24 | 6,
  SLOTLESS_RESERVED: 200,
  /** Slots that only larger images have cells for. */
  FAR: 400,
  FARTHEST: 401,
  /** Of the prefix in the ipcache. */
  CIDR: 1 << 24 | 1,
  HOST: RESERVED.HOST,
  WORLD_ANY: RESERVED.WORLD,
  UNMANAGED: RESERVED.UNMANAGED,
  HEALTH: RESERVED.HEALTH,
  INIT: RESERVED.INIT,
  REMOTE_NODE: RESERVED.REMOTE_NODE,
  KUBE_APISERVER: RESERVED.KUBE_APISERVER,
  INGRESS: RESERVED.INGRESS,
  WORLD_IPV4: RESERVED.WORLD_IPV4,
  WORLD_IPV6: RESERVED.WORLD_IPV6,
  LAST_RESERVED: 255,
} as const;
export { ID as ROW_IDENTITY };

/** Addresses by identity; the last number of an address is the same in both families. */
export const ROW_ADDRESS = {
  SUBJECT: both(1),
  PEER: both(2),
  NOT_READY: both(3),
  BUSY: both(4),
  BUSIER: both(5),
  RIVAL: both(6),
  SLOTLESS: both(7),
  SLOTLESS_CIDR: both(8),
  SLOTLESS_NODE: both(9),
  SLOTLESS_RESERVED: both(10),
  FAR: both(11),
  FARTHEST: both(12),
  FULL: both(13),
  CROWDED: both(14),
  BUSIEST: both(15),
  LAST: both(16),
  BEYOND: both(17),
  LAST_OF_MEDIUM: both(18),
  BEYOND_MEDIUM: both(19),
  LAST_OF_LARGE: both(20),
  HOST: both(31),
  WORLD_ANY: both(32),
  UNMANAGED: both(33),
  HEALTH: both(34),
  INIT: both(35),
  REMOTE_NODE: both(36),
  KUBE_APISERVER: both(37),
  INGRESS: both(38),
  WORLD_IPV4: both(39),
  WORLD_IPV6: both(40),
  LAST_RESERVED: both(41),
  LONG: both(42),
  /** In a prefix of the ipcache. */
  CIDR: { 4: parseIpAddress("192.0.2.77"), 6: parseIpAddress("2001:db8:77::1") },
  /** In the same, and in a prefix of its whole length. */
  INSIDE: { 4: parseIpAddress("192.0.2.200"), 6: parseIpAddress("2001:db8:77::200") },
  /** In no table. */
  WORLD: { 4: parseIpAddress("198.51.100.1"), 6: parseIpAddress("2001:db8:1::1") },
} as const;

function both(n: number) {
  return { 4: parseIpAddress(`10.9.0.${n}`), 6: parseIpAddress(`fd09:1:2:3::${n.toString(16)}`) };
}

interface Shape {
  readonly identity?: number;
  readonly direction?: Direction;
  readonly protocol?: number;
  readonly port?: number;
  readonly portPrefix?: number;
  readonly verdict?: Verdict;
  readonly priority?: number;
  readonly authType?: number;
}

/** Entries whose cookies count up, so that a verdict from a wrong one shows. */
function entriesOf(shapes: readonly Shape[]): MapStateEntry[] {
  const entries = shapes.map((shape, i) => {
    const { identity = 0, direction = "ingress", protocol = PROTOCOL.TCP, port = 0 } = shape;
    const { verdict = "allow", priority = 1000, authType = 0 } = shape;
    const portPrefix = shape.portPrefix ?? (port === 0 ? 0 : PORT_BITS);
    const precedence = precedenceOf(verdict, priority);
    const cookie = i + 1;
    const key = { identity, direction, protocol, port, portPrefix };
    return { ...key, verdict, precedence, cookie, authType };
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

function endpoint(id: number, name: keyof typeof ID & keyof typeof ROW_ADDRESS, number: number) {
  const state: EndpointState = {
    id,
    ipv4: addressBytes(ROW_ADDRESS[name][4]),
    ipv6: addressBytes(ROW_ADDRESS[name][6]),
    mac: madeUpMac(id, 1),
    nodeMac: madeUpMac(id, 2),
    ifindex: 0x01020300 + id,
    identity: ID[name],
    policy: number,
  };
  return state;
}

const FIRST_SLOT = 256;
const RESERVED_SLOTS = [...Object.values(RESERVED).filter((id) => id > 0), ID.LAST_RESERVED];
const SLOTTED = [
  ID.SUBJECT,
  ID.PEER,
  ID.NOT_READY,
  ID.BUSY,
  ID.BUSIER,
  ID.RIVAL,
  ID.LONG,
  ID.FULL,
  ID.CROWDED,
  ID.BUSIEST,
  ID.INSIDE,
  ID.CIDR,
];

const NAMED = ([
  "SUBJECT",
  "PEER",
  "NOT_READY",
  "BUSY",
  "BUSIER",
  "RIVAL",
  "SLOTLESS",
  "SLOTLESS_CIDR",
  "SLOTLESS_NODE",
  "SLOTLESS_RESERVED",
  "FAR",
  "FARTHEST",
  "FULL",
  "CROWDED",
  "BUSIEST",
  "LAST",
  "BEYOND",
  "LAST_OF_MEDIUM",
  "BEYOND_MEDIUM",
  "LAST_OF_LARGE",
  "HOST",
  "WORLD_ANY",
  "UNMANAGED",
  "HEALTH",
  "INIT",
  "REMOTE_NODE",
  "KUBE_APISERVER",
  "INGRESS",
  "WORLD_IPV4",
  "WORLD_IPV6",
  "LAST_RESERVED",
  "LONG",
] as const).flatMap((name) =>
  ([4, 6] as const).map((family): IpcacheState => ({
    address: addressBytes(ROW_ADDRESS[name][family]),
    identity: ID[name],
  }))
);

/** The node. Its events are all on. */
export const ROW_NODE: NodeState = {
  endpoints: [
    endpoint(ROW_ENDPOINT.SUBJECT, "SUBJECT", ROW_POLICY.SMALL),
    endpoint(ROW_ENDPOINT.PEER, "PEER", ROW_POLICY.ALLOW_ALL),
    endpoint(ROW_ENDPOINT.NOT_READY, "NOT_READY", 0),
  ],
  identities: [
    ...RESERVED_SLOTS.map((identity) => ({ identity, slot: identity })),
    ...SLOTTED.map((identity, i) => ({ identity, slot: FIRST_SLOT + i })),
    { identity: ID.LAST, slot: 4095 },
    { identity: ID.BEYOND, slot: 4096 },
    { identity: ID.FAR, slot: 5000 },
    { identity: ID.LAST_OF_MEDIUM, slot: 16383 },
    { identity: ID.BEYOND_MEDIUM, slot: 16384 },
    { identity: ID.FARTHEST, slot: 20000 },
    { identity: ID.LAST_OF_LARGE, slot: 65535 },
  ],
  ipcache: [
    ...NAMED,
    {
      address: addressBytes(parseIpAddress("192.0.2.0")),
      prefixLength: 24,
      identity: ID.CIDR,
    },
    {
      address: addressBytes(parseIpAddress("2001:db8:77::")),
      prefixLength: 48,
      identity: ID.CIDR,
    },
    { address: addressBytes(ROW_ADDRESS.INSIDE[4]), prefixLength: 32, identity: ID.INSIDE },
    { address: addressBytes(ROW_ADDRESS.INSIDE[6]), prefixLength: 128, identity: ID.INSIDE },
  ],
  policies: [
    policy(ROW_POLICY.SMALL, 7, SUBJECT_RULES),
    policy(ROW_POLICY.ALLOW_ALL, 1, ALLOW_ALL),
    policy(ROW_POLICY.MEDIUM, 8, LARGER_RULES),
    policy(ROW_POLICY.LARGE, 9, LARGEST_RULES),
    policy(ROW_POLICY.MEDIUM_TOO, 10, [...SUBJECT_RULES, { identity: ID.FAR, port: 71 }]),
    policy(ROW_POLICY.LARGE_TOO, 11, [...SUBJECT_RULES, { identity: ID.FARTHEST, port: 73 }]),
  ],
  events: ["drop", "policy_verdict", "trace"] satisfies EventKind[],
};

/** {@linkcode ROW_NODE} with another of its policies for the subject. */
export function nodeWithSubjectPolicy(policy: number): NodeState {
  const endpoints = ROW_NODE.endpoints.map((endpoint) =>
    endpoint.id === ROW_ENDPOINT.SUBJECT ? { ...endpoint, policy } : endpoint
  );
  return { ...ROW_NODE, endpoints };
}
