import type { Datapath } from "../datapath/datapath.ts";
import type { DatapathMemory } from "../datapath/datapath_memory.ts";
import { type BatchMismatch, withPackets } from "./class_run.ts";
import type { ClassSpace } from "./classes.ts";
import type { Asked, Comparison } from "./compare.ts";
import { PacketMaker } from "./packet_maker.ts";
import { flowOfPacket, type Reproducer } from "./reproducer.ts";
import type { Scenario } from "./scenario.ts";
import { Signatures } from "./signature.ts";
import { IP_PROTOCOL, TCP_FLAG } from "./flow.ts";
import { classSpaceOf, openComparison } from "./verify.ts";

/** What became of a reproducer's packets. */
export interface ReplayReport {
  readonly mismatches: readonly BatchMismatch[];
  /** How often each opinion was asked. */
  readonly asked: Asked;
}

/** Runs the packets of a reproducer again, beside the corners of the classes they are in. */
export function replayPackets(
  scenario: Scenario,
  reproducer: Reproducer,
  memory: DatapathMemory,
  datapaths: readonly Datapath[],
): ReplayReport {
  const comparison = openComparison(scenario, memory, datapaths);
  const space = classSpaceOf(scenario);
  const signatures = new Signatures(space.total);
  const maker = new PacketMaker(scenario);
  const classes: (number | undefined)[] = [];
  maker.startFlow();
  for (const packet of reproducer.packets) {
    const flow = flowOfPacket(packet, scenario);
    maker.add(flow, packet.phase, packet.ttl);
    classes.push(packet.phase === "first" ? space.classOf(flow) : undefined);
  }
  const mismatches: BatchMismatch[] = [];
  for (const index of new Set(classes)) {
    if (index !== undefined) noteClass(index, scenario, space, comparison, signatures);
  }
  const batch = maker.take();
  const result = comparison.run(batch);
  mismatches.push(...withPackets(result, batch));
  for (const [i, index] of classes.entries()) {
    if (index === undefined || signatures.note(index, result.answer(i))) continue;
    const differences = [`answers unlike class ${index}`];
    mismatches.push({ packet: batch[i], differences, answers: {}, packets: batch.slice(i, i + 1) });
  }
  return { mismatches, asked: comparison.asked };
}

function noteClass(
  index: number,
  scenario: Scenario,
  space: ClassSpace,
  comparison: Comparison,
  signatures: Signatures,
): void {
  const maker = new PacketMaker(scenario);
  for (const corner of space.cornersOf(index)) {
    maker.startFlow();
    const tcpFlags = corner.protocol === IP_PROTOCOL.TCP ? TCP_FLAG.SYN : 0;
    maker.add({ ...corner, sport: maker.nextSourcePort(corner.dport), tcpFlags }, "first");
  }
  const batch = maker.take();
  const result = comparison.run(batch);
  for (const i of batch.keys()) signatures.note(index, result.answer(i));
}
