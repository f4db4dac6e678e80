/**
 * Differential fuzzing of the datapath: emulator and kernel get the same packets in the same
 * worlds, and everything that they leave behind must be the same bytes.
 *
 * @module
 */
import { PACKET_SLOT_SIZE } from "../datapath/layout.ts";
import { Random } from "../verify/random.ts";
import { Coverage, type CoverageCounts } from "./coverage.ts";
import { engineWorld } from "./engine_world.ts";
import type { PacketGenerator } from "./generator.ts";
import { type FuzzPacket, packetsOf } from "./packet_list.ts";
import { changedPolicy, randomWorld } from "./random_world.ts";
import { derivedSeed } from "./seed.ts";
import { type FuzzCase, shrink } from "./shrink.ts";
import { LANE, runStretch, type StretchPlan } from "./stretch.ts";
import type { Twins } from "./twins.ts";
import type { World } from "./world.ts";

/** How long a run goes on: until either is used up. */
export interface FuzzOptions {
  /** Unsigned 32-bit; the same seed gives the same worlds and packets. */
  readonly seed: number;
  /** Most packets. @default unlimited */
  readonly packets?: number | undefined;
  /** Most seconds of the wall clock. @default unlimited */
  readonly seconds?: number | undefined;
  /** Which of the worlds: every `of`-th from `index` on. @default {{ index: 0, of: 1 }} */
  readonly share?: FuzzShare | undefined;
  /** Asked after every stretch of packets. @default never */
  readonly isStopped?: () => boolean;
  /** Called after every stretch of packets. */
  readonly onProgress?: (progress: FuzzProgress) => void;
}

/** A part of the worlds: several runs share them. */
export interface FuzzShare {
  readonly index: number;
  readonly of: number;
}

/** How far a run is. */
export interface FuzzProgress {
  readonly packets: number;
  readonly worlds: number;
  readonly seconds: number;
  readonly shrinking: boolean;
}

/** What a run found. */
export interface FuzzResult {
  /** Packets that both twins have run. */
  readonly packets: number;
  readonly worlds: number;
  /** Stretches of packets; tables are compared in the middle and at the end of each. */
  readonly stretches: number;
  readonly coverage: CoverageCounts;
  /**
   * A byte for each basic block of the programs, in the order of `instrumentBlocks()`: 1 if it ran;
   * `undefined` without the kernel.
   */
  readonly blocks: Uint8Array | undefined;
  /** What the twins differ in; then the run ended there. */
  readonly mismatch: FuzzMismatch | undefined;
}

/** A mismatch, as small as it could be made. */
export interface FuzzMismatch extends FuzzCase {
  /** How the run noticed. */
  readonly noticed: string;
  /** Whether the packets alone show it; otherwise they are all of the stretch's. */
  readonly repeatable: boolean;
}

/** How often the instrumented programs run as well: each of the first worlds, and then some. */
const BLOCK_WORLDS = { first: 1, every: 16 } as const;
/** The same for the stretches of such a world. */
const BLOCK_STRETCHES = { first: 2, every: 8 } as const;

/** Stretches of one world, at most; the first worlds have fewer, so that short runs see many. */
const STRETCHES = 64;

/** Runs worlds until packets or seconds are used up, or the twins differ. */
export async function fuzz(
  twins: Twins,
  generator: PacketGenerator,
  options: FuzzOptions,
): Promise<FuzzResult> {
  const run = new FuzzRun(twins, generator, options);
  const mismatch = await run.untilDone();
  return run.result(mismatch);
}

class FuzzRun {
  readonly #twins: Twins;
  readonly #generator: PacketGenerator;
  readonly #options: FuzzOptions;
  readonly #coverage = new Coverage();
  readonly #start = performance.now();
  #packets = 0;
  #worlds = 0;
  #stretches = 0;

  constructor(twins: Twins, generator: PacketGenerator, options: FuzzOptions) {
    this.#twins = twins;
    this.#generator = generator;
    this.#options = options;
  }

  get #seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  get #packetsLeft(): number {
    return (this.#options.packets ?? Infinity) - this.#packets;
  }

  get #isOver(): boolean {
    const { seconds = Infinity, isStopped = () => false } = this.#options;
    return this.#packetsLeft <= 0 || this.#seconds >= seconds || isStopped();
  }

  async untilDone(): Promise<FuzzMismatch | undefined> {
    const { index, of } = this.#options.share ?? { index: 0, of: 1 };
    for (let world = index; !this.#isOver; world += of) {
      const mismatch = await this.#runWorld(world);
      if (mismatch !== undefined) return mismatch;
    }
    return undefined;
  }

  async #runWorld(index: number): Promise<FuzzMismatch | undefined> {
    const random = new Random(derivedSeed(this.#options.seed, index));
    let world = index % 2 === 0 ? randomWorld(random) : await engineWorld(random);
    await this.#twins.load(world);
    this.#generator.useWorld(world);
    const blocks = isSampled(this.#worlds, BLOCK_WORLDS);
    if (blocks) this.#twins.loadBlocks(world);
    this.#worlds++;
    const stretches = Math.min(STRETCHES, 1 << (index >> 1));
    for (let i = 0; i < stretches && !this.#isOver; i++) {
      if (i > 0) world = await this.#changePolicy(random, world);
      // Compiled worlds raise events enough for the ring to overflow.
      const overflow = index % 2 === 1 && i === stretches - 1;
      const plan = this.#plan(index * STRETCHES + i, {
        overflow,
        blocks: blocks && isSampled(i, BLOCK_STRETCHES),
      });
      const result = await runStretch(this.#twins, this.#generator, plan, this.#coverage);
      this.#packets += result.packets;
      this.#stretches++;
      if (result.difference !== undefined) {
        return await this.#isolate(world, plan, result.packets, result.difference);
      }
      this.#twins.forget();
      this.#tellProgress(false);
      // Without the kernel nothing else lets messages in.
      await new Promise((resolve) => setTimeout(resolve));
    }
    return undefined;
  }

  #plan(part: number, kind: Pick<StretchPlan, "overflow" | "blocks">): StretchPlan {
    return {
      seed: this.#options.seed,
      part,
      start: 10_000,
      packets: this.#packetsLeft,
      ...kind,
    };
  }

  async #changePolicy(random: Random, world: World): Promise<World> {
    const policy = changedPolicy(random, world.node);
    if (policy === undefined) return world;
    await this.#twins.replacePolicy(policy);
    const policies = world.node.policies.map((old) => old.number === policy.number ? policy : old);
    const damaged = world.damaged.filter((other) => other.policy !== policy.number);
    const node = { ...world.node, policies };
    return { node, ghosts: world.ghosts, damaged };
  }

  /** Makes the stretch's packets again, and as few of them as show the difference. */
  async #isolate(
    world: World,
    plan: StretchPlan,
    count: number,
    noticed: string,
  ): Promise<FuzzMismatch> {
    this.#tellProgress(true);
    const packets = this.#packetsOf(plan, count);
    const found = await shrink(this.#twins, world, packets);
    if (found !== undefined) return { ...found, noticed, repeatable: true };
    return { world, packets, differences: [noticed], noticed, repeatable: false };
  }

  #packetsOf(plan: StretchPlan, count: number): FuzzPacket[] {
    const { memory, input } = this.#twins;
    const packets: FuzzPacket[] = [];
    this.#generator.start(plan.seed, plan.part, plan.start);
    while (packets.length < count) {
      this.#generator.fill(input.pointer, LANE);
      packets.push(...packetsOf(memory.bytes(input.pointer, LANE * PACKET_SLOT_SIZE)));
    }
    return packets;
  }

  #tellProgress(shrinking: boolean): void {
    this.#options.onProgress?.({
      packets: this.#packets,
      worlds: this.#worlds,
      seconds: this.#seconds,
      shrinking,
    });
  }

  result(mismatch: FuzzMismatch | undefined): FuzzResult {
    return {
      packets: this.#packets,
      worlds: this.#worlds,
      stretches: this.#stretches,
      coverage: this.#coverage.counts(),
      blocks: this.#twins.blocks?.hits,
      mismatch,
    };
  }
}

/** Tells whether the thing of this number is in the sample. */
function isSampled(
  number: number,
  { first, every }: { readonly first: number; readonly every: number },
): boolean {
  return number < first || number % every === 0;
}
