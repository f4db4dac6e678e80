import type { MapSpec } from "ebpf-ts-loader";
import type { IpcacheKey, IpcacheState } from "./datapath.ts";
import type { DatapathMemory } from "./datapath_memory.ts";
import { BlockPool } from "./kernel_block_pool.ts";
import { KernelIpcache4, rangeOf } from "./kernel_ipcache4.ts";
import { KernelIpcache6 } from "./kernel_ipcache6.ts";
import { IPCACHE_INFO_IDENTITY_SLOT_OFF, IPCACHE_INFO_SIZE } from "./layout.ts";
import type { NodeMaps } from "./node_maps.ts";

/** Blocks kept free for addresses to come. */
const SPARE_BLOCKS = 16;

/**
 * The ipcache in the kernel: its tables, and the blocks before them (bpf/ipcache.h). Programs may
 * run at any time; each address is answered as before a change or as after it.
 */
export class KernelIpcache implements Disposable {
  readonly #maps: Pick<NodeMaps, "map">;
  readonly #memory: DatapathMemory;
  readonly #owned: DisposableStack;
  readonly #pool: BlockPool;
  readonly #family4: KernelIpcache4;
  readonly #family6: KernelIpcache6;

  /**
   * @param maps The datapath's maps, whose blocks are empty; they stay the caller's.
   * @param chunk What the inner maps of `ipcache_chunks` look like.
   * @param memory Holds the same addresses; the cells' answers are asked of it.
   */
  constructor(maps: Pick<NodeMaps, "map">, chunk: MapSpec, memory: DatapathMemory) {
    using owned = new DisposableStack();
    this.#maps = maps;
    this.#memory = memory;
    this.#pool = owned.use(new BlockPool(maps.map("ipcache_chunks"), chunk));
    this.#family4 = owned.use(new KernelIpcache4(maps.map("ipcache4_root"), this.#pool, memory));
    const family6 = { root: maps.map("ipcache6_root"), prefixes: maps.map("ipcache6_prefixes") };
    this.#family6 = owned.use(new KernelIpcache6(family6, this.#pool, memory));
    this.#owned = owned.move();
  }

  /** Fills the blocks, once the tables are full. Waits for an RCU grace period if there are any. */
  async fill(): Promise<void> {
    const wanted = this.#family4.count(this.#memory) + this.#family6.count(this.#memory);
    if (wanted > 0) await this.#pool.refill(wanted);
    this.#family4.refresh();
    this.#family6.refreshAll();
  }

  /**
   * Says whose addresses or CIDRs are now: in memory, in the tables, then in the cells.
   *
   * Returns when it is in force. Now and then it waits for an RCU grace period, so that blocks do
   * not run out.
   *
   * @throws {RangeError} If an entry is malformed, or memory is full.
   * @throws {SyscallError} If a map is full (E2BIG, ENOSPC).
   */
  async set(entries: readonly IpcacheState[]): Promise<void> {
    for (const entry of entries) {
      const before = this.#count(entry);
      this.#memory.setAddress(entry);
      this.#table(entry).update(keyOf(entry), infoOf(entry.identity, this.#memory));
      this.#changed(entry, this.#count(entry) > before ? 1 : 0);
    }
    await this.#settle();
  }

  /**
   * Forgets addresses and CIDRs, in memory, in the tables, then in the cells: what is around them
   * answers from now on. Those unknown are passed over.
   *
   * @throws {RangeError} If a key is malformed.
   */
  async remove(keys: readonly IpcacheKey[]): Promise<void> {
    for (const key of keys) {
      if (!this.#memory.removeAddress(key)) continue;
      this.#table(key).delete(keyOf(key));
      this.#changed(key, -1);
    }
    await this.#settle();
  }

  #changed({ address, prefixLength }: IpcacheKey, change: 1 | 0 | -1): void {
    if (address.length === 4) {
      const range = rangeOf(address, prefixLength);
      if (change !== 0) this.#family4.add(range.first, prefixLength ?? 32, change);
      this.#family4.refresh(range);
    } else {
      if (change !== 0) this.#family6.add(address, prefixLength ?? 128, change);
      this.#family6.refresh(address, prefixLength);
    }
  }

  async #settle(): Promise<void> {
    const { free, retired, unallocated } = this.#pool;
    if (free < SPARE_BLOCKS && retired + unallocated > 0) await this.#pool.refill(SPARE_BLOCKS);
  }

  #nameOf({ address, prefixLength }: IpcacheKey) {
    if (address.length === 4) return prefixLength === undefined ? "ipcache4" : "ipcache4_cidr";
    return prefixLength === undefined ? "ipcache6" : "ipcache6_cidr";
  }

  #table(key: IpcacheKey) {
    return this.#maps.map(this.#nameOf(key));
  }

  #count(key: IpcacheKey): number {
    return this.#memory.table(this.#nameOf(key)).count;
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}

function keyOf({ address, prefixLength }: IpcacheKey): Uint8Array<ArrayBuffer> {
  if (prefixLength === undefined) return Uint8Array.from(address);
  const key = new Uint8Array(4 + address.length);
  new DataView(key.buffer).setUint32(0, prefixLength, true);
  key.set(address, 4);
  return key;
}

function infoOf(identity: number, memory: DatapathMemory): Uint8Array<ArrayBuffer> {
  const info = new Uint8Array(IPCACHE_INFO_SIZE);
  const view = new DataView(info.buffer);
  view.setUint32(IPCACHE_INFO_IDENTITY_SLOT_OFF, identity, true);
  view.setUint32(IPCACHE_INFO_IDENTITY_SLOT_OFF + 4, memory.slotOf(identity), true);
  return info;
}
