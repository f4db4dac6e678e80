import { type BpfMap, type CollectionSpec, createMap } from "ebpf-ts-loader";
import type { MappedMemory } from "ebpf-ts-loader/sys";
import type { NodeState, PolicyState } from "./datapath.ts";
import type { DatapathMemory, TableName } from "./datapath_memory.ts";
import {
  IPCACHE4_CIDR_KEY_SIZE,
  IPCACHE4_KEY_SIZE,
  IPCACHE6_CIDR_KEY_SIZE,
  IPCACHE6_KEY_SIZE,
  LPM_POLICY_TABLES,
} from "./layout.ts";
import { encodeLpmPolicy, type LpmPolicyBytes } from "./lpm_policy_map.ts";
import { fillTables, type NodeMaps, requireMap, wordBytes } from "./node_maps.ts";

/** Tables that the LPM twin shares with the datapath, what is pointed to first. */
const TABLES: readonly TableName[] = ["identities", "endpoint_policies", "endpoints"];

/** The trie that takes a family's addresses and CIDRs, and the sizes of their keys. */
const FAMILIES = [
  { trie: "lpm_ipcache4", exact: "ipcache4", key: IPCACHE4_KEY_SIZE, cidr: IPCACHE4_CIDR_KEY_SIZE },
  { trie: "lpm_ipcache6", exact: "ipcache6", key: IPCACHE6_KEY_SIZE, cidr: IPCACHE6_CIDR_KEY_SIZE },
] as const;

/** Bytes of a trie key's prefix length. */
const PREFIX_LENGTH_BYTES = 4;

/**
 * Fills the LPM twin's maps (bpf/lpm_maps.h) with a node's state: one trie for all addresses of a
 * family, one for each policy.
 *
 * The maps stay the caller's and must outlive it.
 */
export class LpmMaps implements NodeMaps {
  readonly #spec: CollectionSpec;
  readonly #maps: ReadonlyMap<string, BpfMap>;
  readonly #tables: MappedMemory;
  readonly #cells: BigUint64Array;
  /** Table numbers that no cell has named since the last grace period but one; 0 is none. */
  readonly #free = Array.from(
    { length: LPM_POLICY_TABLES - 1 },
    (_, i) => LPM_POLICY_TABLES - 1 - i,
  );
  /** Tables that no cell names any more, but that a running program may still read. */
  #retired: number[] = [];
  #ports = new Map<number, number>();

  constructor(spec: CollectionSpec, maps: ReadonlyMap<string, BpfMap>) {
    this.#spec = spec;
    this.#maps = maps;
    this.#tables = this.map("policy_tables").mmap();
    this.#cells = new BigUint64Array(this.#tables.buffer);
  }

  map(name: string): BpfMap {
    return requireMap(this.#maps, name, this.#spec);
  }

  async fill(memory: DatapathMemory, state: NodeState): Promise<void> {
    this.#ports = new Map((state.redirects ?? []).map(({ id, port }) => [id, port]));
    await this.#publish(state.policies);
    fillTables(this, memory, TABLES);
    fillTries(this, memory);
  }

  async replacePolicy(policy: PolicyState): Promise<void> {
    await this.#publish([policy]);
  }

  /** Introduces a trie for each policy, then names it in the policy's cell by one store. */
  async #publish(policies: readonly PolicyState[]): Promise<void> {
    if (policies.length === 0) return;
    using tries = new DisposableStack();
    const fds = policies.map(({ mapState }) => {
      const bytes = encodeLpmPolicy(mapState.entries, (id) => this.#ports.get(id) ?? 0);
      return tries.use(this.#trie(bytes)).fd;
    });
    if (this.#free.length < policies.length) {
      throw new RangeError(
        `Cannot publish policies in "lpm_policies": ${this.#free.length} tables free, ` +
          `expected ${policies.length}`,
      );
    }
    // Introducing a table waits for an RCU grace period: programs that could still know a table
    // retired before this call are done when it returns, and its number may be used again.
    const reusable = this.#retired;
    this.#retired = [];
    const tables = policies.map((policy) => ({ policy, table: this.#free.pop() ?? 0 }));
    try {
      const numbers = wordBytes(tables.map(({ table }) => table));
      await this.map("lpm_policies").updateBatchAsync(numbers, wordBytes(fds));
    } catch (error) {
      this.#retired.push(...reusable, ...tables.map(({ table }) => table));
      throw error;
    }
    this.#free.push(...reusable);
    for (const { policy, table } of tables) {
      const before = Number(BigInt.asUintN(32, this.#cells[policy.number] ?? 0n));
      if (before !== 0) this.#retired.push(before);
      const cell = BigInt(policy.revision) << 32n | BigInt(table);
      Atomics.store(this.#cells, policy.number, cell);
    }
  }

  /** A trie with a policy's entries; the caller owns it. */
  #trie({ keys, values, count }: LpmPolicyBytes): BpfMap {
    const inner = this.#spec.maps.get("lpm_policies")?.inner;
    if (!inner) throw new TypeError('Cannot make policy map: no inner map in "lpm_policies"');
    const map = createMap({ ...inner, maxEntries: Math.max(count, 1) });
    try {
      if (count > 0) map.updateBatch(keys, values);
      return map;
    } catch (error) {
      map[Symbol.dispose]();
      throw error;
    }
  }

  /** Lets go of the mapped cells; the tries live as long as the map that names them. */
  [Symbol.dispose](): void {
    this.#tables[Symbol.dispose]();
  }
}

/** Fills a trie for each family with all addresses and CIDRs. */
export function fillTries(maps: Pick<NodeMaps, "map">, memory: DatapathMemory): void {
  for (const { trie, exact, key, cidr } of FAMILIES) {
    const cidrs = memory.table(`${exact}_cidr`);
    if (cidrs.count > 0) maps.map(trie).updateBatch(cidrs.keys, cidrs.values);
    const { count, keys, values } = memory.table(exact);
    // Later, so that an address wins over a prefix of its whole length, as it does elsewhere.
    if (count > 0) maps.map(trie).updateBatch(wholePrefixes(keys, key, cidr), values);
  }
}

/** Addresses as prefixes of their whole length: keys of a trie. */
function wholePrefixes(
  addresses: Uint8Array,
  addressSize: number,
  keySize: number,
): Uint8Array<ArrayBuffer> {
  const count = addresses.length / addressSize;
  const keys = new Uint8Array(count * keySize);
  const view = new DataView(keys.buffer);
  for (let i = 0; i < count; i++) {
    view.setUint32(i * keySize, addressSize * 8, true);
    const address = addresses.subarray(i * addressSize, (i + 1) * addressSize);
    keys.set(address, i * keySize + PREFIX_LENGTH_BYTES);
  }
  return keys;
}
