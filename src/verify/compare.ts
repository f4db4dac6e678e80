/**
 * Runs a batch of packets through every datapath and compares what became of them: with
 * each other byte for byte, and with the third opinion field by field.
 *
 * @module
 */
import type { ConntrackDump, Datapath } from "../datapath/datapath.ts";
import {
  CT4_KEY_SIZE,
  CT6_KEY_SIZE,
  CT_ENTRY_SIZE,
  METRICS_VALUE_SIZE,
} from "../datapath/layout.ts";
import type { PacketBatch, PacketOutput } from "../datapath/packet_batch.ts";
import { firstDifference, sameBytes, toHex } from "./bytes.ts";
import { EventIndex, type EventRecord } from "./event_record.ts";
import { describeAnswer, describeExpected, outcomeDifferences } from "./outcome.ts";
import { directionName, reasonName } from "./reason_name.ts";
import type { RulesOfCookie, TestPacket } from "./test_packet.ts";

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
  /** Every opinion in one line, by who has it: `spec`, `emulator`, `kernel`. */
  readonly answers: Readonly<Record<string, string>>;
}

/** Everything that one leg did with a batch. */
class LegRun {
  readonly name: string;
  readonly events: EventIndex;
  readonly eventsLost: number;
  readonly conntrack: ConntrackDump;
  readonly metrics: Uint8Array;
  readonly nanoseconds: number;
  readonly #answers: Answer[] = [];

  constructor(readonly leg: Leg, input: PacketBatch) {
    const { datapath, output } = leg;
    this.name = datapath.kind;
    datapath.clearConntrack();
    const start = performance.now();
    datapath.run(input, output);
    this.nanoseconds = (performance.now() - start) * 1e6;
    const { bytes, lost } = datapath.drainEvents();
    this.events = new EventIndex(bytes);
    this.eventsLost = lost;
    this.conntrack = datapath.conntrack();
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
  /** What the first leg did with a packet, by its position in the batch. */
  answer(index: number): Answer;
}

/** Compares datapaths, batch by batch. Conntrack is empty before each one. */
export class Comparison {
  /** Nanoseconds that each leg spent running packets, and how many those were. */
  readonly timing = new Map<string, { nanoseconds: number; packets: number }>();
  readonly #input: PacketBatch;
  readonly #legs: readonly Leg[];
  readonly #rulesOf: RulesOfCookie;

  constructor(input: PacketBatch, legs: readonly Leg[], rulesOf: RulesOfCookie) {
    this.#input = input;
    this.#legs = legs;
    this.#rulesOf = rulesOf;
  }

  /** Most packets in one batch. */
  get capacity(): number {
    return this.#input.capacity;
  }

  /** Runs the packets in order, in every leg. */
  run(packets: readonly TestPacket[]): BatchResult {
    this.#input.clear();
    for (const packet of packets) this.#input.add(packet);
    const runs = this.#legs.map((leg) => new LegRun(leg, this.#input));
    for (const run of runs) this.#note(run, packets.length);
    const [first, ...others] = runs;
    if (first === undefined) {
      throw new RangeError("Cannot compare datapaths: none given, expected at least one");
    }
    const bad = new Set(packets.keys().filter((i) => this.#isWrong(packets, i, first)));
    for (const other of others) {
      for (const index of differingPackets(packets, first, other)) bad.add(index);
    }
    const mismatches = [...bad].sort((a, b) => a - b).map((i) => this.#mismatch(packets, i, runs));
    for (const other of others) mismatches.push(...tableMismatches(first, other));
    return {
      mismatches,
      answer: (index) => first.answer(index, at(packets, index)),
    };
  }

  #note({ name, nanoseconds }: LegRun, packets: number): void {
    const before = this.timing.get(name) ?? { nanoseconds: 0, packets: 0 };
    this.timing.set(name, {
      nanoseconds: before.nanoseconds + nanoseconds,
      packets: before.packets + packets,
    });
  }

  #isWrong(packets: readonly TestPacket[], index: number, run: LegRun): boolean {
    const packet = at(packets, index);
    if (packet.expected === undefined) return false;
    return outcomeDifferences(packet.expected, run.answer(index, packet), this.#rulesOf).length > 0;
  }

  #mismatch(packets: readonly TestPacket[], index: number, runs: readonly LegRun[]): Mismatch {
    const packet = at(packets, index);
    const differences: string[] = [];
    const answers: Record<string, string> = {};
    if (packet.expected !== undefined) {
      answers["spec"] = describeExpected(packet.expected);
    }
    for (const run of runs) {
      const answer = run.answer(index, packet);
      answers[run.name] = describeAnswer(answer, this.#rulesOf);
      if (packet.expected === undefined) continue;
      const found = outcomeDifferences(packet.expected, answer, this.#rulesOf);
      differences.push(...found.map((difference) => `${run.name}: ${difference}`));
    }
    const [first, ...others] = runs;
    for (const other of others) {
      if (first !== undefined) differences.push(...legDifferences(packet, index, first, other));
    }
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
  const differences = [
    ...conntrackDifferences("conntrack4", CT4_KEY_SIZE, [a, b], (d) => [d.keys4, d.values4]),
    ...conntrackDifferences("conntrack6", CT6_KEY_SIZE, [a, b], (d) => [d.keys6, d.values6]),
    ...metricsDifferences(a, b),
  ];
  if (a.eventsLost !== b.eventsLost) {
    differences.push(
      `events lost: ${a.name} ${a.eventsLost}, ${b.name} ${b.eventsLost}`,
    );
  }
  return differences.length === 0 ? [] : [{ packet: undefined, differences, answers: {} }];
}

const MOST_LINES = 20;

function conntrackDifferences(
  table: string,
  keySize: number,
  [a, b]: readonly [LegRun, LegRun],
  part: (dump: ConntrackDump) => [Uint8Array, Uint8Array],
): string[] {
  if (entriesDigest(part(a.conntrack), keySize) === entriesDigest(part(b.conntrack), keySize)) {
    return [];
  }
  const inA = tableOf(part(a.conntrack), keySize);
  const inB = tableOf(part(b.conntrack), keySize);
  const differences: string[] = [];
  for (const key of new Set([...inA.keys(), ...inB.keys()])) {
    const x = inA.get(key) ?? "absent";
    const y = inB.get(key) ?? "absent";
    if (x !== y) differences.push(`${table} ${key}: ${a.name} ${x}, ${b.name} ${y}`);
    if (differences.length === MOST_LINES) break;
  }
  return differences;
}

/**
 * A number that is the same for the same entries in any order: the sum of a hash of each
 * (FNV-1a over words, 2 × 32 bits). Tables are large and nearly always equal.
 */
export function entriesDigest([keys, values]: [Uint8Array, Uint8Array], keySize: number): string {
  const keyWords = new Int32Array(keys.buffer, keys.byteOffset, keys.length >> 2);
  const valueWords = new Int32Array(values.buffer, values.byteOffset, values.length >> 2);
  const count = keys.length / keySize;
  const perKey = keySize >> 2;
  const perValue = CT_ENTRY_SIZE >> 2;
  let low = 0;
  let high = 0;
  for (let i = 0; i < count; i++) {
    let x = 0x811c9dc5;
    let y = 0x9747b28c;
    const mix = (word: number) => {
      x = Math.imul(x ^ word, 0x01000193);
      x ^= x >>> 15;
      y = Math.imul(y ^ word, 0x85ebca6b);
      y ^= y >>> 13;
    };
    for (let w = 0; w < perKey; w++) mix(keyWords[i * perKey + w] ?? 0);
    for (let w = 0; w < perValue; w++) mix(valueWords[i * perValue + w] ?? 0);
    low = low + x | 0;
    high = high + y | 0;
  }
  return `${count} ${low} ${high}`;
}

/** Entries in hexadecimal, by key: the order of a dump means nothing. */
function tableOf([keys, values]: [Uint8Array, Uint8Array], keySize: number): Map<string, string> {
  const table = new Map<string, string>();
  for (let i = 0; i * keySize < keys.length; i++) {
    table.set(
      toHex(keys.subarray(i * keySize, (i + 1) * keySize)),
      toHex(values.subarray(i * CT_ENTRY_SIZE, (i + 1) * CT_ENTRY_SIZE)),
    );
  }
  return table;
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
