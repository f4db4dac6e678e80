import type { BpfMap } from "../object/bpf_map.ts";
import { possibleCpus } from "../object/possible_cpus.ts";
import { MapType, mapTypeName } from "../spec/map_types.ts";
import { defaultEpoll, type Epoll } from "../sys/mod.ts";
import {
  type OnPerfBatch,
  type OnPerfRecord,
  openPerfRing,
  type PerfRecord,
  type PerfRing,
} from "./_perf_ring.ts";
import { waitUntilReady } from "./_wait.ts";

export type { OnPerfBatch, OnPerfRecord, PerfRecord };

/** Options of {@linkcode PerfEventReader}. */
export interface PerfEventReaderOptions {
  /** Room for each CPU's samples, in bytes: a power of two of whole pages. @default 65536 */
  readonly perCpuBytes?: number;
  /**
   * Bytes that wake the reader: more make fewer wake-ups, and samples wait until there are enough.
   * @default 1, every sample
   */
  readonly watermark?: number;
  /** Who waits for samples. @default the process's one epoll */
  readonly epoll?: Epoll;
}

const DEFAULT_BYTES = 65536;
const PASS = 1024;

/**
 * Reads a BPF_MAP_TYPE_PERF_EVENT_ARRAY map: what `bpf_perf_event_output()` writes, a buffer for
 * each CPU. Samples of one CPU come in order, those of different CPUs do not. A full buffer loses
 * samples, which the kernel counts: {@linkcode PerfEventReader.lost}. A ring buffer (Linux 5.8)
 * does all this better. One reader per map.
 *
 * @example Usage
 * ```ts
 * import { type BpfMap, PerfEventReader } from "ebpf-ts-loader";
 * async function print(map: BpfMap, signal: AbortSignal): Promise<void> {
 *   using reader = new PerfEventReader(map);
 *   for await (const { cpu, data } of reader.records({ signal })) console.log(cpu, data);
 *   console.log(`${reader.lost} lost`);
 * }
 * ```
 */
export class PerfEventReader implements Disposable {
  readonly #map: BpfMap;
  readonly #epoll: () => Epoll;
  readonly #rings: readonly PerfRing[];
  readonly #watches = new Set<Disposable>();
  #open = true;

  /**
   * Opens a buffer for each CPU and puts it into the map. The map stays the caller's. Needs
   * CAP_PERFMON or root, else `SyscallError`.
   */
  constructor(map: BpfMap, options: PerfEventReaderOptions = {}) {
    if (map.type !== MapType.PERF_EVENT_ARRAY) {
      throw new TypeError(
        `Cannot read perf events of "${map.name}": ${mapTypeName(map.type)}, ` +
          "expected PERF_EVENT_ARRAY",
      );
    }
    const { perCpuBytes = DEFAULT_BYTES, watermark = 1 } = options;
    using stack = new DisposableStack();
    const cpus = Math.min(possibleCpus(), map.maxEntries);
    this.#rings = Array.from({ length: cpus }, (_, cpu) => cpu).flatMap((cpu) => {
      const ring = openPerfRing(cpu, { bytes: perCpuBytes, watermark });
      if (!ring) return []; // not online
      stack.use(ring);
      map.update(cpu, ring.fd);
      return [ring];
    });
    stack.move();
    this.#map = map;
    this.#epoll = () => options.epoll ?? defaultEpoll();
  }

  /** Samples lost so far, on all CPUs, as far as the kernel has told. */
  get lost(): number {
    return this.#rings.reduce((total, ring) => total + ring.lost, 0);
  }

  /** Samples lost so far, by CPU. */
  get lostByCpu(): ReadonlyMap<number, number> {
    return new Map(this.#rings.map((ring) => [ring.cpu, ring.lost]));
  }

  #requireOpen(): void {
    if (this.#open) return;
    throw new TypeError('Cannot read "perf events": disposed, expected open');
  }

  /**
   * Hands out, without waiting, every sample there is by now (at most `limit`), CPU by CPU, and
   * returns how many there were. The bytes are the kernel's memory, valid only during the call.
   */
  drain(onRecord: OnPerfRecord, limit = Infinity): number {
    this.#requireOpen();
    let count = 0;
    for (const ring of this.#rings) {
      if (!this.#open || count >= limit) break; // the callback may have disposed the reader
      count += ring.drain(onRecord, limit - count);
    }
    return count;
  }

  /**
   * Calls `onBatch` with the samples of each wake-up until the handle (or the reader) is disposed.
   * Keeps the process alive meanwhile.
   */
  watch(onBatch: OnPerfBatch): Disposable {
    this.#requireOpen();
    const epoll = this.#epoll();
    using stack = new DisposableStack();
    for (const ring of this.#rings) {
      stack.use(epoll.watch(ring.fd, () => ring.drainBatch(onBatch)));
    }
    const watches = stack.move();
    this.#watches.add(watches);
    return {
      [Symbol.dispose]: () => {
        this.#watches.delete(watches);
        watches.dispose();
      },
    };
  }

  /**
   * The samples as they come; ends when the reader is disposed or `signal` aborts. Reads no
   * further ahead than one pass, so a slow consumer loses samples rather than memory.
   */
  async *records(options: { signal?: AbortSignal } = {}): AsyncGenerator<PerfRecord> {
    const { signal } = options;
    while (this.#open && !signal?.aborted) {
      const copies: PerfRecord[] = [];
      this.drain((area, offset, length, cpu) => {
        copies.push({ cpu, data: area.slice(offset, offset + length) });
      }, PASS);
      yield* copies;
      if (copies.length > 0) continue;
      const fds = this.#rings.map((ring) => ring.fd);
      await waitUntilReady(this.#epoll(), fds, { watches: this.#watches, signal });
    }
  }

  /** The samples as they come: {@linkcode records} without options. */
  [Symbol.asyncIterator](): AsyncGenerator<PerfRecord> {
    return this.records();
  }

  /** Takes the buffers out of the map and closes them; a second call does nothing. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    for (const watch of [...this.#watches]) watch[Symbol.dispose]();
    this.#watches.clear();
    using stack = new DisposableStack();
    for (const ring of this.#rings) {
      stack.use(ring);
      if (this.#map.isOpen) this.#map.delete(ring.cpu);
    }
  }
}
