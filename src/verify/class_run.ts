import type { ClassSpace, FlowClass, FlowShape } from "./classes.ts";
import type { BatchResult, Comparison, Mismatch } from "./compare.ts";
import { type Flow, IP_PROTOCOL, TCP_FLAG } from "./flow.ts";
import { answerTo, PacketMaker } from "./packet_maker.ts";
import type { Scenario } from "./scenario.ts";
import { Signatures } from "./signature.ts";
import type { TestPacket } from "./test_packet.ts";

/** What became of the classes. */
export interface ClassReport {
  /** Classes of flows, times the phases that they have. */
  readonly total: number;
  /** Of those, how many were tried and compared. */
  readonly checked: number;
  readonly packets: number;
  /** Numbers of the classes of which some packet goes to a proxy. */
  readonly redirected: readonly number[];
  readonly mismatches: readonly BatchMismatch[];
}

/** A mismatch, and the packets of its flow in the order in which they ran. */
export interface BatchMismatch extends Mismatch {
  readonly packets: readonly TestPacket[];
}

/** Mismatches after which a run ends: one cause makes many, and a few tell enough. */
export const MOST_MISMATCHES = 20;

/** Options for {@linkcode runClasses}. */
export interface ClassRunOptions {
  /** Numbers of the classes to try, in order. @default all */
  readonly only?: Iterable<number> | undefined;
  /** Called between batches, with how many phases have been checked. */
  readonly onProgress?: (checked: number) => void;
}

/**
 * Tries every class, at every corner, with its first packet, another one, and the answer.
 *
 * @param signatures Receives how each class answers, for {@linkcode runRandom}.
 */
export function runClasses(
  scenario: Scenario,
  space: ClassSpace,
  comparison: Comparison,
  signatures: Signatures,
  { only, onProgress = () => {} }: ClassRunOptions = {},
): ClassReport {
  const maker = new PacketMaker(scenario);
  const mismatches: BatchMismatch[] = [];
  const redirected = new Set<number>();
  let pending: { index: number; first: number }[] = [];
  let phases = 0;
  let checked = 0;
  let packets = 0;
  const flush = () => {
    const batch = maker.take();
    if (batch.length === 0) return;
    const result = comparison.run(batch);
    mismatches.push(...withPackets(result, batch));
    for (const { index, first } of pending) {
      if (batch[first]?.expected?.proxy !== undefined) redirected.add(index);
      const answer = result.answer(first);
      // Protocols without ports: classes that differ by mark alone share one flow.
      if (batch[first]?.expected?.fresh === false) continue;
      if (signatures.note(index, answer)) continue;
      mismatches.push({
        packet: batch[first],
        differences: ["answers unlike another corner of its class"],
        answers: {},
        packets: batch.slice(first, first + 1),
      });
    }
    packets += batch.length;
    checked += phases;
    phases = 0;
    pending = [];
    onProgress(checked);
  };
  const classes = only === undefined ? space.classes() : classesOf(space, only);
  for (const { index, corners } of classes) {
    if (maker.count + corners.length * MOST_PHASES > comparison.capacity) flush();
    if (mismatches.length >= MOST_MISMATCHES) break;
    let most = 0;
    for (const corner of corners) {
      pending.push({ index, first: maker.count });
      most = Math.max(most, addFlow(maker, corner, scenario));
    }
    phases += most;
  }
  if (mismatches.length < MOST_MISMATCHES) flush();
  return { total: space.cases, checked, packets, redirected: [...redirected], mismatches };
}

function* classesOf(space: ClassSpace, only: Iterable<number>): Generator<FlowClass> {
  for (const index of only) yield { index, corners: space.cornersOf(index) };
}

const MOST_PHASES = 3;

/** Adds the packets of one flow and returns how many phases it has. */
function addFlow(maker: PacketMaker, shape: FlowShape, scenario: Scenario): number {
  const tcp = shape.protocol === IP_PROTOCOL.TCP;
  const sport = maker.nextSourcePort(shape.dport);
  const flow: Flow = { ...shape, sport, tcpFlags: tcp ? TCP_FLAG.SYN : 0 };
  maker.startFlow();
  maker.add(flow, "first");
  maker.add({ ...flow, tcpFlags: tcp ? TCP_FLAG.ACK : 0 }, "again");
  const answer = answerTo(flow, scenario);
  if (answer === undefined) return 2;
  maker.add(answer, "answer");
  return 3;
}

/** Joins each mismatch with the packets of its flow; without a packet, with all of them. */
export function withPackets(
  { mismatches }: Pick<BatchResult, "mismatches">,
  batch: readonly TestPacket[],
): BatchMismatch[] {
  return mismatches.slice(0, MOST_MISMATCHES).map((mismatch) => {
    const { packet } = mismatch;
    const packets = packet === undefined ? batch : batch.filter((p) => p.flow === packet.flow);
    return { ...mismatch, packets };
  });
}
