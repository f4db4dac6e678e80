/**
 * Programs that the harness enters, run over packets from the module's memory: packets and verdicts
 * lie in pages that the kernel and the module share, so no packet is copied, and the programs run
 * on a thread of their own while the emulator works.
 *
 * @module
 */
import { BatchCursor, type BpfMap, type Collection } from "ebpf-ts-loader";
import { ATTR, BPF, BpfAttr, ERRNO, type MappedMemory } from "ebpf-ts-loader/sys";
import type { DatapathMemory } from "../datapath/datapath_memory.ts";
import { METRICS_SIZE } from "../datapath/layout.ts";
import type { PacketBatch } from "../datapath/packet_batch.ts";
import { EventRing } from "./event_ring.ts";

/** Entries of a conntrack table here: a dump walks all of it. Half of them may be in use. */
export const CONNTRACK_ENTRIES = 65_536;

/** Maps whose entries are traffic. */
export const TRAFFIC_MAPS = [
  "conntrack4",
  "conntrack6",
  "fragments4",
  "fragments6",
  "reported",
  "accounting",
] as const;

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

/** Pages of the memory that entries and events are read into; several legs may share them. */
export class Staging {
  readonly keys: number;
  readonly values: number;
  readonly events: number;

  /** @param ringBytes Size of the events ring. */
  constructor(memory: DatapathMemory, ringBytes: number) {
    const pages = (bytes: number) => memory.wasm.exports.allocatePages(bytes) >>> 0;
    this.keys = pages(CONNTRACK_ENTRIES * 40);
    this.values = pages(CONNTRACK_ENTRIES * 64);
    this.events = pages(ringBytes);
  }
}

/** What runs in a {@linkcode HarnessLeg}, and where its bytes are. */
export interface HarnessLegParts {
  readonly memory: DatapathMemory;
  readonly staging: Staging;
  /** bpf/harness.bpf.c, its programs installed. */
  readonly harness: Collection;
  /** One of the maps of the programs. */
  readonly map: (name: string) => BpfMap;
  /** Its pages become the harness's own; `undefined` if another leg's are, and both read them. */
  readonly input: PacketBatch | undefined;
  /** Its pages become the harness's own. */
  readonly output: PacketBatch;
}

/** The programs of one world. Harness and maps stay the caller's. */
export class HarnessLeg implements Disposable {
  readonly #memory: DatapathMemory;
  readonly #staging: Staging;
  readonly #map: (name: string) => BpfMap;
  readonly #run = new BpfAttr(BPF.PROG_TEST_RUN, ATTR.TEST_RUN.size);
  readonly #next: MappedMemory;
  readonly #ring: EventRing;
  readonly #shared: DisposableStack;

  constructor({ memory, staging, harness, map, input, output }: HarnessLegParts) {
    using owned = new DisposableStack();
    const { memory: pages } = memory.wasm;
    if (input) owned.use(harness.map("packets_in").mmapInto(pages, input.pointer));
    owned.use(harness.map("packets_out").mmapInto(pages, output.pointer));
    this.#memory = memory;
    this.#staging = staging;
    this.#map = map;
    this.#next = owned.use(harness.map("next_packet").mmap());
    this.#ring = owned.use(new EventRing(map("events")));
    this.#run
      .pointer(ATTR.TEST_RUN.dataInPtr, new Uint8Array(CARRIER_BYTES))
      .pointer(ATTR.TEST_RUN.dataOutPtr, new Uint8Array(CARRIER_OUT_BYTES))
      .u32(ATTR.TEST_RUN.dataSizeIn, CARRIER_BYTES)
      .u32(ATTR.TEST_RUN.fd, harness.program("run_packets").fd);
    this.#shared = owned.move();
  }

  /**
   * Runs `count` packets of the input from packet `first` on, in order, off this thread. Leave
   * both batches' records alone until it settles.
   *
   * @throws {SyscallError} If the kernel does not run them.
   */
  async run(first: number, count: number): Promise<void> {
    const next = new BigUint64Array(this.#next.buffer);
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

  /** Where the ring's producer stands; only while no packet runs. */
  get produced(): bigint {
    return this.#ring.produced;
  }

  /** Copies the records between the ring's consumer and a position into the memory. */
  stageEvents(until: bigint): StagedEvents {
    const records = this.#ring.recordsUntil(until);
    this.#memory.bytes(this.#staging.events, records.length).set(records);
    return { records: this.#staging.events, bytes: records.length };
  }

  /** Gives the ring's room up to a position back to the programs. */
  consume(position: bigint): void {
    this.#ring.consume(position);
  }

  /** Reads a table's entries into the memory; the counters of CPUs added up. */
  stage(name: string): StagedEntries {
    const map = this.#map(name);
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
    for (const name of TRAFFIC_MAPS) this.#read(this.#map(name), true);
    const metrics = this.#map("metrics");
    const zeros = new Uint8Array(METRICS_SIZE * metrics.wholeValueSize);
    metrics.updateBatch(this.#memory.arrayKeys(METRICS_SIZE), zeros);
    this.consume(this.produced);
  }

  /** Gives the pages back to the memory. */
  [Symbol.dispose](): void {
    this.#shared.dispose();
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
