/**
 * Runs a batch of packets through every datapath and compares what became of them: with
 * each other byte for byte, with the naive reading field by field, and with the policy maps of
 * Cilium where policy has decided.
 *
 * @module
 */
import type { Datapath, NodeState } from "../datapath/datapath.ts";
import { METRICS_VALUE_SIZE } from "../datapath/layout.ts";
import type { PacketBatch, PacketOutput } from "../datapath/packet_batch.ts";
import { firstDifference, sameBytes } from "./bytes.ts";
import { EventIndex, type EventRecord } from "./event_record.ts";
import { describeLpm, lpmDifferences, LpmOpinion } from "./lpm_opinion.ts";
import { describeAnswer, describeExpected, outcomeDifferences } from "./outcome.ts";
import { directionName, reasonName } from "./reason_name.ts";
import { tableDifferences, type TableDump, tablesOf } from "./table_difference.ts";
import type { Meanings, TestPacket } from "./test_packet.ts";

/** A datapath and the place for its results. */
export interface Leg {
  readonly datapath: Datapath;
  readonly output: PacketBatch;
}

/** What one datapath did with one packet. */
export interface Answer {
  readonly output: PacketOutput;
  readonly events: readonly EventRecord[];
}

/** Opinions that differ. */
export interface Mismatch {
  /** The packet; absent when tables differ and no packet can be blamed. */
  readonly packet: TestPacket | undefined;
  /** What differs, one line each. */
  readonly differences: readonly string[];
  /** Every opinion in one line, by {@linkcode OpinionName}. */
  readonly answers: Readonly<Record<string, string>>;
}

/**
 * Who has an opinion: the naive reading, a datapath by its kind, or the policy maps of Cilium's
 * layout as they are read without a kernel.
 */
export type OpinionName = "spec" | "lpm-map" | Datapath["kind"];

/** How often each opinion was asked: packets, or decisions of policy for `lpm-map`. */
export type Asked = Readonly<Partial<Record<OpinionName, number>>>;

/** How often opinions were asked in all, in order of appearance. */
export function askedInAll(parts: Iterable<Asked>): Asked {
  const sum: Partial<Record<OpinionName, number>> = {};
  for (const part of parts) {
    for (const name of Object.keys(part) as OpinionName[]) {
      sum[name] = (sum[name] ?? 0) + (part[name] ?? 0);
    }
  }
  return sum;
}

/** Everything that one leg did with a batch. */
class LegRun {
  readonly name: Datapath["kind"];
  readonly events: EventIndex;
  readonly eventsLost: number;
  readonly tables: readonly TableDump[];
  readonly metrics: Uint8Array;
  readonly nanoseconds: number;
  readonly #answers: Answer[] = [];

  constructor(readonly leg: Leg, input: PacketBatch, fresh: boolean) {
    const { datapath, output } = leg;
    this.name = datapath.kind;
    if (fresh) {
      datapath.clearConntrack();
      datapath.clearAccounting();
    }
    const start = performance.now();
    datapath.run(input, output);
    this.nanoseconds = (performance.now() - start) * 1e6;
    const { bytes, lost } = datapath.drainEvents();
    this.events = new EventIndex(bytes);
    this.eventsLost = lost;
    this.tables = tablesOf(datapath);
    this.metrics = datapath.metrics();
  }

  /** What became of one packet; read once, it is asked for several times. */
  answer(index: number, { now }: TestPacket): Answer {
    const known = this.#answers[index];
    if (known !== undefined) return known;
    const answer = { output: this.leg.output.output(index), events: this.events.at(now) };
    this.#answers[index] = answer;
    return answer;
  }
}

/** Result of {@linkcode Comparison.run}. */
export interface BatchResult {
  readonly mismatches: readonly Mismatch[];
  /**
   * What a leg did with a packet, by its position in the batch.
   *
   * @param leg Position of the leg. @default the first
   */
  answer(index: number, leg?: number): Answer;
}

/** Options of {@linkcode Comparison.run}. */
export interface BatchOptions {
  /** Conntrack and accounting are empty before. @default {true} */
  readonly fresh?: boolean;
}

/** Compares datapaths, batch by batch. */
export class Comparison {
  /** Nanoseconds that each leg spent running packets, and how many those were. */
  readonly timing = new Map<string, { nanoseconds: number; packets: number }>();
  readonly #input: PacketBatch;
  readonly #legs: readonly Leg[];
  readonly #meanings: Meanings;
  readonly #asked: Partial<Record<OpinionName, number>> = {};
  #lpm: { readonly node: NodeState; readonly opinion: LpmOpinion } | undefined;

  constructor(input: PacketBatch, legs: readonly Leg[], meanings: Meanings) {
    this.#input = input;
    this.#legs = legs;
    this.#meanings = meanings;
  }

  /** Most packets in one batch. */
  get capacity(): number {
    return this.#input.capacity;
  }

  /** How often each opinion was asked so far. */
  get asked(): Asked {
    return this.#asked;
  }

  /** Runs the packets in order, in every leg. */
  run(packets: readonly TestPacket[], { fresh = true }: BatchOptions = {}): BatchResult {
    this.#input.clear();
    for (const packet of packets) this.#input.add(packet);
    const runs = this.#legs.map((leg) => new LegRun(leg, this.#input, fresh));
    for (const run of runs) this.#note(run, packets.length);
    const [first, ...others] = runs;
    if (first === undefined) {
      throw new RangeError("Cannot compare datapaths: none given, expected at least one");
    }
    const lpm = this.#lpmOpinion();
    const bad = new Set(packets.keys().filter((i) => this.#isWrong(packets, i, first, lpm)));
    for (const other of others) {
      for (const index of differingPackets(packets, first, other)) bad.add(index);
    }
    const mismatches = [...bad].sort((a, b) => a - b).map((i) =>
      this.#mismatch(packets, i, runs, lpm)
    );
    for (const other of others) mismatches.push(...tableMismatches(first, other));
    return {
      mismatches,
      answer: (index, leg = 0) => (runs[leg] ?? first).answer(index, at(packets, index)),
    };
  }

  /**
   * Deletes the flows that have expired, in every leg, and compares what they were and what
   * is left.
   *
   * @param now Seconds of the packets' clock.
   */
  collect(now: number): Mismatch[] {
    const [first, ...others] = this.#legs.map(({ datapath }) => {
      const { unanswered, closed, idle } = datapath.collectConntrack(now);
      const deleted = `${unanswered} unanswered, ${closed} closed, ${idle} idle`;
      return { name: datapath.kind, deleted, tables: tablesOf(datapath) };
    });
    return others.flatMap((other) => {
      if (first === undefined) return [];
      const differences = tablesDiffer(first, other);
      if (first.deleted !== other.deleted) {
        differences.unshift(
          `expired at ${now}: ${first.name} ${first.deleted}, ${other.name} ${other.deleted}`,
        );
      }
      return differences.length === 0 ? [] : [{ packet: undefined, differences, answers: {} }];
    });
  }

  /** The policy maps of what is loaded now. */
  #lpmOpinion(): LpmOpinion | undefined {
    const { node } = this.#meanings;
    if (node === undefined) return undefined;
    if (this.#lpm?.node !== node) this.#lpm = { node, opinion: new LpmOpinion(node) };
    return this.#lpm.opinion;
  }

  #count(name: OpinionName, times: number): void {
    this.#asked[name] = (this.#asked[name] ?? 0) + times;
  }

  #note({ name, nanoseconds }: LegRun, packets: number): void {
    this.#count(name, packets);
    const before = this.timing.get(name) ?? { nanoseconds: 0, packets: 0 };
    this.timing.set(name, {
      nanoseconds: before.nanoseconds + nanoseconds,
      packets: before.packets + packets,
    });
  }

  /** Whether the first leg, to which all others are compared, did what it should not. */
  #isWrong(
    packets: readonly TestPacket[],
    index: number,
    run: LegRun,
    lpm: LpmOpinion | undefined,
  ): boolean {
    const packet = at(packets, index);
    const { expected } = packet;
    if (expected === undefined && lpm === undefined) return false;
    const answer = run.answer(index, packet);
    if (expected !== undefined) this.#count("spec", 1);
    const maps = lpm?.answersTo(answer.events);
    if (maps !== undefined) this.#count("lpm-map", maps.length);
    return (maps !== undefined && lpmDifferences(answer, maps).length > 0) ||
      (expected !== undefined && outcomeDifferences(expected, answer, this.#meanings).length > 0);
  }

  #mismatch(
    packets: readonly TestPacket[],
    index: number,
    runs: readonly LegRun[],
    lpm: LpmOpinion | undefined,
  ): Mismatch {
    const packet = at(packets, index);
    const differences: string[] = [];
    const answers: Partial<Record<OpinionName, string>> = {};
    if (packet.expected !== undefined) {
      answers["spec"] = describeExpected(packet.expected);
    }
    for (const run of runs) {
      const answer = run.answer(index, packet);
      answers[run.name] = describeAnswer(answer, this.#meanings);
      if (packet.expected === undefined) continue;
      const found = outcomeDifferences(packet.expected, answer, this.#meanings);
      differences.push(...found.map((difference) => `${run.name}: ${difference}`));
    }
    const [first, ...others] = runs;
    if (first === undefined) return { packet, differences, answers };
    if (lpm !== undefined) {
      const answer = first.answer(index, packet);
      const maps = lpm.answersTo(answer.events);
      answers["lpm-map"] = describeLpm(maps, this.#meanings.rulesOf);
      const found = lpmDifferences(answer, maps);
      differences.push(...found.map((difference) => `${first.name}, by lpm-map: ${difference}`));
    }
    for (const other of others) differences.push(...legDifferences(packet, index, first, other));
    return { packet, differences, answers };
  }
}

function at(packets: readonly TestPacket[], index: number): TestPacket {
  const packet = packets[index];
  if (packet !== undefined) return packet;
  throw new RangeError(
    `Cannot read packet "${index}": not in the batch, expected 0 to ${packets.length - 1}`,
  );
}

/** Indexes of packets that two legs treat differently. */
function* differingPackets(
  packets: readonly TestPacket[],
  a: LegRun,
  b: LegRun,
): Generator<number> {
  if (
    sameBytes(a.leg.output.bytes, b.leg.output.bytes) && sameBytes(a.events.bytes, b.events.bytes)
  ) {
    return;
  }
  for (const [index, packet] of packets.entries()) {
    if (legDifferences(packet, index, a, b).length > 0) yield index;
  }
}

function legDifferences(packet: TestPacket, index: number, a: LegRun, b: LegRun): string[] {
  const differences: string[] = [];
  const x = a.leg.output.output(index);
  const y = b.leg.output.output(index);
  const pair = `${a.name} and ${b.name}`;
  if (x.verdict !== y.verdict) differences.push(`${pair}: verdicts ${x.verdict} and ${y.verdict}`);
  if (x.mark !== y.mark) {
    differences.push(`${pair}: marks 0x${x.mark.toString(16)} and 0x${y.mark.toString(16)}`);
  }
  const byte = firstDifference(x.data, y.data);
  if (byte >= 0) differences.push(`${pair}: packet bytes differ from byte ${byte}`);
  const event = firstDifference(a.events.bytesAt(packet.now), b.events.bytesAt(packet.now));
  if (event >= 0) differences.push(`${pair}: event bytes differ from byte ${event}`);
  return differences;
}

function tableMismatches(a: LegRun, b: LegRun): Mismatch[] {
  const differences = [...metricsDifferences(a, b), ...tablesDiffer(a, b)];
  if (a.eventsLost !== b.eventsLost) {
    differences.push(
      `events lost: ${a.name} ${a.eventsLost}, ${b.name} ${b.eventsLost}`,
    );
  }
  return differences.length === 0 ? [] : [{ packet: undefined, differences, answers: {} }];
}

type Tables = Pick<LegRun, "name" | "tables">;

function tablesDiffer(a: Tables, b: Tables): string[] {
  return a.tables.flatMap((table, i) => {
    const other = b.tables[i];
    return other ? tableDifferences([a.name, table], [b.name, other]) : [];
  });
}

function metricsDifferences(a: LegRun, b: LegRun): string[] {
  const differences: string[] = [];
  for (let i = 0; i * METRICS_VALUE_SIZE < a.metrics.length; i++) {
    const x = a.metrics.subarray(i * METRICS_VALUE_SIZE, (i + 1) * METRICS_VALUE_SIZE);
    const y = b.metrics.subarray(i * METRICS_VALUE_SIZE, (i + 1) * METRICS_VALUE_SIZE);
    if (sameBytes(x, y)) continue;
    differences.push(
      `metrics ${reasonName(i >> 1)} ${directionName(i & 1)}: ` +
        `${a.name} ${packetsAndBytes(x)}, ${b.name} ${packetsAndBytes(y)}`,
    );
  }
  return differences;
}

function packetsAndBytes(value: Uint8Array): string {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return `${view.getBigUint64(0, true)} packets, ${view.getBigUint64(8, true)} bytes`;
}
