import { percentile } from "../measure.ts";
import type { Progress } from "../progress.ts";
import type { Quartiles } from "../result.ts";
import { WorkerThread } from "../worker_thread.ts";
import type { Contender } from "./contender.ts";
import { BLOCK_BYTES, type Measured, type Order } from "./order.ts";

/** One kind of traffic. */
export interface Traffic {
  readonly kind: Order["kind"];
  readonly over: "tcp" | "udp" | "flows";
  /** Operations of one pass. */
  readonly count: number;
}

/** Runs traffic between the pods of contenders, from two threads that all of them share. */
export class TrafficThreads implements Disposable {
  readonly #client = new WorkerThread<Order, Measured>(WORKER);
  readonly #server = new WorkerThread<Order, Measured>(WORKER);

  /** One pass: what the client measured, in nanoseconds. */
  async pass({ connections }: Contender, { kind, count, over }: Traffic): Promise<Measured> {
    const arrived = new Int32Array(new SharedArrayBuffer(4));
    const { flows: { template } } = connections;
    const firstPort = kind === "flows" ? connections.takePorts(count) : 0;
    const shared = { kind, count, arrived, template, firstPort };
    const { client, server } = connections[over];
    const served = this.#server.call({ ...shared, end: "server", fd: server });
    const asked = this.#client.call({ ...shared, end: "client", fd: client });
    const [measured] = await Promise.all([asked, served]);
    return measured;
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
    this.#server[Symbol.dispose]();
  }
}

const WORKER = new URL("traffic_worker.ts", import.meta.url);

/**
 * Lets contenders take turns, every other round in reverse order, after one round that does not
 * count. Returns what each has measured, round by round.
 */
export async function takeTurns(
  threads: TrafficThreads,
  contenders: readonly Contender[],
  traffic: Traffic,
  { rounds, progress, name }: { rounds: number; progress: Progress; name: string },
): Promise<Measured[][]> {
  const measured = contenders.map((): Measured[] => []);
  const order = contenders.map((contender, i) => ({ contender, passes: measured[i] ?? [] }));
  for (let round = -1; round < rounds; round++) {
    progress.bar(name, Math.max(round, 0), rounds);
    for (const { contender, passes } of order) {
      const times = await threads.pass(contender, traffic);
      if (round >= 0) passes.push(times);
    }
    order.reverse();
  }
  return measured;
}

/** How a figure is read from one pass. */
export type Reading = (pass: Measured, traffic: Traffic) => number;

/** The time below which so many of 100 operations lie. */
export function percentileOf(percent: number): Reading {
  return (pass) => percentile([...pass], percent);
}

/** Nanoseconds for a KiB of a stream, or for a datagram. */
export const perUnit: Reading = ([time = NaN], { kind, count }) =>
  time / (kind === "stream" ? count * BLOCK_BYTES / 1024 : count);

/** A figure of several passes: their median and quartiles. */
export interface Summary {
  readonly value: number;
  readonly quartiles: Quartiles;
}

/** Reads a figure from each pass. One disturbed pass moves the summary little. */
export function summarize(passes: readonly Measured[], read: Reading, traffic: Traffic): Summary {
  const values = passes.map((pass) => read(pass, traffic));
  const [value, ...quartiles] = [50, 25, 75].map((percent) => percentile(values, percent));
  return { value: value ?? NaN, quartiles: [quartiles[0] ?? NaN, quartiles[1] ?? NaN] };
}
