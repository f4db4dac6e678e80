/**
 * The policies that every policy figure is measured with, generated from a seed.
 *
 * - `shared`: the peers of a policy share 64 templates of 1 to 7 entries;
 * - `unique`: no two peers have the same ports;
 * - `60x10k`: 60 policies × 10,000 peers, each peer with one of its policy's 1,000
 *   signatures of 40 ports.
 *
 * Every policy also has what real ones have: entries for all peers, and the host.
 *
 * @module
 */
import {
  DIRECTION_EGRESS,
  DIRECTION_INGRESS,
  IDENTITY_HOST,
  IDENTITY_RESERVED_MAX,
  IDENTITY_WILDCARD,
  VERDICT_ALLOW,
  VERDICT_DENY,
} from "../src/datapath/layout.ts";
import { PORT_BITS, PROTOCOL } from "../src/policy/map_state.ts";
import { precedenceOf } from "../src/policy/precedence.ts";
import { type PortEntry, RECORD_WORDS, RecordWriter } from "./map_state.ts";
import { Random } from "./random.ts";

/** A peer of a policy. */
export interface Peer {
  /** Cluster scope, 256 to 65535. */
  readonly identity: number;
  /** Dense, from 256 on. */
  readonly slot: number;
  readonly rules: PeerRules;
}

/** Entries that peers share, all of one direction. */
export interface PeerRules {
  readonly direction: number;
  /** In canonical order. */
  readonly entries: readonly PortEntry[];
}

/** One policy of a workload. */
export interface Policy {
  /** Policy number, from 1 on. */
  readonly number: number;
  /** By identity. */
  readonly peers: readonly Peer[];
  /** Entries of all of it, both directions. */
  readonly entryCount: number;
}

/** The shape of a workload; the generators are pure functions of it. */
export interface Workload {
  readonly policies: number;
  readonly seed: number;
  /** Makes one policy; numbers start at 1. */
  policy(number: number): Policy;
}

const FIRST_CLUSTER_IDENTITY = IDENTITY_RESERVED_MAX + 1;
const CLUSTER_IDENTITIES = 65536 - FIRST_CLUSTER_IDENTITY;
const FIRST_PORT = 1024;
const PORTS = 30000;
const TEMPLATES = 64;
const MOST_TEMPLATE_ENTRIES = 7;
/** Rules that the entries of one policy come from. */
const COOKIES = 1000;

const ALLOW = precedenceOf("allow");
const DENY = precedenceOf("deny");

function portEntry(protocol: number, port: number, cookie: number): PortEntry {
  const portPrefix = PORT_BITS;
  return { protocol, port, portPrefix, verdict: VERDICT_ALLOW, precedence: ALLOW, cookie };
}

function denied(entry: PortEntry): PortEntry {
  return { ...entry, verdict: VERDICT_DENY, precedence: DENY };
}

/** Entries for every peer: a metrics port, no telnet; DNS on the way out. */
const BROAD: readonly PeerRules[] = [
  {
    direction: DIRECTION_INGRESS,
    entries: [
      denied(portEntry(PROTOCOL.TCP, 23, COOKIES + 1)),
      portEntry(PROTOCOL.TCP, 9090, COOKIES + 2),
    ],
  },
  { direction: DIRECTION_EGRESS, entries: [portEntry(PROTOCOL.UDP, 53, COOKIES + 3)] },
];

/** The host may reach its pods: every protocol and port. */
const HOST: PeerRules = {
  direction: DIRECTION_INGRESS,
  entries: [{ ...portEntry(PROTOCOL.ANY, 0, COOKIES + 4), portPrefix: 0 }],
};

const COMMON_ENTRIES = BROAD.reduce((sum, { entries }) => sum + entries.length, 0) +
  HOST.entries.length;

/** `count` single ports, a fifth of them UDP, one in sixteen denied. */
function randomEntries(random: Random, count: number): PortEntry[] {
  const cookies = random.distinct(1 + (count >> 2), 1, COOKIES);
  return random.distinct(count, FIRST_PORT, PORTS)
    .map((port) => {
      const protocol = random.chance(20) ? PROTOCOL.UDP : PROTOCOL.TCP;
      const entry = portEntry(protocol, port, random.pick(cookies));
      return random.below(16) === 0 ? denied(entry) : entry;
    })
    .sort((a, b) => a.protocol - b.protocol || a.port - b.port);
}

function randomRules(random: Random, count: number): PeerRules {
  const direction = random.chance(50) ? DIRECTION_EGRESS : DIRECTION_INGRESS;
  return { direction, entries: randomEntries(random, count) };
}

/** One policy of exactly `entries` entries; its peers share 64 templates. */
export function sharedWorkload(entries: number, seed = 1): Workload {
  return {
    policies: 1,
    seed,
    policy(number) {
      const random = new Random(seed);
      const templates = Array.from({ length: TEMPLATES }, () => {
        return randomRules(random, 1 + random.below(MOST_TEMPLATE_ENTRIES));
      });
      return fillPolicy(number, entries, random, () => random.pick(templates));
    },
  };
}

/** One policy of exactly `entries` entries; every peer has ports of its own. */
export function uniqueWorkload(entries: number, seed = 1): Workload {
  return {
    policies: 1,
    seed,
    policy(number) {
      const random = new Random(seed);
      const seen = new Set<string>();
      return fillPolicy(number, entries, random, () => {
        for (;;) {
          const rules = randomRules(random, 1 + random.below(MOST_TEMPLATE_ENTRIES));
          const ports = rules.entries.map(({ protocol, port }) => `${protocol}/${port}`).join();
          if (seen.size < seen.add(ports).size) return rules;
        }
      });
    },
  };
}

/** Size of a workload of many large policies. */
export interface SignatureShape {
  readonly policies: number;
  readonly peers: number;
  readonly signatures: number;
  readonly ports: number;
  /** Of all the signatures. @default {DIRECTION_INGRESS} */
  readonly direction?: number;
}

/** Workload (iii). */
export const SIXTY_BY_10K: SignatureShape = {
  policies: 60,
  peers: 10_000,
  signatures: 1_000,
  ports: 40,
};

/** Policies whose peers each have one of the policy's signatures. */
export function signatureWorkload(shape: SignatureShape, seed = 1): Workload {
  const { direction = DIRECTION_INGRESS } = shape;
  return {
    policies: shape.policies,
    seed,
    policy(number) {
      // The peers are the same in all policies, as on a node; what they may do differs.
      const identities = drawIdentities(new Random(seed), shape.peers);
      const random = new Random(seed + number);
      const signatures = Array.from({ length: shape.signatures }, () => {
        return { direction, entries: randomEntries(random, shape.ports) };
      });
      const peers = [...identities]
        .map(([identity, slot]) => ({ identity, slot, rules: random.pick(signatures) }));
      const entryCount = COMMON_ENTRIES + shape.peers * shape.ports;
      return { number, peers: byIdentity(peers), entryCount };
    },
  };
}

/** Identities are scattered as an allocator's are, slots are dense in order of arrival. */
function drawIdentities(random: Random, count: number): Map<number, number> {
  const identities = random.distinct(count, FIRST_CLUSTER_IDENTITY, CLUSTER_IDENTITIES);
  return new Map(identities.map((identity, i) => [identity, FIRST_CLUSTER_IDENTITY + i]));
}

function byIdentity(peers: Peer[]): Peer[] {
  return peers.sort((a, b) => a.identity - b.identity);
}

/** Adds peers until the policy has its entries; the last peer's rules are cut to fit. */
function fillPolicy(
  number: number,
  entryCount: number,
  random: Random,
  nextRules: () => PeerRules,
): Policy {
  const rules: PeerRules[] = [];
  for (let left = entryCount - COMMON_ENTRIES; left > 0;) {
    const { direction, entries } = nextRules();
    rules.push({ direction, entries: entries.slice(0, left) });
    left -= entries.length;
  }
  const identities = [...drawIdentities(random, rules.length)];
  const peers = rules.flatMap((peerRules, i) => {
    const [identity, slot] = identities[i] ?? [];
    return identity === undefined || slot === undefined
      ? []
      : [{ identity, slot, rules: peerRules }];
  });
  return { number, peers: byIdentity(peers), entryCount };
}

/** Words that the records of a policy take. */
export function recordWords(policy: Policy): number {
  return policy.entryCount * RECORD_WORDS;
}

/** Writes the map state of a policy, canonical, and returns how many records it has. */
export function writeMapState(policy: Policy, words: Uint32Array): number {
  const writer = new RecordWriter(words);
  for (const direction of [DIRECTION_INGRESS, DIRECTION_EGRESS]) {
    const add = (identity: number, slot: number, rules: PeerRules) => {
      if (rules.direction !== direction) return;
      for (const entry of rules.entries) writer.add(identity, slot, direction, entry);
    };
    for (const rules of BROAD) add(IDENTITY_WILDCARD, 0, rules);
    add(IDENTITY_HOST, IDENTITY_HOST, HOST);
    for (const { identity, slot, rules } of policy.peers) add(identity, slot, rules);
  }
  return writer.count;
}
