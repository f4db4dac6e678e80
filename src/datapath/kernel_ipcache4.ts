import type { BpfMap } from "ebpf-ts-loader";
import type { MappedMemory } from "ebpf-ts-loader/sys";
import { AddressAnswers } from "./address_answers.ts";
import type { DatapathMemory } from "./datapath_memory.ts";
import type { BlockPool } from "./kernel_block_pool.ts";
import {
  IPCACHE4_CIDR_KEY_ADDRESS_OFF,
  IPCACHE4_CIDR_KEY_PREFIX_LEN_OFF,
  IPCACHE4_CIDR_KEY_SIZE,
  IPCACHE4_KEY_SIZE,
  IPCACHE_BLOCK_CELLS,
  IPCACHE_POINTER_SHIFT,
  IPCACHE_ROOT_CELLS,
} from "./layout.ts";
import { addTo, DENSE, ELSEWHERE, isSparse } from "./kernel_ipcache_density.ts";

/** In a cell: its block. */
const POINTER = 1n << BigInt(IPCACHE_POINTER_SHIFT);
const LAST_ADDRESS = 2 ** 32 - 1;
const ADDRESS_BITS = 32;

/** Addresses from `first` to `last`, both in host byte order. */
export interface Range4 {
  readonly first: number;
  readonly last: number;
}

/** The range of an IPv4 address or CIDR in network byte order. */
export function rangeOf(address: Uint8Array, prefixLength: number = ADDRESS_BITS): Range4 {
  const view = new DataView(address.buffer, address.byteOffset, address.byteLength);
  const first = view.getUint32(0);
  return { first, last: first + 2 ** (ADDRESS_BITS - prefixLength) - 1 };
}

function intersection(a: Range4, b: Range4): Range4 {
  return { first: Math.max(a.first, b.first), last: Math.min(a.last, b.last) };
}

function wholeLower(lower: number): Range4 {
  return { first: lower * 256, last: lower * 256 + 255 };
}

/**
 * The IPv4 blocks of bpf/ipcache.h: a root cell for each /16, a block below it where something
 * longer is known, a block of answers for each /24 in which addresses are dense. Cells are written
 * in place, always after the tables.
 */
export class KernelIpcache4 implements Disposable {
  readonly #pool: BlockPool;
  readonly #mapped: MappedMemory;
  readonly #root: BigUint64Array;
  readonly #answers: AddressAnswers;
  /** Block of a /16 and of a /24, by their first bits. */
  readonly #upper = new Map<number, number>();
  readonly #lower = new Map<number, number>();
  /** Addresses and CIDRs longer than /16 inside a /16; longer than /24 inside a /24. */
  readonly #inUpper = new Map<number, number>();
  readonly #inLower = new Map<number, number>();

  constructor(root: BpfMap, pool: BlockPool, memory: DatapathMemory) {
    this.#pool = pool;
    this.#mapped = root.mmap();
    this.#root = new BigUint64Array(this.#mapped.buffer, 0, IPCACHE_ROOT_CELLS);
    this.#answers = new AddressAnswers(memory, 4);
  }

  /** Counts what the tables of `memory` hold. Returns how many blocks that asks for. */
  count(memory: DatapathMemory): number {
    const { keys, count } = memory.table("ipcache4");
    const view = new DataView(keys.buffer, keys.byteOffset, keys.byteLength);
    for (let i = 0; i < count; i++) {
      this.add(view.getUint32(i * IPCACHE4_KEY_SIZE), ADDRESS_BITS, 1);
    }
    const cidrs = memory.table("ipcache4_cidr");
    const cidr = new DataView(cidrs.keys.buffer, cidrs.keys.byteOffset, cidrs.keys.byteLength);
    for (let i = 0; i < cidrs.count; i++) {
      const at = i * IPCACHE4_CIDR_KEY_SIZE;
      const length = cidr.getUint32(at + IPCACHE4_CIDR_KEY_PREFIX_LEN_OFF, true);
      this.add(cidr.getUint32(at + IPCACHE4_CIDR_KEY_ADDRESS_OFF), length, 1);
    }
    const lower = [...this.#inLower.values()].filter((entries) => entries >= DENSE);
    return this.#inUpper.size + lower.length;
  }

  /** Counts one address or CIDR in (1) or out (−1). */
  add(first: number, prefixLength: number, change: 1 | -1): void {
    if (prefixLength > 16) addTo(this.#inUpper, first >>> 16, change);
    if (prefixLength > 24) addTo(this.#inLower, first >>> 8, change);
  }

  /** Brings the cells of a range up to date with the tables. */
  refresh({ first, last }: Range4 = { first: 0, last: LAST_ADDRESS }): void {
    const start = first >>> 16;
    const answers = new BigUint64Array((last >>> 16) - start + 1);
    this.#answers.fill(answers, (view, at, i) => view.setUint32(at, (start + i) * 65536));
    answers.forEach((answer, i) => {
      const upper = start + i;
      const isUniform = !this.#inUpper.has(upper) && !this.#upper.has(upper);
      const cell = isUniform ? answer : this.#upperCell(upper, { first, last }, answer);
      Atomics.store(this.#root, upper, cell);
    });
  }

  #upperCell(upper: number, range: Range4, answer: bigint): bigint {
    const block = this.#upper.get(upper);
    if (!this.#inUpper.has(upper)) {
      if (block !== undefined) this.#drop(upper, block);
      return answer;
    }
    if (block !== undefined) {
      const whole = { first: upper * 65536, last: upper * 65536 + 65535 };
      this.#fillUpper(this.#pool.cells(block), intersection(range, whole));
      return POINTER | BigInt(block);
    }
    const taken = this.#pool.take();
    if (taken === undefined) return ELSEWHERE;
    this.#upper.set(upper, taken);
    this.#fillNewUpper(upper, this.#pool.cells(taken));
    return POINTER | BigInt(taken);
  }

  /** Gives up the block of a /16 and those below; the root cell is about to name it no more. */
  #drop(upper: number, block: number): void {
    this.#upper.delete(upper);
    // Written at once: blocks are retired only when no cell names them.
    Atomics.store(this.#root, upper, ELSEWHERE);
    for (let lower = upper * 256; lower < upper * 256 + 256; lower++) {
      const below = this.#lower.get(lower);
      if (below === undefined) continue;
      this.#lower.delete(lower);
      this.#pool.retire(below);
    }
    this.#pool.retire(block);
  }

  /** Fills a block that no cell names yet. */
  #fillNewUpper(upper: number, cells: BigUint64Array): void {
    const start = upper * 256;
    this.#answers.fill(cells, (view, at, i) => view.setUint32(at, (start + i) * 256));
    for (let i = 0; i < 256; i++) {
      if (this.#inLower.has(start + i)) {
        this.#storeLower(start + i, cells, wholeLower(start + i), 0n);
      }
    }
  }

  #fillUpper(cells: BigUint64Array, { first, last }: Range4): void {
    const start = first >>> 8;
    const answers = new BigUint64Array((last >>> 8) - start + 1);
    this.#answers.fill(answers, (view, at, i) => view.setUint32(at, (start + i) * 256));
    answers.forEach((answer, i) => {
      const range = intersection({ first, last }, wholeLower(start + i));
      this.#storeLower(start + i, cells, range, answer);
    });
  }

  /** Writes what the block of a /16 says of a /24; `answer` is what the tables say of all of it. */
  #storeLower(lower: number, cells: BigUint64Array, range: Range4, answer: bigint): void {
    const at = lower % IPCACHE_BLOCK_CELLS;
    const entries = this.#inLower.get(lower) ?? 0;
    const block = this.#lower.get(lower);
    if (block !== undefined && !isSparse(entries)) {
      this.#fillLower(this.#pool.cells(block), range);
      return;
    }
    const taken = entries >= DENSE ? this.#pool.take() : undefined;
    if (taken !== undefined) {
      const first = lower * 256;
      this.#answers.fill(this.#pool.cells(taken), (view, at, i) => view.setUint32(at, first + i));
      this.#lower.set(lower, taken);
      Atomics.store(cells, at, POINTER | BigInt(taken));
      return;
    }
    Atomics.store(cells, at, entries > 0 ? ELSEWHERE : answer);
    if (block === undefined) return;
    this.#lower.delete(lower);
    this.#pool.retire(block);
  }

  #fillLower(cells: BigUint64Array, { first, last }: Range4): void {
    const answers = new BigUint64Array(last - first + 1);
    this.#answers.fill(answers, (view, at, i) => view.setUint32(at, first + i));
    answers.forEach((answer, i) => Atomics.store(cells, (first + i) % IPCACHE_BLOCK_CELLS, answer));
  }

  [Symbol.dispose](): void {
    this.#answers[Symbol.dispose]();
    this.#mapped[Symbol.dispose]();
  }
}
