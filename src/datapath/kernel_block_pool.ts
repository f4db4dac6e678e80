import { type BpfMap, createMap, type MapSpec } from "ebpf-ts-loader";
import type { MappedMemory } from "ebpf-ts-loader/sys";
import { IPCACHE_BLOCK_CELLS, IPCACHE_CHUNK_BLOCKS, IPCACHE_CHUNKS } from "./layout.ts";
import { wordBytes } from "./node_maps.ts";

/** Blocks that can ever be; 64 MiB of cells. */
export const MOST_BLOCKS = IPCACHE_CHUNKS * IPCACHE_CHUNK_BLOCKS;

interface Chunk extends Disposable {
  readonly map: BpfMap;
  readonly cells: BigUint64Array;
}

/**
 * The blocks of cells that bpf/ipcache.h reads: handed out, written in place, and handed out
 * again when no program can still be reading them. They take memory as they are needed, 256 at a
 * time.
 */
export class BlockPool implements Disposable {
  readonly #outer: BpfMap;
  readonly #inner: MapSpec;
  readonly #chunks: Chunk[] = [];
  #free: number[] = [];
  #retired: number[] = [];

  /**
   * @param outer The map `ipcache_chunks`; it stays the caller's.
   * @param inner What its chunks look like.
   */
  constructor(outer: BpfMap, inner: MapSpec) {
    this.#outer = outer;
    this.#inner = inner;
  }

  /** Blocks that can be had without waiting. */
  get free(): number {
    return this.#free.length;
  }

  /** Blocks that have been given back and are not yet free. */
  get retired(): number {
    return this.#retired.length;
  }

  /** Blocks that no chunk holds yet. */
  get unallocated(): number {
    return MOST_BLOCKS - this.#chunks.length * IPCACHE_CHUNK_BLOCKS;
  }

  /**
   * Makes blocks free, as far as the pool may grow. Waits for an RCU grace period, after which
   * what was given back before the call is free too.
   *
   * @param blocks How many should be free.
   */
  async refill(blocks: number): Promise<void> {
    const retired = this.#retired;
    this.#retired = [];
    const missing = Math.min(blocks - this.#free.length - retired.length, this.unallocated);
    const first = this.#chunks.length;
    const count = Math.max(0, Math.ceil(missing / IPCACHE_CHUNK_BLOCKS));
    if (count === 0 && retired.length === 0) return;
    // A chunk that is introduced again is a grace period and nothing else.
    const introduced = count === 0 ? [0] : Array.from({ length: count }, (_, i) => first + i);
    try {
      for (let i = 0; i < count; i++) this.#chunks.push(makeChunk(this.#inner));
      await this.#outer.updateBatchAsync(
        wordBytes(introduced),
        wordBytes(introduced.map((chunk) => this.#chunks[chunk]?.map.fd ?? -1)),
      );
    } catch (error) {
      for (const chunk of this.#chunks.splice(first)) chunk[Symbol.dispose]();
      this.#retired.push(...retired);
      throw error;
    }
    const added = Array.from(
      { length: count * IPCACHE_CHUNK_BLOCKS },
      (_, i) => first * IPCACHE_CHUNK_BLOCKS + i,
    );
    this.#free = [...added.reverse(), ...retired, ...this.#free];
  }

  /** A block whose cells are undefined; `undefined` if none is free. */
  take(): number | undefined {
    return this.#free.pop();
  }

  /** Gives back a block that no cell names any more. */
  retire(block: number): void {
    this.#retired.push(block);
  }

  /** The cells of a block, not a copy: each is to be written by one store. */
  cells(block: number): BigUint64Array {
    const chunk = this.#chunks[Math.floor(block / IPCACHE_CHUNK_BLOCKS)];
    const first = block % IPCACHE_CHUNK_BLOCKS * IPCACHE_BLOCK_CELLS;
    if (chunk) return chunk.cells.subarray(first, first + IPCACHE_BLOCK_CELLS);
    throw new RangeError(`Cannot find block "${block}": not allocated, expected one of take()`);
  }

  /** Lets go of the chunks; the datapath's map keeps them. */
  [Symbol.dispose](): void {
    for (const chunk of this.#chunks) chunk[Symbol.dispose]();
  }
}

function makeChunk(spec: MapSpec): Chunk {
  using owned = new DisposableStack();
  const map = owned.use(createMap(spec));
  const mapped: MappedMemory = owned.use(map.mmap());
  const stack = owned.move();
  return {
    map,
    cells: new BigUint64Array(mapped.buffer, 0, IPCACHE_CHUNK_BLOCKS * IPCACHE_BLOCK_CELLS),
    [Symbol.dispose]: () => stack.dispose(),
  };
}
