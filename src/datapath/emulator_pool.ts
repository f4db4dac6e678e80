/**
 * The emulator on several threads: Workers with one memory, one writer.
 *
 * @module
 */
import type { ConntrackCollection } from "./conntrack_collection.ts";
import { mergeAccounting, mergeCollections, mergeMetrics } from "./cpu_sums.ts";
import type {
  AccountingDump,
  ConntrackDump,
  Datapath,
  EventBatch,
  NodeState,
  PolicyState,
} from "./datapath.ts";
import { DatapathMemory, type DatapathMemoryOptions } from "./datapath_memory.ts";
import { Emulator } from "./emulator.ts";
import { COMMAND, CONTROL_WORDS, OPERATION, type WorkerStart } from "./emulator_command.ts";
import type { PacketBatch } from "./packet_batch.ts";
import { INITIAL_PAGES, MAXIMUM_PAGES, type WasmSource } from "./wasm.ts";

/** How long a full ring of retired images is waited for, in milliseconds at a time. */
const GRACE_MILLISECONDS = 1;
/** Retired images that may wait for workers to pass before the writer does. */
const MAX_RETIRED = 1024;

/** Options of {@linkcode EmulatorPool.create}. */
export interface EmulatorPoolOptions extends Pick<DatapathMemoryOptions, "mergeMode"> {
  /** Threads that run packets, 1 to 64. @default {2} */
  readonly workers?: number;
}

/**
 * Runs packets on several threads at once. Everything that the host writes (policies,
 * addresses, endpoints) is there once; a policy is swapped by one store while packets run, and
 * the image of before is reused when every worker has passed. What packets write is there once
 * for each worker, as in per-CPU maps, and added up when it is read. Both directions of a flow
 * go to one worker, which owns its conntrack entry: so verdicts are those of {@linkcode Emulator},
 * but that each worker's share of conntrack can be full on its own, and each holds back events of
 * packets without a flow on its own.
 *
 * `run` blocks the calling thread. A browser allows that in Workers only.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readThreadsWasm } from "./emulator_file.ts";
 * import { EmulatorPool } from "./emulator_pool.ts";
 *
 * using pool = await EmulatorPool.create(await readThreadsWasm(), { workers: 2 });
 * pool.load({ endpoints: [], identities: [], ipcache: [], policies: [] });
 * const batch = pool.memory.packetBatch(1);
 * batch.add({ endpoint: 1, hook: "from_container", data: new Uint8Array(60) });
 * pool.run(batch, batch);
 * assertEquals(batch.verdict(0), -1); // no such endpoint
 * ```
 */
export class EmulatorPool implements Datapath {
  readonly kind = "emulator";
  /** The state, and where packet batches come from. Its user is the only writer. */
  readonly memory: DatapathMemory;
  /** Threads that run packets. */
  readonly workers: number;
  readonly #control: SharedArrayBuffer;
  readonly #words: readonly Int32Array[];
  readonly #threads: Worker[] = [];
  readonly #emulator: Emulator;

  private constructor(memory: DatapathMemory, workers: number) {
    this.memory = memory;
    this.workers = workers;
    this.#emulator = new Emulator(memory);
    const bytes = CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT;
    this.#control = new SharedArrayBuffer(workers * bytes);
    this.#words = Array.from(
      { length: workers },
      (_, worker) => new Int32Array(this.#control, worker * bytes, CONTROL_WORDS),
    );
  }

  /**
   * Makes the memory and starts the threads.
   *
   * @param source The module with threads.
   * @throws {RangeError} If the number of workers is out of range, or memory is short.
   * @throws {Error} If a thread does not start.
   */
  static async create(
    source: WasmSource,
    { workers = 2, mergeMode = "auto" }: EmulatorPoolOptions = {},
  ): Promise<EmulatorPool> {
    if (!Number.isInteger(workers) || workers < 1 || workers > 64) {
      throw new RangeError(
        `Cannot start "${workers}" workers: number out of range, expected 1 to 64`,
      );
    }
    const module = source instanceof WebAssembly.Module ? source : new WebAssembly.Module(source);
    const memory = new WebAssembly.Memory({
      initial: INITIAL_PAGES,
      maximum: MAXIMUM_PAGES,
      shared: true,
    });
    const pool = new EmulatorPool(
      new DatapathMemory(module, { memory, mergeMode, workers }),
      workers,
    );
    try {
      await pool.#start(module);
    } catch (error) {
      pool[Symbol.dispose]();
      throw error;
    }
    return pool;
  }

  load(state: NodeState): void {
    this.wait();
    this.memory.load(state);
  }

  /** May be called while workers run packets that {@linkcode EmulatorPool.begin} gave them. */
  replacePolicy(policy: PolicyState): void {
    const before = this.memory.publish(this.memory.buildImage(policy));
    if (!before) return;
    let waiting = this.memory.builder.retire(before);
    while (waiting > MAX_RETIRED) {
      Atomics.wait(new Int32Array(this.#control), COMMAND.output, -1, GRACE_MILLISECONDS);
      waiting = this.memory.builder.reclaim();
    }
  }

  run(input: PacketBatch, output: PacketBatch): void {
    if (input.count > output.capacity) {
      throw new RangeError(
        `Cannot run "${input.count}" packets: output has room for ${output.capacity}, expected at least as many`,
      );
    }
    for (let worker = 0; worker < this.workers; worker++) {
      this.#ask(worker, OPERATION.share, input.pointer, input.count, output.pointer);
    }
    this.wait();
    output.count = input.count;
  }

  /**
   * Gives one worker a batch to run whole, in place, and does not wait: a receive queue of its
   * own. Packets of one flow must always go to the same worker. What the batch holds is not to
   * be touched until {@linkcode EmulatorPool.wait} has returned.
   *
   * @param batch Packets back to back in the shared memory; as many as there are.
   */
  begin(worker: number, { pointer, count }: Pick<PacketBatch, "pointer" | "count">): void {
    this.#ask(worker, OPERATION.all, pointer, count, pointer);
  }

  /** Whether all workers have run what they were given. */
  idle(): boolean {
    return this.#words.every((words) => Atomics.load(words, COMMAND.done) === words[COMMAND.asked]);
  }

  /**
   * Waits until all workers have run what they were given.
   *
   * @throws {Error} If the module trapped in one of them.
   */
  wait(): void {
    for (const words of this.#words) {
      const asked = words[COMMAND.asked] ?? 0;
      for (let done = 0; (done = Atomics.load(words, COMMAND.done)) !== asked;) {
        Atomics.wait(words, COMMAND.done, done);
      }
      if (words[COMMAND.operation] === OPERATION.failed) {
        throw new Error(`Cannot run "packets": a worker has failed, expected it to go on`);
      }
    }
  }

  drainEvents(): EventBatch {
    const drained = this.#fromEach((emulator) => emulator.drainEvents());
    return {
      bytes: concatenate(drained.map(({ bytes }) => bytes)),
      lost: drained.reduce((sum, { lost }) => sum + lost, 0),
    };
  }

  conntrack(): ConntrackDump {
    const dumps = this.#fromEach((emulator) => emulator.conntrack());
    return {
      keys4: concatenate(dumps.map(({ keys4 }) => keys4)),
      values4: concatenate(dumps.map(({ values4 }) => values4)),
      keys6: concatenate(dumps.map(({ keys6 }) => keys6)),
      values6: concatenate(dumps.map(({ values6 }) => values6)),
    };
  }

  collectConntrack(now: number): ConntrackCollection {
    return mergeCollections(this.#fromEach((emulator) => emulator.collectConntrack(now)));
  }

  clearConntrack(): void {
    this.#fromEach((emulator) => emulator.clearConntrack());
  }

  metrics(): Uint8Array {
    return mergeMetrics(this.#fromEach((emulator) => emulator.metrics()));
  }

  accounting(): AccountingDump {
    return mergeAccounting(this.#fromEach((emulator) => emulator.accounting()));
  }

  clearAccounting(): void {
    this.#fromEach((emulator) => emulator.clearAccounting());
  }

  /** Ends the threads. The memory lives as long as something names it. */
  [Symbol.dispose](): void {
    for (let worker = 0; worker < this.#threads.length; worker++) {
      this.#ask(worker, OPERATION.stop, 0, 0, 0);
    }
    for (const thread of this.#threads) thread.terminate();
    this.#threads.length = 0;
  }

  async #start(module: WebAssembly.Module): Promise<void> {
    const { memory } = this.memory.wasm;
    const ready: Promise<void>[] = [];
    for (let worker = 0; worker < this.workers; worker++) {
      const thread = new Worker(new URL("./emulator_worker.ts", import.meta.url), {
        type: "module",
      });
      this.#threads.push(thread);
      ready.push(started(thread, worker));
      const start: WorkerStart = { module, memory, worker, control: this.#control };
      thread.postMessage(start);
    }
    await Promise.all(ready);
  }

  #ask(worker: number, operation: number, input: number, count: number, output: number): void {
    const words = this.#words[worker];
    if (words === undefined) {
      throw new RangeError(
        `Cannot give packets to worker "${worker}": no such worker, expected 0 to ${
          this.workers - 1
        }`,
      );
    }
    words[COMMAND.operation] = operation;
    words[COMMAND.input] = input;
    words[COMMAND.count] = count;
    words[COMMAND.output] = output;
    Atomics.add(words, COMMAND.asked, 1);
    Atomics.notify(words, COMMAND.asked);
  }

  /** Looks at what each worker has written, as if it were the only one. */
  #fromEach<T>(read: (emulator: Emulator) => T): T[] {
    this.wait();
    const { exports } = this.memory.wasm;
    const all = this.#words.map((_, worker) => {
      exports.enterWorker(worker);
      return read(this.#emulator);
    });
    exports.enterWorker(0);
    return all;
  }
}

function started(thread: Worker, worker: number): Promise<void> {
  return new Promise((resolve, reject) => {
    thread.addEventListener("message", () => resolve(), { once: true });
    thread.addEventListener("error", (event) => {
      event.preventDefault();
      reject(new Error(`Cannot start worker "${worker}": ${event.message}, expected it to run`));
    }, { once: true });
  });
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
