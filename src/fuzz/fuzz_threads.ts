/**
 * Fuzzing on several threads: each has worlds of its own and compares its own twins, so that no
 * CPU waits for another.
 *
 * @module
 */
import type { CapturedPacket } from "../pcap/capture.ts";
import type { ImageFault } from "../verify/reproducer.ts";
import { type BlockReport, datapathBlockReport, mergedHits } from "./block_coverage.ts";
import { Coverage, type CoverageReport } from "./coverage.ts";
import type { FuzzMismatch, FuzzProgress, FuzzResult } from "./fuzz.ts";
import type { FuzzMessage, FuzzTask } from "./fuzz_task.ts";

/** Options of {@linkcode fuzzOnThreads}. */
export interface FuzzThreadsOptions {
  /** The emulator's module. */
  readonly module: WebAssembly.Module;
  /** Whether the kernel runs as well. */
  readonly kernel: boolean;
  /** Unsigned 32-bit; the same seed gives the same worlds, on however many threads. */
  readonly seed: number;
  readonly threads: number;
  /** Most packets, of all threads. @default unlimited */
  readonly packets?: number | undefined;
  /** Most seconds of the wall clock. @default unlimited */
  readonly seconds?: number | undefined;
  /** Packets to make others from. @default {[]} */
  readonly corpus?: readonly CapturedPacket[];
  /** Flipped in every image of its policy, on purpose. */
  readonly fault?: ImageFault | undefined;
  /** Called now and then. */
  readonly onProgress?: (progress: FuzzProgress) => void;
}

/** What all threads found. */
export interface FuzzReport {
  readonly seed: number;
  readonly threads: number;
  /** Packets that both twins have run. */
  readonly packets: number;
  readonly worlds: number;
  /** Stretches of packets; tables are compared in the middle and at the end of each. */
  readonly stretches: number;
  readonly seconds: number;
  /** Of all that time: worlds made and loaded, packets made, run and compared. */
  readonly packetsPerSecond: number;
  readonly coverage: CoverageReport;
  /** What was reached of the programs in the kernel; `undefined` without it. */
  readonly blocks: BlockReport | undefined;
  /** What the twins of a thread differ in; it ended the run. */
  readonly mismatch: FuzzMismatch | undefined;
}

/** Runs until packets or seconds are used up, or the twins of one thread differ. */
export async function fuzzOnThreads(options: FuzzThreadsOptions): Promise<FuzzReport> {
  const start = performance.now();
  const { seed, threads } = options;
  using pool = new ThreadPool(options);
  const results = await pool.results();
  const seconds = (performance.now() - start) / 1000;
  const coverage = new Coverage();
  for (const result of results) coverage.add(result.coverage);
  const sum = (count: (result: FuzzResult) => number) =>
    results.reduce((total, result) => total + count(result), 0);
  const packets = sum((result) => result.packets);
  const hits = mergedHits(results.map(({ blocks }) => blocks));
  return {
    seed,
    threads,
    packets,
    worlds: sum((result) => result.worlds),
    stretches: sum((result) => result.stretches),
    seconds,
    packetsPerSecond: Math.round(packets / seconds),
    coverage: coverage.report(),
    blocks: hits && datapathBlockReport(hits),
    mismatch: results.find((result) => result.mismatch)?.mismatch,
  };
}

class ThreadPool implements Disposable {
  readonly #threads: readonly Worker[];
  readonly #options: FuzzThreadsOptions;
  readonly #progress: FuzzProgress[] = [];

  constructor(options: FuzzThreadsOptions) {
    this.#options = options;
    this.#threads = Array.from(
      { length: options.threads },
      () => new Worker(new URL("./fuzz_worker.ts", import.meta.url), { type: "module" }),
    );
  }

  results(): Promise<FuzzResult[]> {
    return Promise.all(this.#threads.map((thread, index) => this.#result(thread, index)));
  }

  #result(thread: Worker, index: number): Promise<FuzzResult> {
    const { promise, resolve, reject } = Promise.withResolvers<FuzzResult>();
    thread.addEventListener("message", ({ data }: MessageEvent<FuzzMessage>) => {
      if (data.kind === "progress") return this.#tell(index, data.progress);
      if (data.kind === "error") return reject(data.error);
      if (data.result.mismatch !== undefined) this.#stopOthers(thread);
      resolve(data.result);
    });
    thread.addEventListener("error", (event) => {
      event.preventDefault();
      reject(new Error(`Cannot fuzz on thread "${index}": ${event.message}, expected a result`));
    });
    thread.postMessage(this.#task(index));
    return promise;
  }

  #task(index: number): FuzzTask {
    const { module, kernel, seed, seconds, threads, packets, corpus = [], fault } = this.#options;
    const share = { index, of: threads };
    const part = packets === undefined ? undefined : Math.ceil(packets / threads);
    return { module, kernel, seed, seconds, packets: part, share, corpus, fault };
  }

  #stopOthers(thread: Worker): void {
    for (const other of this.#threads) if (other !== thread) other.postMessage("stop");
  }

  #tell(index: number, progress: FuzzProgress): void {
    this.#progress[index] = progress;
    const all = this.#progress.filter((one) => one !== undefined);
    this.#options.onProgress?.({
      packets: all.reduce((sum, { packets }) => sum + packets, 0),
      worlds: all.reduce((sum, { worlds }) => sum + worlds, 0),
      seconds: progress.seconds,
      shrinking: all.some(({ shrinking }) => shrinking),
    });
  }

  [Symbol.dispose](): void {
    for (const thread of this.#threads) thread.terminate();
  }
}
