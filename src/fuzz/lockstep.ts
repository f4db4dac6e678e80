/**
 * Runs few packets in one twin after the other and tells everything that differs: for
 * shrinking, where a run has to say no more than whether it fails, and for its report.
 *
 * @module
 */
import { EVENT_SIZE, PACKET_BATCH } from "../datapath/layout.ts";
import { firstDifference, sameBytes, toHex } from "../verify/bytes.ts";
import { EventIndex, type EventRecord } from "../verify/event_record.ts";
import { actionName, ctStateName, reasonName } from "../verify/reason_name.ts";
import type { FuzzPacket } from "./packet_list.ts";
import { COMPARED_TABLES, type ComparedTable, type Twins } from "./twins.ts";

const MOST_LINES = 20;

/**
 * Differences between the twins' treatment of packets, one line each; at most some 20. Both begin
 * without traffic.
 */
export async function differencesOf(
  twins: Twins,
  packets: readonly FuzzPacket[],
): Promise<string[]> {
  const { kernel } = twins;
  if (kernel === undefined) return [];
  twins.forget();
  const differences: string[] = [];
  for (let first = 0; first < packets.length && differences.length === 0; first += PACKET_BATCH) {
    const batch = packets.slice(first, first + PACKET_BATCH);
    differences.push(...await runBatch(twins, batch));
  }
  for (const table of Object.keys(COMPARED_TABLES) as ComparedTable[]) {
    if (twins.tableDiffers(table)) differences.push(`table ${table} differs`);
  }
  if (!sameBytes(twins.emulator.metrics(), kernel.datapath.metrics())) {
    differences.push("metrics differ");
  }
  return differences.slice(0, MOST_LINES);
}

async function runBatch(twins: Twins, packets: readonly FuzzPacket[]): Promise<string[]> {
  const { input, kernel } = twins;
  if (kernel === undefined || packets.length === 0) return [];
  input.clear();
  for (const packet of packets) input.add(packet);
  input.count = input.capacity;
  await kernel.leg.run(0, packets.length);
  twins.emulate(0, packets.length);
  const { produced } = kernel.leg;
  const equal = twins.packetDifference(0, packets.length) === undefined &&
    twins.eventDifference(produced) === undefined;
  const differences = equal ? [] : describe(twins, packets);
  twins.dropEvents(produced);
  return differences;
}

function describe(twins: Twins, packets: readonly FuzzPacket[]): string[] {
  const lines: string[] = [];
  const ours = new EventIndex(twins.emulator.drainEvents().bytes);
  const theirs = new EventIndex(twins.kernel?.datapath.drainEvents().bytes ?? new Uint8Array());
  for (const [i, { now }] of packets.entries()) {
    if (lines.length >= MOST_LINES) break;
    const a = twins.emulatorOutput.output(i);
    const b = twins.kernelOutput.output(i);
    const say = (text: string) => lines.push(`packet ${i}: ${text}`);
    if (a.verdict !== b.verdict) {
      say(
        `verdict ${actionName(a.verdict)} in the emulator, ${actionName(b.verdict)} in the kernel`,
      );
    }
    if (a.mark !== b.mark) say(`mark 0x${a.mark.toString(16)} and 0x${b.mark.toString(16)}`);
    const byte = firstDifference(a.data, b.data);
    if (byte >= 0) say(`bytes differ from byte ${byte}: ${toHex(a.data)} and ${toHex(b.data)}`);
    const event = firstDifference(ours.bytesAt(now), theirs.bytesAt(now));
    if (event < 0) continue;
    say(`events differ from byte ${event % EVENT_SIZE} of event ${Math.floor(event / EVENT_SIZE)}`);
    say(`emulator ${eventsText(ours.at(now))}; kernel ${eventsText(theirs.at(now))}`);
  }
  return lines.length > 0 ? lines : ["events differ that belong to no packet"];
}

function eventsText(events: readonly EventRecord[]): string {
  if (events.length === 0) return "no event";
  return events.map(({ type, reason, ctState, endpoint, cookie }) =>
    `type ${type} ${reasonName(reason)} ${
      ctStateName(ctState)
    } endpoint ${endpoint} cookie ${cookie}`
  ).join(", ");
}
