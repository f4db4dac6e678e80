/**
 * Questions to a policy or to the ipcache: half of them hit an entry, the others are
 * unknown peers, unknown ports and the wrong direction, all mixed.
 *
 * @module
 */
import {
  DIRECTION_EGRESS,
  DIRECTION_INGRESS,
  IDENTITY_HOST,
  IDENTITY_WORLD,
} from "../src/datapath/layout.ts";
import { PROTOCOL } from "../src/policy/map_state.ts";
import { addressBytes, addressBytes6 } from "./addresses.ts";
import { Random } from "./random.ts";
import type { Policy, Workload } from "./workloads.ts";

/** 32-bit words of `struct bench_query` in bpf/bench.bpf.c. */
export const QUERY_WORDS = 10;

/** Peers without entries of their own: the world, and an identity that is new here. */
const STRANGERS = [
  { identity: IDENTITY_WORLD, slot: IDENTITY_WORLD },
  { identity: (1 << 24) + 1, slot: 0 },
];
const HOST = { identity: IDENTITY_HOST, slot: IDENTITY_HOST };

/** Where the words of a query stand. */
const QUERY = {
  POLICY: 0,
  DIRECTION: 1,
  IDENTITY: 2,
  SLOT: 3,
  KEY: 4,
  FAMILY: 5,
  ADDRESS: 6,
} as const;

function setQuery(
  queries: Uint32Array,
  index: number,
  fields: { readonly [field in Exclude<keyof typeof QUERY, "ADDRESS">]?: number },
): void {
  const at = index * QUERY_WORDS;
  queries[at + QUERY.POLICY] = fields.POLICY ?? 0;
  queries[at + QUERY.DIRECTION] = fields.DIRECTION ?? 0;
  queries[at + QUERY.IDENTITY] = fields.IDENTITY ?? 0;
  queries[at + QUERY.SLOT] = fields.SLOT ?? 0;
  queries[at + QUERY.KEY] = fields.KEY ?? 0;
  queries[at + QUERY.FAMILY] = fields.FAMILY ?? 0;
}

function randomPeer(random: Random, policy: Policy): { identity: number; slot: number } {
  if (random.chance(2)) return HOST;
  return random.chance(8) ? random.pick(STRANGERS) : random.pick(policy.peers);
}

function policyQuery(random: Random, policy: Policy): Parameters<typeof setQuery>[2] {
  const POLICY = policy.number;
  if (random.chance(50)) {
    const { identity, slot, rules } = random.pick(policy.peers);
    const { protocol, port } = random.pick(rules.entries);
    const KEY = protocol << 16 | port;
    return { POLICY, DIRECTION: rules.direction, IDENTITY: identity, SLOT: slot, KEY };
  }
  const { identity, slot } = randomPeer(random, policy);
  const protocol = random.chance(20) ? PROTOCOL.UDP : PROTOCOL.TCP;
  const port = random.chance(10) ? random.pick([23, 53, 9090]) : random.below(65536);
  const DIRECTION = random.chance(50) ? DIRECTION_EGRESS : DIRECTION_INGRESS;
  return { POLICY, DIRECTION, IDENTITY: identity, SLOT: slot, KEY: protocol << 16 | port };
}

/**
 * Collects the queries of a workload while its policies pass by one at a time: the
 * largest workload does not fit into memory as a whole.
 */
export class PolicyQueries {
  /** `struct bench_query` records. */
  readonly words: Uint32Array<ArrayBuffer>;
  /** Query numbers by policy: queries of all policies are mixed. */
  readonly #numbers: number[][];
  readonly #seed: number;

  constructor(workload: Workload, count: number) {
    const random = new Random(workload.seed);
    this.#seed = workload.seed;
    this.words = new Uint32Array(count * QUERY_WORDS);
    this.#numbers = Array.from({ length: workload.policies }, () => []);
    for (let i = 0; i < count; i++) random.pick(this.#numbers).push(i);
  }

  /** Writes the queries that fall to a policy. */
  ask(policy: Policy): void {
    const random = new Random(this.#seed ^ policy.number << 16);
    for (const number of this.#numbers[policy.number - 1] ?? []) {
      setQuery(this.words, number, policyQuery(random, policy));
    }
  }
}

/** Queries for addresses (host byte order), or for the IPv6 ones that stand for them. */
export function addressQueries(
  addresses: Uint32Array,
  family: 4 | 6 = 4,
): Uint32Array<ArrayBuffer> {
  const queries = new Uint32Array(addresses.length * QUERY_WORDS);
  const bytes = new Uint8Array(queries.buffer);
  addresses.forEach((address, i) => {
    setQuery(queries, i, { FAMILY: family });
    const at = (i * QUERY_WORDS + QUERY.ADDRESS) * Uint32Array.BYTES_PER_ELEMENT;
    bytes.set(family === 4 ? addressBytes(address) : addressBytes6(address), at);
  });
  return queries;
}

/** The same queries as asm/emulator.ts reads them: policy, direction, slot, key. */
export function toEmulatorQueries(queries: Uint32Array): Uint32Array<ArrayBuffer> {
  const fields = [QUERY.POLICY, QUERY.DIRECTION, QUERY.SLOT, QUERY.KEY];
  const count = queries.length / QUERY_WORDS;
  return Uint32Array.from({ length: count * fields.length }, (_, i) => {
    const field = fields[i % fields.length] ?? 0;
    return queries[Math.floor(i / fields.length) * QUERY_WORDS + field] ?? 0;
  });
}
