import type { BpfMap } from "ebpf-ts-loader";
import { AddressAnswers } from "./address_answers.ts";
import type { DatapathMemory } from "./datapath_memory.ts";
import type { BlockPool } from "./kernel_block_pool.ts";
import { DENSE, isSparse } from "./kernel_ipcache_density.ts";
import {
  IPCACHE6_CIDR_KEY_ADDRESS_OFF,
  IPCACHE6_CIDR_KEY_PREFIX_LEN_OFF,
  IPCACHE6_CIDR_KEY_SIZE,
  IPCACHE6_KEY_SIZE,
  IPCACHE_BLOCK_CELLS,
  IPCACHE_POINTER_SHIFT,
} from "./layout.ts";

const POINTER = 1n << BigInt(IPCACHE_POINTER_SHIFT);
const BLOCK_BITS = 120;
const ADDRESS_BITS = 128;
const LAST_BYTE = IPCACHE6_KEY_SIZE - 1;

/** 256 addresses with the same first 120 bits. */
interface Neighbourhood {
  /** Its first address. */
  readonly address: Uint8Array<ArrayBuffer>;
  /** Addresses and CIDRs longer than /120 in it. */
  entries: number;
  block: number | undefined;
}

/** A name for the first 120 bits. */
function nameOf(address: Uint8Array): string {
  return String.fromCharCode(...address.subarray(0, LAST_BYTE));
}

function isInside(address: Uint8Array, prefix: Uint8Array, prefixLength: number): boolean {
  const bytes = prefixLength >>> 3;
  for (let i = 0; i < bytes; i++) if (address[i] !== prefix[i]) return false;
  const mask = 0xFF00 >>> (prefixLength & 7) & 0xFF;
  return (((address[bytes] ?? 0) ^ (prefix[bytes] ?? 0)) & mask) === 0;
}

/**
 * The IPv6 blocks of bpf/ipcache.h: a block of answers for each /120 in which addresses are dense.
 * Cells are written in place, always after the tables.
 */
export class KernelIpcache6 implements Disposable {
  readonly #pool: BlockPool;
  readonly #blocks: BpfMap;
  readonly #answers: AddressAnswers;
  readonly #known = new Map<string, Neighbourhood>();

  /** @param blocks The map `ipcache6_blocks`; it stays the caller's. */
  constructor(blocks: BpfMap, pool: BlockPool, memory: DatapathMemory) {
    this.#pool = pool;
    this.#blocks = blocks;
    this.#answers = new AddressAnswers(memory, 6);
  }

  /** Counts what the tables of `memory` hold. Returns how many blocks that asks for. */
  count(memory: DatapathMemory): number {
    const { keys, count } = memory.table("ipcache6");
    for (let i = 0; i < count; i++) {
      this.add(keys.subarray(i * IPCACHE6_KEY_SIZE, (i + 1) * IPCACHE6_KEY_SIZE), ADDRESS_BITS, 1);
    }
    const cidrs = memory.table("ipcache6_cidr");
    const view = new DataView(cidrs.keys.buffer, cidrs.keys.byteOffset, cidrs.keys.byteLength);
    for (let i = 0; i < cidrs.count; i++) {
      const at = i * IPCACHE6_CIDR_KEY_SIZE;
      const address = at + IPCACHE6_CIDR_KEY_ADDRESS_OFF;
      const length = view.getUint32(at + IPCACHE6_CIDR_KEY_PREFIX_LEN_OFF, true);
      this.add(cidrs.keys.subarray(address, address + IPCACHE6_KEY_SIZE), length, 1);
    }
    return [...this.#known.values()].filter(({ entries }) => entries >= DENSE).length;
  }

  /** Counts one address or CIDR in (1) or out (−1). */
  add(address: Uint8Array, prefixLength: number, change: 1 | -1): void {
    if (prefixLength <= BLOCK_BITS) return;
    const name = nameOf(address);
    const known = this.#known.get(name);
    if (known) {
      known.entries += change;
      return;
    }
    const first = new Uint8Array(IPCACHE6_KEY_SIZE);
    first.set(address.subarray(0, LAST_BYTE));
    this.#known.set(name, { address: first, entries: change, block: undefined });
  }

  /** Brings the cells of all neighbourhoods up to date with the tables. */
  refreshAll(): void {
    for (const [name, known] of this.#known) this.#refresh(name, known, 0, LAST_CELL);
  }

  /** Brings the cells of an address or CIDR up to date with the tables. */
  refresh(address: Uint8Array, prefixLength: number = ADDRESS_BITS): void {
    if (prefixLength > BLOCK_BITS) {
      const name = nameOf(address);
      const known = this.#known.get(name);
      const first = address[LAST_BYTE] ?? 0;
      const last = first + 2 ** (ADDRESS_BITS - prefixLength) - 1;
      if (known) this.#refresh(name, known, first, last);
      return;
    }
    for (const [name, known] of this.#known) {
      if (isInside(known.address, address, prefixLength)) this.#refresh(name, known, 0, LAST_CELL);
    }
  }

  #refresh(name: string, known: Neighbourhood, first: number, last: number): void {
    const { address, entries, block } = known;
    if (block === undefined) {
      if (entries >= DENSE) known.block = this.#introduce(address);
    } else if (isSparse(entries)) {
      this.#blocks.delete(address);
      this.#pool.retire(block);
      known.block = undefined;
    } else {
      const answers = this.#answersOf(address, first, new BigUint64Array(last - first + 1));
      const cells = this.#pool.cells(block);
      answers.forEach((answer, i) => Atomics.store(cells, first + i, answer));
    }
    if (entries <= 0) this.#known.delete(name);
  }

  /** Fills a block, then names it. */
  #introduce(address: Uint8Array<ArrayBuffer>): number | undefined {
    const block = this.#pool.take();
    if (block === undefined) return undefined;
    this.#answersOf(address, 0, this.#pool.cells(block));
    const cell = new Uint8Array(BigUint64Array.of(POINTER | BigInt(block)).buffer);
    this.#blocks.update(address, cell);
    return block;
  }

  #answersOf(address: Uint8Array, first: number, answers: BigUint64Array): BigUint64Array {
    this.#answers.fill(answers, (view, at, i) => {
      new Uint8Array(view.buffer, view.byteOffset + at, IPCACHE6_KEY_SIZE).set(address);
      view.setUint8(at + LAST_BYTE, first + i);
    });
    return answers;
  }

  [Symbol.dispose](): void {
    this.#answers[Symbol.dispose]();
  }
}

const LAST_CELL = IPCACHE_BLOCK_CELLS - 1;
