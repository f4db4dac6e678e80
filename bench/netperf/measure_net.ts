import { median } from "../measure.ts";
import type { Progress } from "../progress.ts";
import { WorkerThread } from "../worker_thread.ts";
import type { Connection } from "./connections.ts";
import type { Contender } from "./contender.ts";
import { BLOCK_BYTES, type Measured, type Order } from "./order.ts";

/** One kind of traffic. */
export interface Traffic {
  readonly kind: Order["kind"];
  readonly protocol: "tcp" | "udp";
  /** Operations of one pass. */
  readonly count: number;
}

/** Runs traffic between the pods of contenders, from two threads that all of them share. */
export class TrafficThreads implements Disposable {
  readonly #client = new WorkerThread<Order, Measured>(WORKER);
  readonly #server = new WorkerThread<Order, Measured>(WORKER);

  /** One pass: what the client measured, in nanoseconds. */
  async pass(connection: Connection, { kind, count }: Traffic): Promise<Measured> {
    const served = this.#server.call({ kind, count, end: "server", fd: connection.server });
    const asked = this.#client.call({ kind, count, end: "client", fd: connection.client });
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
 * count. Returns all that each has measured.
 */
export async function takeTurns(
  threads: TrafficThreads,
  contenders: readonly Contender[],
  traffic: Traffic,
  { rounds, progress, name }: { rounds: number; progress: Progress; name: string },
): Promise<Float64Array[]> {
  const measured = contenders.map((): number[] => []);
  const order = contenders.map(({ connections }, i) => ({
    connection: connections[traffic.protocol],
    samples: measured[i] ?? [],
  }));
  for (let round = -1; round < rounds; round++) {
    progress.show(`${name} ${Math.max(round, 0)}/${rounds}`);
    for (const { connection, samples } of order) {
      const times = await threads.pass(connection, traffic);
      if (round >= 0) { for (const time of times) samples.push(time); }
    }
    order.reverse();
  }
  return measured.map((samples) => Float64Array.from(samples).sort());
}

/** The value below which a part of the sorted samples lies: 0.5, 0.99. */
export function percentile(sorted: Float64Array, part: number): number {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  if (value !== undefined) return value;
  throw new RangeError('Cannot take a "percentile": no samples, expected some');
}

/** Nanoseconds for a KiB of a stream, or for a datagram: the median of the passes. */
export function perUnit(passes: Float64Array, { kind, count }: Traffic): number {
  const units = kind === "stream" ? count * BLOCK_BYTES / 1024 : count;
  return median([...passes]) / units;
}
