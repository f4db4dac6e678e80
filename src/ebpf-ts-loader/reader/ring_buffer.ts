import { MapType, mapTypeName } from "../spec/map_types.ts";
import { defaultEpoll, type Epoll, MappedMemory, pageSize, PROT } from "../sys/mod.ts";
import type { BpfMap } from "../object/bpf_map.ts";
import { waitUntilReady } from "./_wait.ts";

/**
 * Receives one record: `length` bytes at `offset` of `area`, in the program's own byte order.
 * They are the kernel's memory, valid only during the call: copy what is to stay.
 */
export type OnRecord = (area: Uint8Array<ArrayBuffer>, offset: number, length: number) => void;

/** Receives the records of one wake-up as views, valid only during the call. */
export type OnBatch = (records: readonly Uint8Array<ArrayBuffer>[]) => void;

/** Options of {@linkcode RingBuffer}. */
export interface RingBufferOptions {
  /** Who waits for records. @default the process's one epoll */
  epoll?: Epoll;
}

const HEADER_SIZE = 8;
const BUSY = 0x8000_0000;
const DISCARD = 0x4000_0000;
const LENGTH_MASK = 0x3fff_ffff;

/**
 * Reads a BPF_MAP_TYPE_RINGBUF map. One reader per map. Memory shared with the kernel:
 *
 * ```
 * page 0          page 1          2 × size
 * consumer u64    producer u64    records, mapped twice in a row: none is ever split
 * ```
 *
 * A record is {u32 length | busy 31 | discard 30, u32 page offset, payload}, at 8-byte steps; see
 * kernel/bpf/ringbuf.c. A full ring refuses the program's record (EAGAIN): only the program can
 * count what is lost.
 *
 * @example Usage
 * ```ts
 * import { type BpfMap, RingBuffer } from "ebpf-ts-loader";
 * function countEvents(map: BpfMap): number {
 *   using ring = new RingBuffer(map);
 *   return ring.drain((area, offset, length) => void area.subarray(offset, offset + length));
 * }
 * ```
 */
export class RingBuffer implements Disposable {
  readonly #fd: number;
  readonly #mask: number;
  readonly #epoll: () => Epoll;
  readonly #consumerMemory: MappedMemory;
  readonly #producerMemory: MappedMemory;
  readonly #consumer: BigUint64Array;
  readonly #producer: BigUint64Array;
  readonly #headers: Uint32Array;
  readonly #area: Uint8Array<ArrayBuffer>;
  readonly #watches = new Set<Disposable>();
  #draining = false;

  /** Maps the ring. The map stays the caller's and must stay open while records are waited for. */
  constructor(map: BpfMap, options: RingBufferOptions = {}) {
    if (map.type !== MapType.RINGBUF) {
      throw new TypeError(
        `Cannot read ring buffer "${map.name}": ${mapTypeName(map.type)}, expected RINGBUF`,
      );
    }
    const page = pageSize();
    const size = map.maxEntries;
    using stack = new DisposableStack();
    const consumer = stack.use(
      new MappedMemory({ fd: map.fd, length: page, protection: PROT.READ | PROT.WRITE }),
    );
    const producer = stack.use(
      new MappedMemory({ fd: map.fd, length: page + 2 * size, offset: page }),
    );
    stack.move();
    this.#fd = map.fd;
    this.#mask = size - 1;
    this.#epoll = () => options.epoll ?? defaultEpoll();
    this.#consumerMemory = consumer;
    this.#producerMemory = producer;
    this.#consumer = new BigUint64Array(consumer.buffer, 0, 1);
    this.#producer = new BigUint64Array(producer.buffer, 0, 1);
    this.#headers = new Uint32Array(producer.buffer, page, 2 * size / 4);
    this.#area = new Uint8Array(producer.buffer, page, 2 * size);
  }

  /** Bytes produced and not yet consumed, headers included. */
  get pending(): number {
    this.#requireOpen();
    return Number(Atomics.load(this.#producer, 0) - Atomics.load(this.#consumer, 0));
  }

  #requireOpen(): void {
    if (!this.#area.buffer.detached) return;
    throw new TypeError('Cannot read "ring buffer": disposed, expected open');
  }

  /**
   * Hands out, without copying or waiting, every record that is complete by now (at most `limit`),
   * and returns how many there were. Space is given back to programs once, at the end, even if
   * `onRecord` throws: then up to and with the record it threw on.
   */
  drain(onRecord: OnRecord, limit = Infinity): number {
    return this.#pass(onRecord, limit);
  }

  /** Like {@linkcode drain}, but hands out all records of the pass together, as views. */
  drainBatch(onBatch: OnBatch, limit = Infinity): number {
    const records: Uint8Array<ArrayBuffer>[] = [];
    const collect: OnRecord = (area, offset, length) =>
      void records.push(area.subarray(offset, offset + length));
    return this.#pass(collect, limit, () => {
      if (records.length > 0) onBatch(records);
    });
  }

  #pass(onRecord: OnRecord, limit: number, beforeRelease?: () => void): number {
    this.#requireOpen();
    if (this.#draining) throw new TypeError('Cannot drain "ring buffer": draining, expected idle');
    this.#draining = true;
    const start = Atomics.load(this.#consumer, 0);
    const available = Number(Atomics.load(this.#producer, 0) - start);
    const base = Number(start & BigInt(this.#mask));
    let done = 0;
    let count = 0;
    try {
      while (done < available && count < limit) {
        const offset = (base + done) & this.#mask;
        const header = Atomics.load(this.#headers, offset >>> 2);
        if (header >= BUSY) break;
        const length = header & LENGTH_MASK;
        // Moved on first: a record that made the callback throw is not handed out again.
        done += (length + HEADER_SIZE + 7) & ~7;
        if ((header & DISCARD) !== 0) continue;
        count++;
        onRecord(this.#area, offset + HEADER_SIZE, length);
      }
      beforeRelease?.();
    } finally {
      this.#draining = false;
      // The callback may have disposed the ring.
      if (done > 0 && !this.#area.buffer.detached) {
        Atomics.store(this.#consumer, 0, start + BigInt(done));
      }
    }
    return count;
  }

  /**
   * Calls `onBatch` with the records of each wake-up until the handle (or the ring) is disposed.
   * Keeps the process alive meanwhile. One watcher per ring at a time, else EEXIST.
   */
  watch(onBatch: OnBatch): Disposable {
    this.#requireOpen();
    const watch = this.#epoll().watch(this.#fd, () => void this.drainBatch(onBatch));
    this.#watches.add(watch);
    return {
      [Symbol.dispose]: () => {
        this.#watches.delete(watch);
        watch[Symbol.dispose]();
      },
    };
  }

  /**
   * The records, each a copy, as they come; ends when the ring is disposed or `signal` aborts.
   * Reads no further ahead than one pass, so a slow reader fills the ring, not memory.
   */
  async *records(options: { signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const { signal } = options;
    const PASS = 1024;
    while (!this.#area.buffer.detached && !signal?.aborted) {
      const copies: Uint8Array<ArrayBuffer>[] = [];
      this.drain((area, at, length) => void copies.push(area.slice(at, at + length)), PASS);
      yield* copies;
      if (copies.length > 0) continue;
      await waitUntilReady(this.#epoll(), [this.#fd], { watches: this.#watches, signal });
    }
  }

  /** The records, each a copy: {@linkcode records} without options. */
  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    return this.records();
  }

  /** Unmaps; waiting stops and views become empty. A second call does nothing. */
  [Symbol.dispose](): void {
    for (const watch of [...this.#watches]) watch[Symbol.dispose]();
    this.#watches.clear();
    this.#producerMemory[Symbol.dispose]();
    this.#consumerMemory[Symbol.dispose]();
  }
}
