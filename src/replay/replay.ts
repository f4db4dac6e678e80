/**
 * Captures through the datapaths: each packet enters the program that would have seen it, at the
 * time of the capture, and every datapath must do the same with it.
 *
 * @module
 */
import type { Datapath, NodeState } from "../datapath/datapath.ts";
import type { DatapathMemory } from "../datapath/datapath_memory.ts";
import type { Hook } from "../datapath/packet_batch.ts";
import type { CapturedPacket } from "../pcap/capture.ts";
import { ethernetFrame } from "../pcap/ethernet_frame.ts";
import type { Asked, BatchResult, Comparison } from "../verify/compare.ts";
import type { RulesOfCookie, TestPacket } from "../verify/test_packet.ts";
import { openComparison } from "../verify/verify.ts";
import { builtInNode } from "./built_in_node.ts";
import { CaptureClock } from "./capture_clock.ts";
import { countedSince, type DatapathCounters } from "./datapath_counters.ts";
import { FlowBudget, FRAGMENTS_AT_ONCE } from "./flow_budget.ts";
import { fitFrame } from "./fit_frame.ts";
import { type FrameEnds, frameEnds } from "./frame_ends.ts";
import { type Place, Placement } from "./placement.ts";
import type { ReplayNode } from "./replay_node.ts";
import { type PacketVerdict, packetVerdict } from "./verdict.ts";

/** A packet that no datapath was given, and why. */
export interface Skipped {
  readonly verdict: "skipped";
  readonly reason: string;
}

/** What became of a packet of a capture. */
export interface ReplayedPacket {
  /** Position in the capture, from 1. */
  readonly number: number;
  /** Nanoseconds since 1970. */
  readonly time: bigint | undefined;
  /** Bytes on the wire, as the capture says. */
  readonly length: number;
  /** Only the beginning of it was run; see `fitFrame()`. */
  readonly shortened: boolean;
  /** Absent for what is no frame. */
  readonly ends: FrameEnds | undefined;
  /** Where it entered. */
  readonly entered: { readonly endpoint: string; readonly hook: Hook } | undefined;
  /** What the first datapath did. */
  readonly result: PacketVerdict | Skipped;
  /** What each datapath did, in their order; of those that did the same, the same object. */
  readonly results: readonly (PacketVerdict | Skipped)[];
  /** What the datapaths did differently, one line each. */
  readonly differences: readonly string[];
  /** By datapath, where they differ. */
  readonly answers: Readonly<Record<string, string>>;
}

/** Packets after which tables differed though each packet was treated alike. */
export interface TableDifference {
  readonly first: number;
  readonly last: number;
  readonly differences: readonly string[];
}

/** Options of {@linkcode Replay.run}. */
export interface ReplayOptions {
  /** Where every packet enters. @default by its addresses; see {@linkcode Placement} */
  readonly place?: Place;
  /** Ends the capture before the next batch; what has been run is told of. */
  readonly signal?: AbortSignal;
}

/** A packet on its way into the datapaths, or not. */
interface Prepared {
  readonly captured: CapturedPacket;
  readonly ends?: FrameEnds;
  readonly place?: Place;
  readonly skipped?: string;
  readonly packet?: TestPacket;
  readonly shortened: boolean;
}

/** Runs captures, one after the other, through datapaths that have the node loaded. */
export class Replay {
  readonly #datapaths: readonly Datapath[];
  readonly #comparison: Comparison;
  #node: ReplayNode = builtInNode([]);
  readonly #meanings: { readonly rulesOf: RulesOfCookie; node: NodeState } = {
    rulesOf: (cookie) => this.#node.rulesOf(cookie),
    node: this.#node.state,
  };
  #placeOf: (ends: FrameEnds) => Place | undefined = () => undefined;
  #tableDifferences: TableDifference[] = [];
  #forgotten = 0;
  #counters: readonly DatapathCounters[] = [];

  /**
   * @param memory The memory of all the datapaths.
   * @param datapaths At least one.
   */
  constructor(memory: DatapathMemory, datapaths: readonly Datapath[]) {
    this.#datapaths = datapaths;
    this.#comparison = openComparison(
      this.#meanings,
      memory,
      datapaths,
    );
  }

  /** Found in the latest capture so far. */
  get tableDifferences(): readonly TableDifference[] {
    return this.#tableDifferences;
  }

  /**
   * How often in the latest capture all flows were forgotten, because it had more of them than
   * datapaths can be compared with; see {@linkcode FlowBudget}.
   */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** What the metrics of each datapath have counted in the latest capture, when it is over. */
  get counters(): readonly DatapathCounters[] {
    return this.#counters;
  }

  /** How often each opinion was asked in all captures. */
  get asked(): Asked {
    return this.#comparison.asked;
  }

  /**
   * Runs one capture, in which no flow is known before the first packet. What `packets` throws
   * comes after the results of all packets before.
   *
   * @param node What the datapaths have loaded.
   */
  *run(
    node: ReplayNode,
    packets: Iterable<CapturedPacket>,
    { place, signal }: ReplayOptions = {},
  ): Generator<ReplayedPacket> {
    const placement = new Placement(node.state, node.stranger);
    this.#node = node;
    this.#meanings.node = node.state;
    this.#placeOf = place === undefined ? (ends) => placement.of(ends) : () => place;
    this.#tableDifferences = [];
    this.#forgotten = 0;
    const before = this.#datapaths.map((datapath) => datapath.metrics());
    try {
      yield* this.#run(packets, signal);
    } finally {
      this.#counters = this.#datapaths.map((datapath, i) => ({
        datapath: datapath.kind,
        counts: countedSince(before[i], datapath.metrics()),
      }));
    }
  }

  *#run(
    packets: Iterable<CapturedPacket>,
    signal: AbortSignal | undefined,
  ): Generator<ReplayedPacket> {
    const clock = new CaptureClock();
    const budget = new FlowBudget(this.#datapaths);
    let fresh = true;
    const prepare = (packet: CapturedPacket) => this.#prepare(packet, clock);
    for (const batch of batches(packets, this.#comparison.capacity, prepare)) {
      if (signal?.aborted) return;
      const runnable = batch.flatMap(({ packet }) => packet ?? []);
      const load = { packets: runnable.length, fragments: batch.filter(isFragment).length };
      if (!budget.make(load, clock.now)) {
        this.#forgotten++;
        fresh = true;
      }
      yield* this.#results(batch, this.#comparison.run(runnable, { fresh }));
      fresh = false;
    }
  }

  #prepare(captured: CapturedPacket, clock: CaptureClock): Prepared {
    const { number, linkType, data, originalLength, time } = captured;
    const now = clock.at(time);
    const read = ethernetFrame(linkType, data);
    if ("refused" in read) return { captured, skipped: read.refused, shortened: false };
    const ends = frameEnds(read.frame);
    if (ends.cutOff === true && data.length < originalLength) {
      return { captured, ends, skipped: "not all headers were captured", shortened: false };
    }
    const place = this.#placeOf(ends);
    if (place === undefined) {
      return { captured, ends, skipped: "neither end is a pod of the node", shortened: false };
    }
    const fitted = fitFrame(read.frame, originalLength + read.added);
    const packet: TestPacket = {
      ...place,
      data: fitted.data,
      mark: 0,
      now,
      flow: number,
      describe: () => `packet ${number}`,
    };
    return { captured, ends, place, packet, shortened: fitted.shortened };
  }

  *#results(prepared: readonly Prepared[], result: BatchResult): Generator<ReplayedPacket> {
    const differing = new Map(result.mismatches.map((m) => [m.packet?.flow, m]));
    const tables = result.mismatches.filter(({ packet }) => packet === undefined);
    if (tables.length > 0) {
      this.#tableDifferences.push({
        first: prepared[0]?.captured.number ?? 0,
        last: prepared.at(-1)?.captured.number ?? 0,
        differences: tables.flatMap(({ differences }) => differences),
      });
    }
    let index = 0;
    for (const { captured, ends, place, skipped, shortened } of prepared) {
      const { number, time, originalLength } = captured;
      const mismatch = differing.get(number);
      const results = skipped === undefined
        ? this.#verdicts(result, index++, mismatch !== undefined)
        : this.#datapaths.map(() => ({ verdict: "skipped", reason: skipped }) as const);
      const [first] = results;
      if (first === undefined) continue;
      yield {
        number,
        time,
        length: originalLength,
        shortened,
        ends,
        entered: place && { endpoint: this.#node.nameOf(place.endpoint), hook: place.hook },
        result: first,
        results,
        differences: mismatch?.differences ?? [],
        answers: mismatch?.answers ?? {},
      };
    }
  }

  /** By datapath; where they do not differ, there is one verdict. */
  #verdicts(result: BatchResult, index: number, isDifferent: boolean): PacketVerdict[] {
    const verdictOf = (leg: number) => packetVerdict(result.answer(index, leg), this.#node.rulesOf);
    const first = verdictOf(0);
    return this.#datapaths.map((_, leg) => isDifferent && leg > 0 ? verdictOf(leg) : first);
  }
}

function isFragment({ ends }: Prepared): boolean {
  return ends?.fragment === true;
}

/** Prepares packets in groups; those before an error come before it. */
function* batches(
  packets: Iterable<CapturedPacket>,
  capacity: number,
  prepare: (packet: CapturedPacket) => Prepared,
): Generator<readonly Prepared[]> {
  let batch: Prepared[] = [];
  let fragments = 0;
  try {
    for (const packet of packets) {
      const prepared = prepare(packet);
      batch.push(prepared);
      if (isFragment(prepared)) fragments++;
      if (batch.length < capacity && fragments < FRAGMENTS_AT_ONCE) continue;
      yield batch;
      batch = [];
      fragments = 0;
    }
  } catch (error) {
    if (batch.length > 0) yield batch;
    throw error;
  }
  if (batch.length > 0) yield batch;
}
