import type { BpfMap } from "ebpf-ts-loader";
import type { MappedMemory } from "ebpf-ts-loader/sys";
import { AddressAnswers } from "./address_answers.ts";
import type { DatapathMemory } from "./datapath_memory.ts";
import type { BlockPool } from "./kernel_block_pool.ts";
import { DENSE, ELSEWHERE, isSparse } from "./kernel_ipcache_density.ts";
import {
  IPCACHE6_CIDR_KEY_ADDRESS_OFF,
  IPCACHE6_CIDR_KEY_PREFIX_LEN_OFF,
  IPCACHE6_CIDR_KEY_SIZE,
  IPCACHE6_KEY_SIZE,
  IPCACHE6_PREFIX_ADDRESS_OFF,
  IPCACHE6_PREFIX_MASK_OFF,
  IPCACHE6_PREFIX_SIZE,
  IPCACHE_BLOCK_CELLS,
  IPCACHE_BYTE_SHIFT,
  IPCACHE_POINTER_SHIFT,
  IPCACHE_ROOT_CELLS,
} from "./layout.ts";
import {
  allBehind,
  type Branch,
  commonBytes,
  depthOf,
  PrefixTree,
  ROOT_BYTES,
  rootKey,
} from "./prefix_tree.ts";

const POINTER = 1n << BigInt(IPCACHE_POINTER_SHIFT);
const ROOT_BITS = ROOT_BYTES * 8;
const ADDRESS_BITS = 128;
const LAST_CELL = IPCACHE_BLOCK_CELLS - 1;

/** Where an entry lies in the byte in which it ends: its first value there and its last. */
interface Span {
  readonly first: number;
  readonly last: number;
}

/**
 * The IPv6 blocks of bpf/ipcache.h: a root cell for each /16, and a block wherever entries branch
 * off below it, if they are dense. Cells are written in place, always after the tables.
 */
export class KernelIpcache6 implements Disposable {
  readonly #pool: BlockPool;
  readonly #mapped: DisposableStack;
  readonly #root: BigUint64Array;
  readonly #prefixes: Uint8Array<ArrayBuffer>;
  readonly #answers: AddressAnswers;
  readonly #tree = new PrefixTree();
  /** Blocks that some cell still names, until the cells are up to date. */
  #leaving: number[] = [];

  /** @param maps `ipcache6_root` and `ipcache6_prefixes`; they stay the caller's. */
  constructor(
    maps: { readonly root: BpfMap; readonly prefixes: BpfMap },
    pool: BlockPool,
    memory: DatapathMemory,
  ) {
    using mapped = new DisposableStack();
    const root: MappedMemory = mapped.use(maps.root.mmap());
    const prefixes: MappedMemory = mapped.use(maps.prefixes.mmap());
    this.#root = new BigUint64Array(root.buffer, 0, IPCACHE_ROOT_CELLS);
    this.#prefixes = new Uint8Array(prefixes.buffer);
    this.#pool = pool;
    this.#answers = mapped.use(new AddressAnswers(memory, 6));
    this.#mapped = mapped.move();
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
    let blocks = 0;
    for (const branch of this.#tree.root.values()) {
      for (const { total } of allBehind(branch)) if (total >= DENSE) blocks++;
    }
    return blocks;
  }

  /** Counts one address or CIDR in (1) or out (−1). Its cells are out of date until refreshed. */
  add(address: Uint8Array, prefixLength: number, change: 1 | -1): void {
    if (prefixLength <= ROOT_BITS) return;
    if (change === 1) return this.#tree.add(address, prefixLength);
    for (const { block } of this.#tree.remove(address, prefixLength)) {
      if (block !== undefined) this.#leaving.push(block);
    }
  }

  /** Brings all cells up to date with the tables. */
  refreshAll(): void {
    this.refresh(new Uint8Array(IPCACHE6_KEY_SIZE), 0);
  }

  /** Brings the cells of an address or CIDR up to date with the tables. */
  refresh(address: Uint8Array, prefixLength: number = ADDRESS_BITS): void {
    if (prefixLength <= ROOT_BITS) {
      const first = rootKey(address);
      this.#refreshRoot(first, first + 2 ** (ROOT_BITS - prefixLength) - 1);
    } else {
      this.#storeRoot(rootKey(address), rootKey(address));
      this.#refreshWay(address, prefixLength);
    }
    for (const block of this.#leaving.splice(0)) this.#pool.retire(block);
  }

  #refreshRoot(first: number, last: number): void {
    for (const [way, branch] of this.#tree.root) {
      if (way >= first && way <= last) this.#refreshBehind(branch);
    }
    this.#storeRoot(first, last);
  }

  #storeRoot(first: number, last: number): void {
    const answers = new BigUint64Array(last - first + 1);
    this.#answers.fill(answers, (view, at, i) => {
      new Uint8Array(view.buffer, view.byteOffset + at, IPCACHE6_KEY_SIZE).fill(0);
      view.setUint16(at, first + i);
    });
    answers.forEach((answer, i) => {
      const branch = this.#tree.root.get(first + i);
      Atomics.store(this.#root, first + i, branch ? this.#cellTo(branch) : answer);
    });
  }

  /** The cells on the way to an entry, its own, and those of everything inside it. */
  #refreshWay(address: Uint8Array, prefixLength: number): void {
    const depth = depthOf(prefixLength);
    const first = address[depth] ?? 0;
    const span = { first, last: first + 2 ** (8 * (depth + 1) - prefixLength) - 1 };
    let branch = this.#tree.root.get(rootKey(address));
    while (branch && branch.depth < depth) {
      if (commonBytes(branch.address, address, branch.depth) < branch.depth) return;
      const way: number = address[branch.depth] ?? 0;
      this.#storeCells(branch, { first: way, last: way });
      branch = branch.children.get(way);
    }
    if (!branch || commonBytes(branch.address, address, depth) < depth) return;
    if (branch.depth > depth) {
      const way = branch.address[depth] ?? 0;
      if (way >= span.first && way <= span.last) this.#refreshBehind(branch);
      return;
    }
    for (const [way, child] of branch.children) {
      if (way >= span.first && way <= span.last) this.#refreshBehind(child);
    }
    this.#storeCells(branch, span);
  }

  #refreshBehind(branch: Branch): void {
    for (const behind of allBehind(branch)) {
      this.#storeCells(behind, { first: 0, last: LAST_CELL });
    }
  }

  /** Writes cells of a branch's block, if it has one. */
  #storeCells(branch: Branch, span: Span): void {
    if (branch.block === undefined) return;
    const values = this.#valuesOf(branch, span, new BigUint64Array(span.last - span.first + 1));
    const cells = this.#pool.cells(branch.block);
    values.forEach((value, i) => Atomics.store(cells, span.first + i, value));
  }

  /** What the cells of a branch's block are to hold. */
  #valuesOf({ address, depth, children }: Branch, { first, last }: Span, values: BigUint64Array) {
    this.#answers.fill(values, (view, at, i) => {
      new Uint8Array(view.buffer, view.byteOffset + at, IPCACHE6_KEY_SIZE).set(address);
      view.setUint8(at + depth, first + i);
    });
    for (const [way, child] of children) {
      if (way >= first && way <= last) values[way - first] = this.#cellTo(child);
    }
    return values;
  }

  /** A cell that leads to a branch, whose block is there and filled when this returns. */
  #cellTo(branch: Branch): bigint {
    if (branch.block !== undefined && isSparse(branch.total)) this.#leave(branch);
    else if (branch.block === undefined && branch.total >= DENSE) this.#settle(branch);
    if (branch.block === undefined) return ELSEWHERE;
    return POINTER | BigInt(branch.depth) << BigInt(IPCACHE_BYTE_SHIFT) | BigInt(branch.block);
  }

  #settle(branch: Branch): void {
    const block = this.#pool.take();
    if (block === undefined) return;
    const prefix = block * IPCACHE6_PREFIX_SIZE;
    this.#prefixes.set(branch.address, prefix + IPCACHE6_PREFIX_ADDRESS_OFF);
    const mask = prefix + IPCACHE6_PREFIX_MASK_OFF;
    this.#prefixes.fill(0, mask, mask + IPCACHE6_KEY_SIZE).fill(0xFF, mask, mask + branch.depth);
    const cells = this.#pool.cells(block);
    this.#valuesOf(branch, { first: 0, last: LAST_CELL }, cells);
    branch.block = block;
  }

  #leave(branch: Branch): void {
    for (const behind of allBehind(branch)) {
      if (behind.block !== undefined) this.#leaving.push(behind.block);
      behind.block = undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#mapped[Symbol.dispose]();
  }
}
