import { median } from "../measure.ts";
import type { Progress } from "../progress.ts";
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
  #nextPort = FIRST_FLOW_PORT;

  /** One pass: what the client measured, in nanoseconds. */
  async pass({ connections }: Contender, { kind, count, over }: Traffic): Promise<Measured> {
    const arrived = new Int32Array(new SharedArrayBuffer(4));
    const { flows: { template } } = connections;
    const shared = { kind, count, arrived, template, firstPort: this.#takePorts(kind, count) };
    const { client, server } = connections[over];
    const served = this.#server.call({ ...shared, end: "server", fd: server });
    const asked = this.#client.call({ ...shared, end: "client", fd: client });
    const [measured] = await Promise.all([asked, served]);
    return measured;
  }

  #takePorts(kind: Order["kind"], count: number): number {
    const first = this.#nextPort;
    if (kind === "flows") this.#nextPort += count;
    if (this.#nextPort <= 65_536) return first;
    throw new RangeError(`Cannot begin "${count}" flows: no port is left, expected fewer rounds`);
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
    this.#server[Symbol.dispose]();
  }
}

const FIRST_FLOW_PORT = 1024;
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
  const order = contenders.map((contender, i) => ({ contender, samples: measured[i] ?? [] }));
  for (let round = -1; round < rounds; round++) {
    progress.show(`${name} ${Math.max(round, 0)}/${rounds}`);
    for (const { contender, samples } of order) {
      const times = await threads.pass(contender, traffic);
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
