/**
 * The kernel's programs beside the emulator: packets and verdicts lie in pages that the kernel and
 * the module share, so no packet is copied, and the programs run on a thread of their own while
 * the emulator works.
 *
 * @module
 */
import { BatchCursor, type BpfMap, cloneSpec } from "ebpf-ts-loader";
import { ATTR, BPF, BpfAttr, ERRNO, MappedMemory, pageSize, PROT } from "ebpf-ts-loader/sys";
import { readBpfObject } from "../datapath/bpf_objects.ts";
import type { DatapathMemory } from "../datapath/datapath_memory.ts";
import { KernelDatapath } from "../datapath/kernel.ts";
import { METRICS_SIZE } from "../datapath/layout.ts";
import type { PacketBatch } from "../datapath/packet_batch.ts";
import type { World } from "./world.ts";

/** Entries of a conntrack table here: a dump walks all of it. Half of them may be in use. */
export const CONNTRACK_ENTRIES = 65_536;

/** Maps whose entries are traffic. */
const TRAFFIC = ["conntrack4", "conntrack6", "fragments4", "fragments6", "reported", "accounting"];

/** Something for the context to hold before the first packet, and room for what it holds last. */
const CARRIER_BYTES = 64;
const CARRIER_OUT_BYTES = 4096;

/** Entries of a table, where the module can read them. */
export interface StagedEntries {
  readonly keys: number;
  readonly values: number;
  readonly count: number;
}

/** Records of the events ring, where the module can read them. */
export interface StagedEvents {
  readonly records: number;
  /** Headers included. */
  readonly bytes: number;
}

/**
 * Runs the programs of one world at a time.
 *
 * Requires Linux 5.10 and root (CAP_BPF, CAP_NET_ADMIN).
 */
export class KernelLeg implements Disposable {
  readonly #memory: DatapathMemory;
  readonly #kernel: KernelDatapath;
  readonly #input: PacketBatch;
  readonly #output: PacketBatch;
  readonly #run = new BpfAttr(BPF.PROG_TEST_RUN, ATTR.TEST_RUN.size);
  readonly #staging: { readonly keys: number; readonly values: number; readonly events: number };
  readonly #ringBytes: number;
  #shared: DisposableStack | undefined;
  #next: MappedMemory | undefined;
  #ring: EventRing | undefined;

  /**
   * @param input Its pages become the harness's own while a world is loaded; likewise `output`.
   */
  constructor(memory: DatapathMemory, input: PacketBatch, output: PacketBatch) {
    const spec = cloneSpec(readBpfObject("datapath"));
    for (const name of ["conntrack4", "conntrack6"]) {
      const map = spec.maps.get(name);
      if (map !== undefined) map.maxEntries = CONNTRACK_ENTRIES;
    }
    this.#memory = memory;
    this.#kernel = new KernelDatapath(memory, { object: spec });
    this.#input = input;
    this.#output = output;
    this.#ringBytes = spec.maps.get("events")?.maxEntries ?? 0;
    const pages = (bytes: number) => memory.wasm.exports.allocatePages(bytes) >>> 0;
    this.#staging = {
      keys: pages(CONNTRACK_ENTRIES * 40),
      values: pages(CONNTRACK_ENTRIES * 64),
      events: pages(this.#ringBytes),
    };
    this.#run
      .pointer(ATTR.TEST_RUN.dataInPtr, new Uint8Array(CARRIER_BYTES))
      .pointer(ATTR.TEST_RUN.dataOutPtr, new Uint8Array(CARRIER_OUT_BYTES))
      .u32(ATTR.TEST_RUN.dataSizeIn, CARRIER_BYTES);
  }

  /** The datapath underneath. */
  get datapath(): KernelDatapath {
    return this.#kernel;
  }

  /**
   * Loads a world: into the memory first, where the emulator finds it, then into the kernel.
   *
   * @throws {VerifierError} If the kernel refuses a program.
   */
  async load({ node }: World): Promise<void> {
    this.#unshare();
    await this.#kernel.load(node);
    using owned = new DisposableStack();
    const { harness } = this.#kernel;
    const wasm = this.#memory.wasm.memory;
    owned.use(harness.map("packets_in").mmapInto(wasm, this.#input.pointer));
    owned.use(harness.map("packets_out").mmapInto(wasm, this.#output.pointer));
    this.#next = owned.use(harness.map("next_packet").mmap());
    this.#ring = owned.use(new EventRing(this.#kernel.node.map("events")));
    this.#run.u32(ATTR.TEST_RUN.fd, harness.program("run_packets").fd);
    this.#shared = owned.move();
  }

  /** Puts the memory's tables of endpoints and current policies into the kernel once more. */
  updateTables(): void {
    const endpoints = this.#memory.table("endpoints");
    if (endpoints.count > 0) {
      this.#kernel.node.map("endpoints").updateBatch(endpoints.keys, endpoints.values);
    }
    const tables = this.#memory.table("policy_tables");
    this.#kernel.node.map("policy_tables").updateBatch(tables.keys, tables.values);
  }

  /**
   * Runs `count` packets of the input from packet `first` on, in order, off this thread. Leave
   * both batches' records alone until it settles.
   *
   * @throws {SyscallError} If the kernel does not run them.
   */
  async run(first: number, count: number): Promise<void> {
    const next = this.#counter();
    next[0] = BigInt(first);
    for (;;) {
      const done = Number(next[0]) - first;
      if (done >= count) return;
      const result = await this.#run
        .u32(ATTR.TEST_RUN.repeat, count - done)
        .u32(ATTR.TEST_RUN.dataSizeOut, CARRIER_OUT_BYTES)
        .callAsync();
      // A signal ends a run between two packets.
      if (result >= 0 || result === -ERRNO.EINTR) continue;
      throw this.#run.error(result, { action: "run program", subject: "run_packets" });
    }
  }

  #counter(): BigUint64Array<ArrayBuffer> {
    if (this.#next !== undefined) return new BigUint64Array(this.#next.buffer);
    throw new TypeError('Cannot run "kernel" leg: no world, expected load() before');
  }

  /** Where the ring's producer stands; only while no packet runs. */
  get produced(): bigint {
    return this.#events().produced;
  }

  /** Copies the records between the ring's consumer and a position into the memory. */
  stageEvents(until: bigint): StagedEvents {
    const records = this.#events().recordsUntil(until);
    this.#memory.bytes(this.#staging.events, records.length).set(records);
    return { records: this.#staging.events, bytes: records.length };
  }

  /** Gives the ring's room up to a position back to the programs. */
  consume(position: bigint): void {
    this.#events().consume(position);
  }

  #events(): EventRing {
    if (this.#ring !== undefined) return this.#ring;
    throw new TypeError('Cannot read events of "kernel" leg: no world, expected load() before');
  }

  /** Reads a table's entries into the memory; the counters of CPUs added up. */
  stage(name: string): StagedEntries {
    const map = this.#kernel.node.map(name);
    const { count, values } = this.#read(map, false);
    if (values.buffer !== this.#memory.wasm.memory.buffer) this.#addUp(values, map);
    return { keys: this.#staging.keys, values: this.#staging.values, count };
  }

  /** Keys go into the memory, and values too unless they are of several CPUs. */
  #read(
    map: BpfMap,
    remove: boolean,
  ): { readonly count: number; readonly values: Uint8Array<ArrayBuffer> } {
    const { maxEntries, keySize, valueSize, wholeValueSize } = map;
    const room = Math.min(maxEntries, CONNTRACK_ENTRIES);
    const keys = this.#memory.bytes(this.#staging.keys, room * keySize);
    const values = wholeValueSize === valueSize
      ? this.#memory.bytes(this.#staging.values, room * valueSize)
      : new Uint8Array(room * wholeValueSize);
    const count = readAll(map, keys, values, remove);
    return { count, values: values.subarray(0, count * wholeValueSize) };
  }

  /** Adds up the CPUs' counters into the staging area. */
  #addUp(values: Uint8Array<ArrayBuffer>, { wholeValueSize, valueSize }: BpfMap): void {
    const from = new BigUint64Array(values.buffer, 0, values.length / 8);
    const sums = new BigUint64Array(
      this.#memory.wasm.memory.buffer as ArrayBuffer,
      this.#staging.values,
      values.length / wholeValueSize * valueSize / 8,
    ).fill(0n);
    const perEntry = wholeValueSize / 8;
    const perValue = valueSize / 8;
    for (let i = 0; i < from.length; i++) {
      const at = Math.floor(i / perEntry) * perValue + i % perValue;
      sums[at] = (sums[at] ?? 0n) + (from[i] ?? 0n);
    }
  }

  /** Forgets all traffic: tables, counters and events. */
  forget(): void {
    for (const name of TRAFFIC) this.#read(this.#kernel.node.map(name), true);
    const metrics = this.#kernel.node.map("metrics");
    const zeros = new Uint8Array(METRICS_SIZE * metrics.wholeValueSize);
    metrics.updateBatch(this.#memory.arrayKeys(METRICS_SIZE), zeros);
    this.consume(this.produced);
  }

  #unshare(): void {
    this.#next = undefined;
    this.#ring = undefined;
    this.#shared?.dispose();
    this.#shared = undefined;
  }

  /** Closes maps and programs; the memory stays valid. */
  [Symbol.dispose](): void {
    this.#unshare();
    this.#kernel[Symbol.dispose]();
  }
}

/**
 * The events ring: consumer page, producer page, and the records mapped twice in a row (see
 * kernel/bpf/ringbuf.c). It is no part of the module's memory: V8 makes all of that writable when
 * it grows, which the kernel refuses for a ring's records.
 */
class EventRing implements Disposable {
  readonly #consumer: MappedMemory;
  readonly #producer: MappedMemory;
  readonly #page = pageSize();
  readonly #size: number;

  constructor({ fd, maxEntries }: BpfMap) {
    using owned = new DisposableStack();
    const length = this.#page + 2 * maxEntries;
    const protection = PROT.READ | PROT.WRITE;
    this.#size = maxEntries;
    this.#consumer = owned.use(new MappedMemory({ fd, length: this.#page, protection }));
    this.#producer = new MappedMemory({ fd, length, offset: this.#page, protection: PROT.READ });
    owned.move();
  }

  get produced(): bigint {
    return new BigUint64Array(this.#producer.buffer)[0] ?? 0n;
  }

  get #consumed(): bigint {
    return new BigUint64Array(this.#consumer.buffer)[0] ?? 0n;
  }

  recordsUntil(position: bigint): Uint8Array<ArrayBuffer> {
    const start = this.#page + Number(this.#consumed & BigInt(this.#size - 1));
    return this.#producer.bytes.subarray(start, start + Number(position - this.#consumed));
  }

  consume(position: bigint): void {
    Atomics.store(new BigUint64Array(this.#consumer.buffer), 0, position);
  }

  [Symbol.dispose](): void {
    this.#producer[Symbol.dispose]();
    this.#consumer[Symbol.dispose]();
  }
}

/** Reads entries until the table ends; returns how many there were. */
function readAll(map: BpfMap, keys: Uint8Array, values: Uint8Array, remove: boolean): number {
  const cursor = new BatchCursor();
  let count = 0;
  while (!cursor.ended) {
    const restOfKeys = keys.subarray(count * map.keySize);
    const restOfValues = values.subarray(count * map.wholeValueSize);
    count += remove
      ? map.lookupAndDeleteBatch(restOfKeys, restOfValues, cursor).count
      : map.lookupBatch(restOfKeys, restOfValues, cursor).count;
  }
  return count;
}
