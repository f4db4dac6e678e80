/**
 * A stretch of packets: it begins without any traffic, so that its seed alone makes it again.
 * Packets and events are compared after each batch, tables and counters at its middle and end.
 *
 * @module
 */
import { firstDifference } from "../verify/bytes.ts";
import { PACKET_BATCH, PACKET_SLOT_SIZE } from "../datapath/layout.ts";
import type { Coverage } from "./coverage.ts";
import type { PacketGenerator } from "./generator.ts";
import { COMPARED_TABLES, type ComparedTable, type Twins } from "./twins.ts";

/** Packets in a batch: some 2 ms for the kernel, so that other work of its CPU is not held up. */
export const LANE = 4096;
const LANES = PACKET_BATCH / LANE;
/** Batches of a stretch, at most. */
const BATCHES = 96;
/** One batch of so many is run packet by packet, to see what each has reached. */
const COVERED_EVERY = 4;
/** Tables from which the kernel evicts are emptied before they are half full. */
const MOST_PRESSURE = 0.4;

/** Which packets a stretch has. */
export interface StretchPlan {
  readonly seed: number;
  /** Number of the stretch; with the seed it makes the packets. */
  readonly part: number;
  /** Seconds of the driven clock at its begin. */
  readonly start: number;
  /** Most packets; rounded up to whole batches. */
  readonly packets: number;
  /** Nobody takes events until the end: the ring overflows. */
  readonly overflow: boolean;
  /** The instrumented programs run as well. */
  readonly blocks: boolean;
}

/** What a stretch came to. */
export interface StretchResult {
  readonly packets: number;
  /** What differed first; `undefined` if nothing did. */
  readonly difference: string | undefined;
}

/** Runs a stretch in both twins at once, until something differs. */
export async function runStretch(
  twins: Twins,
  generator: PacketGenerator,
  plan: StretchPlan,
  coverage: Coverage,
): Promise<StretchResult> {
  const stretch = new Stretch(twins, generator, plan);
  generator.start(plan.seed, plan.part, plan.start);
  const difference = await stretch.run();
  stretch.tell(coverage);
  return { packets: stretch.packets, difference };
}

class Stretch {
  packets = 0;
  readonly #twins: Twins;
  readonly #generator: PacketGenerator;
  readonly #plan: StretchPlan;
  readonly #collected = { unanswered: 0, closed: 0, idle: 0 };

  constructor(twins: Twins, generator: PacketGenerator, plan: StretchPlan) {
    this.#twins = twins;
    this.#generator = generator;
    this.#plan = plan;
  }

  async run(): Promise<string | undefined> {
    const batches = Math.min(BATCHES, Math.ceil(this.#plan.packets / LANE));
    const middle = batches >> 1;
    const first = await this.#pipeline(0, middle) ?? this.#compareTables(false) ??
      this.#collect();
    if (first !== undefined) return first;
    return await this.#pipeline(middle, batches) ?? this.#finishEvents() ??
      this.#compareTables(true);
  }

  /** The kernel runs one batch while the emulator runs it, and the next one is made. */
  async #pipeline(from: number, to: number): Promise<string | undefined> {
    if (from === to || this.#twins.pressure > MOST_PRESSURE) return undefined;
    this.#make(from);
    let running = this.#startKernel(from);
    for (let batch = from; batch < to; batch++) {
      const lane = laneOf(batch);
      // What a packet has reached is known only until the next one runs.
      if (batch % COVERED_EVERY === 0) this.#twins.emulateCovered(lane, LANE);
      else this.#twins.emulate(lane, LANE);
      const goesOn = batch + 1 < to && this.#twins.pressure <= MOST_PRESSURE;
      if (goesOn) this.#make(batch + 1);
      const produced = await running;
      if (goesOn) running = this.#startKernel(batch + 1);
      this.packets += LANE;
      const difference = this.#compareBatch(lane, produced) ?? await this.#runBlocks(lane);
      if (difference !== undefined) {
        await running;
        return difference;
      }
      if (!goesOn) break;
    }
    return undefined;
  }

  #make(batch: number): void {
    this.#generator.fill(this.#twins.input.pointer + laneOf(batch) * PACKET_SLOT_SIZE, LANE);
  }

  /** Settles with where the ring's producer then stands. */
  async #startKernel(batch: number): Promise<bigint> {
    const { kernel } = this.#twins;
    if (kernel === undefined) return 0n;
    await kernel.leg.run(laneOf(batch), LANE);
    return kernel.leg.produced;
  }

  /** Runs a batch that the kernel has run through the instrumented programs. */
  async #runBlocks(lane: number): Promise<string | undefined> {
    const { blocks } = this.#twins;
    if (!this.#plan.blocks || !blocks?.isLoaded) return undefined;
    await blocks.run(lane, LANE, this.#plan.overflow);
    const packet = this.#twins.blockDifference(lane, LANE);
    if (packet === undefined) return undefined;
    return `packet ${this.packets - LANE + packet - lane} of the instrumented programs`;
  }

  #compareBatch(lane: number, produced: bigint): string | undefined {
    const twins = this.#twins;
    if (twins.kernel === undefined) {
      if (!this.#plan.overflow) twins.dropEvents(0n);
      return undefined;
    }
    const packet = twins.packetDifference(lane, LANE);
    if (packet !== undefined) return `packet ${this.packets - LANE + packet - lane}`;
    return this.#plan.overflow ? undefined : this.#compareEvents(produced);
  }

  #compareEvents(until: bigint): string | undefined {
    const event = this.#twins.eventDifference(until);
    if (event !== undefined) return `event ${event} before packet ${this.packets}`;
    this.#twins.dropEvents(until);
    return undefined;
  }

  #finishEvents(): string | undefined {
    const { kernel } = this.#twins;
    if (this.#plan.overflow) return this.#compareEvents(kernel?.leg.produced ?? 0n);
    return undefined;
  }

  #compareTables(last: boolean): string | undefined {
    const twins = this.#twins;
    if (last) twins.memory.wasm.exports.coverFlows();
    for (const name of Object.keys(COMPARED_TABLES) as ComparedTable[]) {
      if (twins.tableDiffers(name)) return `table ${name}`;
    }
    if (twins.kernel === undefined) return undefined;
    const metrics = twins.kernel.datapath.metrics();
    return firstDifference(twins.emulator.metrics(), metrics) < 0 ? undefined : "metrics";
  }

  #collect(): string | undefined {
    const { emulator, kernel } = this.#twins;
    const now = this.#generator.clock;
    const counts = emulator.collectConntrack(now);
    for (const name of ["unanswered", "closed", "idle"] as const) {
      this.#collected[name] += counts[name];
    }
    if (kernel === undefined) return undefined;
    if (this.#plan.blocks) this.#twins.blocks?.collect(now);
    const others = kernel.datapath.collectConntrack(now);
    return JSON.stringify(counts) === JSON.stringify(others) ? undefined : "garbage collection";
  }

  tell(coverage: Coverage): void {
    const { exports } = this.#twins.memory.wasm;
    const count = exports.coverageCount();
    const bytes = this.#twins.memory.bytes(exports.coverageCounters(), count * 4).slice();
    coverage.addCounters(new Uint32Array(bytes.buffer));
    coverage.addMetrics(this.#twins.emulator.metrics());
    coverage.addCollected(this.#collected);
    exports.clearCoverage();
  }
}

function laneOf(batch: number): number {
  return batch % LANES * LANE;
}
