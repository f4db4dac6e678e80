import type {
  AddressBytes,
  EndpointState,
  EventKind,
  IdentityState,
  IpcacheState,
  NodeState,
  PolicyState,
} from "../datapath/datapath.ts";
import type { MergeMode } from "../datapath/image_builder.ts";
import { IMAGE_L_SLOTS, IMAGE_M_SLOTS, IMAGE_S_SLOTS } from "../datapath/layout.ts";
import { madeUpMac } from "../verify/made_up_mac.ts";
import type { Random } from "../verify/random.ts";
import { type MapStateChoices, randomMapState } from "./random_map_state.ts";
import type { DamagedPolicy, Ghost, World } from "./world.ts";

const ENDPOINTS = 8;
const POLICIES = 6;
/** Slots that identities have; images of each size class have room for some of them. */
const SLOTS = [256, 256, 5000, 60_000] as const;
/** What makes an image of a size class. */
interface ImageSize {
  /** All slots of its peers are below. */
  readonly slots: number;
  /** Most peers. */
  readonly peers: number;
}

const LARGE_IMAGE: ImageSize = { slots: IMAGE_L_SLOTS, peers: 14 };
/** A small image lacks the slots of other policies' peers. */
const IMAGE_SIZES: readonly ImageSize[] = [
  { slots: IMAGE_S_SLOTS, peers: 6 },
  { slots: IMAGE_M_SLOTS, peers: 10 },
  LARGE_IMAGE,
];
/** Ways to build images. */
export const MERGE_MODES: readonly MergeMode[] = ["auto", "compact", "unmerged", "unmerged"];
/** In the identity of nobody. */
const NO_SLOT_CLUSTER = 300_000;
const LOCAL_SCOPE = 1 << 24;
const REMOTE_NODE_SCOPE = 2 << 24;
/** Identities without a slot, of every scope. */
const SLOTLESS = [NO_SLOT_CLUSTER, LOCAL_SCOPE | 900, REMOTE_NODE_SCOPE | 5, 33] as const;
/** Ids that entries name; proxies listen for the first ones only. */
const REDIRECTS = [1, 2, 3, 4] as const;
const LISTENING = 2;
/** The last class has no tables, and the first one not so many. */
const NO_TABLES = [3 << 24 | 1, 4095, 1 << 24 | 1023, 2 << 24 | 255] as const;

/** Ports that several entries and packets name: boundaries of prefixes among them. */
const COMMON_PORTS = [
  0,
  1,
  8,
  22,
  53,
  79,
  80,
  81,
  128,
  129,
  443,
  4095,
  4096,
  8080,
  8095,
  8096,
  65535,
];

const EVENTS: readonly (readonly EventKind[])[] = [
  ["drop", "policy_verdict", "trace"],
  ["drop", "policy_verdict", "trace"],
  ["drop", "trace"],
  ["policy_verdict"],
  [],
];

/** Seconds between events of one kind. */
const INTERVALS = [0, 0, 0, 0, 1, 5, 30] as const;

/** A node of random tables: every kind of identity, fallback, profile and fault. */
export function randomWorld(random: Random): World {
  const identities = randomIdentities(random);
  const known = identities.map(({ identity }) => identity);
  const ports = [...COMMON_PORTS, ...numbers(8, () => random.below(0x10000))];
  const policies: PolicyState[] = numbers(POLICIES, (i) => ({
    number: i + 1,
    revision: 1 + random.below(1000),
    mapState: randomMapState(random, {
      ...randomPeers(random, identities, IMAGE_SIZES[i % IMAGE_SIZES.length]),
      ports,
      redirects: REDIRECTS,
    }),
    mergeMode: random.pick(MERGE_MODES),
  }));
  const endpoints = numbers(ENDPOINTS, (i) => randomEndpoint(random, i + 1, known));
  const node: NodeState = {
    endpoints,
    identities,
    ipcache: randomIpcache(random, endpoints, known),
    policies,
    redirects: REDIRECTS.slice(0, LISTENING).map((id) => ({ id, port: 10_000 + id })),
    events: random.pick(EVENTS),
    eventInterval: random.pick(INTERVALS),
  };
  return { node, ghosts: ghostsOf(random), damaged: damagedOf(random, node) };
}

/**
 * Another map state for a policy of a node, of the same identities and redirects.
 */
export function changedPolicy(random: Random, node: NodeState): PolicyState | undefined {
  const old = node.policies[random.below(node.policies.length)];
  if (old === undefined || node.identities.length === 0) return undefined;
  return {
    number: old.number,
    revision: old.revision + 1,
    mapState: randomMapState(random, {
      ...randomPeers(random, node.identities, random.pick(IMAGE_SIZES)),
      ports: COMMON_PORTS,
      redirects: REDIRECTS,
    }),
    mergeMode: random.pick(MERGE_MODES),
  };
}

/** Peers of a policy; the highest slot that is below a limit is among theirs. */
function randomPeers(
  random: Random,
  identities: readonly IdentityState[],
  { slots, peers }: ImageSize = LARGE_IMAGE,
): Pick<MapStateChoices, "identities"> {
  const known = identities.filter(({ slot }) => slot < slots).sort((a, b) => b.slot - a.slot)
    .map(({ identity }) => identity);
  const some = numbers((peers >> 1) + random.below(peers >> 1), () => random.pick(known));
  return { identities: [...known.slice(0, 1), ...some].filter(isFirst) };
}

/** Addresses of endpoints without programs, one of each family. */
export function ghostsOf(random: Random): Ghost[] {
  const last = 200 + random.below(50);
  return [
    { id: 4000, address: Uint8Array.of(10, 66, 0, last) },
    { id: 4001, address: ipv6(0x66, last) },
  ];
}

/** Now and then a policy leads to a table that does not exist. */
export function damagedOf(random: Random, { policies }: NodeState): DamagedPolicy[] {
  const policy = policies[random.below(policies.length)];
  if (policy === undefined || random.below(2) === 0) return [];
  return [{ policy: policy.number, table: random.pick(NO_TABLES) }];
}

function randomIdentities(random: Random): IdentityState[] {
  const reserved = [1, 2, 6, 7, 9, 10].map((id) => ({ identity: id, slot: id }));
  const cluster = numbers(10, (i) => 1000 + i * 97 + random.below(90));
  const local = numbers(4, (i) => LOCAL_SCOPE | (1 + i));
  return [
    ...reserved,
    ...[...cluster, ...local].map((identity, i) => ({
      identity,
      slot: (SLOTS[i % SLOTS.length] ?? 0) + i,
    })),
  ];
}

function randomEndpoint(random: Random, id: number, identities: readonly number[]): EndpointState {
  const cluster = identities.filter((identity) => identity > 255 && identity < LOCAL_SCOPE);
  const families = random.below(8);
  return {
    id,
    ipv4: families === 0 ? undefined : Uint8Array.of(10, 66, 0, id),
    ipv6: families === 1 ? undefined : ipv6(0x66, id),
    mac: madeUpMac(id, 1),
    nodeMac: madeUpMac(id, 2),
    ifindex: 500 + id,
    // A control plane that lags has not given it a slot yet.
    identity: random.pick(random.below(5) === 0 ? SLOTLESS : cluster),
    // One has no policy yet, or one that nobody has built.
    policy: policyNumber(random, id),
    audit: random.below(5) === 0,
    accounting: random.below(4) !== 0,
  };
}

function policyNumber(random: Random, endpoint: number): number {
  if (endpoint === ENDPOINTS) return random.pick([0, POLICIES + 1] as const);
  return 1 + random.below(POLICIES);
}

function randomIpcache(
  random: Random,
  endpoints: readonly EndpointState[],
  known: readonly number[],
): IpcacheState[] {
  const anybody = () => random.pick(random.below(5) === 0 ? SLOTLESS : known);
  const own = endpoints.flatMap(({ ipv4, ipv6, identity }) =>
    [ipv4, ipv6].flatMap((address) => address === undefined ? [] : [{ address, identity }])
  );
  const peers4 = numbers(24, (i) => ({
    address: Uint8Array.of(10, 77, random.below(4), i),
    identity: anybody(),
  }));
  const peers6 = numbers(24, (i) => ({ address: ipv6(0x77, i), identity: anybody() }));
  const cidrs4 = numbers(
    8,
    (i) => cidr(Uint8Array.of(10, 70 + i, random.below(256), 0), random.below(25), anybody()),
  );
  const cidrs6 = numbers(8, (i) => cidr(ipv6(0x70 + i, 0), random.below(129), anybody()));
  return withoutRepetition([...own, ...peers4, ...peers6, ...cidrs4, ...cidrs6]);
}

function cidr(address: AddressBytes, prefixLength: number, identity: number): IpcacheState {
  const bytes = address.map((byte, i) => {
    const bits = Math.min(Math.max(prefixLength - 8 * i, 0), 8);
    return byte & ~(0xff >> bits);
  });
  return { address: bytes, prefixLength, identity };
}

function withoutRepetition(entries: readonly IpcacheState[]): IpcacheState[] {
  const known = new Map<string, IpcacheState>();
  for (const entry of entries) known.set(`${entry.address}/${entry.prefixLength}`, entry);
  return [...known.values()];
}

function ipv6(net: number, last: number): Uint8Array<ArrayBuffer> {
  const address = new Uint8Array(16);
  address.set([0xfd, 0, 0, net]);
  address[15] = last;
  return address;
}

function numbers<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

function isFirst<T>(value: T, index: number, all: readonly T[]): boolean {
  return all.indexOf(value) === index;
}
