/**
 * A node made for the packet tables and for mutation: small, and yet with every kind of
 * profile, entry, identity and fallback that the datapath knows.
 *
 * Endpoint 1 is the subject; everything else is there for its sake.
 *
 * @module
 */
import { parseIpAddress } from "../cluster/ip_address.ts";
import type { EndpointState, EventKind, IpcacheState, NodeState } from "../datapath/datapath.ts";
import { RESERVED } from "../identity/reserved.ts";
import { addressBytes } from "./address.ts";
import { madeUpMac } from "./made_up_mac.ts";
import { crowd } from "./row_crowd.ts";
import { ROW_IDENTITY as ID } from "./row_identity.ts";
import { ROW_POLICIES, ROW_POLICY, ROW_REDIRECT } from "./row_policies.ts";

/** Endpoints of {@linkcode ROW_NODE}, by what they are there for. */
export const ROW_ENDPOINT = {
  /** The one whose policy is tested. */
  SUBJECT: 1,
  /** May do everything; sends to the subject, and receives from it. */
  PEER: 2,
  /** Has no policy yet. */
  NOT_READY: 3,
} as const;

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

/** Ports of the proxies that listen. */
export const PROXY_PORT = { LISTENING: 10_001, LAST: 65_535 } as const;

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
    ...crowd(),
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
  policies: ROW_POLICIES,
  redirects: [
    { id: ROW_REDIRECT.LISTENING, port: PROXY_PORT.LISTENING },
    { id: ROW_REDIRECT.SILENT, port: 0 },
    { id: ROW_REDIRECT.LAST, port: PROXY_PORT.LAST },
  ],
  events: ["drop", "policy_verdict", "trace"] satisfies EventKind[],
};

const { SUBJECT, NOT_READY } = ROW_ENDPOINT;

/** Seconds in which the aggregating node tells of a flow once. */
export const ROW_INTERVAL = 1;

/** The nodes that rows run on, each another in one thing. */
export const ROW_NODES = {
  usual: ROW_NODE,
  /** What the subject's policy drops passes, and is not counted by entry. */
  audited: {
    ...ROW_NODE,
    endpoints: ROW_NODE.endpoints.map((endpoint) =>
      endpoint.id === SUBJECT || endpoint.id === NOT_READY
        ? { ...endpoint, audit: true, accounting: false }
        : endpoint
    ),
  },
  aggregating: { ...ROW_NODE, eventInterval: ROW_INTERVAL },
} satisfies Record<string, NodeState>;

/** One of {@linkcode ROW_NODES}. */
export type RowNodeName = keyof typeof ROW_NODES;

/** {@linkcode ROW_NODE} with another of its policies for the subject. */
export function nodeWithSubjectPolicy(policy: number): NodeState {
  const endpoints = ROW_NODE.endpoints.map((endpoint) =>
    endpoint.id === ROW_ENDPOINT.SUBJECT ? { ...endpoint, policy } : endpoint
  );
  return { ...ROW_NODE, endpoints };
}
