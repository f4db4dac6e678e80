import {
  EVENT_DROP,
  EVENT_TRACE,
  MARK_TO_PROXY,
  PACKET_OK,
  PACKET_REDIRECT,
  PACKET_SHOT,
  REASON_FORWARDED,
} from "../datapath/layout.ts";
import type { PolicyState } from "../datapath/datapath.ts";
import { type BatchMismatch, withPackets } from "./class_run.ts";
import type { Answer, Comparison } from "./compare.ts";
import { START_OF_TIME } from "./packet_maker.ts";
import { actionName, reasonName } from "./reason_name.ts";
import { policyFlows } from "./policy_flows.ts";
import type { EventRecord } from "./event_record.ts";
import type { PacketRow, RowEvent, RowOutcome, RowPacket } from "./rows/row.ts";
import type { TestPacket } from "./test_packet.ts";

/** What became of the packet table. */
export interface RowReport {
  readonly rows: number;
  readonly packets: number;
  readonly mismatches: readonly BatchMismatch[];
}

/** Runs flows at the seams of a policy, which must be the subject's, through the datapaths. */
export function runPolicyFlows(policy: PolicyState, comparison: Comparison): RowReport {
  const packets = policyFlows(policy);
  const mismatches = withPackets(comparison.run(packets), packets);
  return { rows: 0, packets: packets.length, mismatches };
}

type RowTestPacket = TestPacket & Pick<RowPacket, "becomes" | "tells">;

const SECOND = 1_000_000_000n;

/** Seconds after a batch began: before any flow is over, at the ends of lifetimes, after all. */
const COLLECTED_AT = [0, 9, 10, 59, 60, 8000, 4_100_000_000];

/** Runs rows of the packet table on `ROW_NODE`, and compares the datapaths with the rows. */
export function runRows(rows: readonly PacketRow[], comparison: Comparison): RowReport {
  const mismatches: BatchMismatch[] = [];
  let packets = 0;
  for (const batch of rowBatches(rows, comparison.capacity)) {
    const result = comparison.run(batch);
    mismatches.push(...withPackets(result, batch));
    for (const [i, packet] of batch.entries()) {
      const differences = differencesOf(packet, result.answer(i));
      if (differences.length === 0) continue;
      const flow = batch.filter((p) => p.flow === packet.flow);
      const answers = { rows: outcomeText(packet.becomes) };
      mismatches.push({ packet, differences, answers, packets: flow });
    }
    for (const seconds of COLLECTED_AT) {
      const collected = comparison.collect(Number(START_OF_TIME / SECOND) + seconds);
      mismatches.push(...withPackets({ mismatches: collected }, batch));
    }
    packets += batch.length;
  }
  return { rows: rows.length, packets, mismatches };
}

/** The packets of rows, in batches that keep each row whole. */
export function* rowBatches(
  rows: readonly PacketRow[],
  capacity: number,
): Generator<RowTestPacket[]> {
  let batch: RowTestPacket[] = [];
  for (const [flow, { description, packets }] of rows.entries()) {
    if (batch.length + packets.length > capacity) {
      yield batch;
      batch = [];
    }
    for (const [i, { at = 0, mark = 0, ...packet }] of packets.entries()) {
      const place = packets.length === 1 ? "" : `, packet ${i + 1} of ${packets.length}`;
      batch.push({
        ...packet,
        mark,
        now: START_OF_TIME + BigInt(Math.round(at * Number(SECOND))) + BigInt(batch.length),
        flow,
        row: description,
        describe: () => `${description}${place}`,
      });
    }
  }
  if (batch.length > 0) yield batch;
}

function differencesOf(
  { becomes, tells }: Pick<RowPacket, "becomes" | "tells">,
  { output, events }: Answer,
): string[] {
  const verdict = verdictOf(becomes);
  const told = events.map(eventText).filter((text) => tells || text.startsWith(DROPPED));
  const wanted = tells ? tells.map(rowEventText) : isDrop(becomes) ? [rowEventText(becomes)] : [];
  const differences: string[] = [];
  if (output.verdict !== verdict) {
    differences.push(
      `emulator: verdict ${actionName(output.verdict)}, expected ${actionName(verdict)}`,
    );
  }
  if (told.join() !== wanted.join()) {
    const named = (texts: readonly string[]) => texts.join(", ") || "none";
    differences.push(`emulator: events ${named(told)}, expected ${named(wanted)}`);
  }
  const mark = isProxy(becomes) ? (becomes.proxy << 16 | MARK_TO_PROXY) >>> 0 : output.mark;
  if (output.mark !== mark) {
    differences.push(
      `emulator: mark 0x${output.mark.toString(16)}, expected 0x${mark.toString(16)}`,
    );
  }
  if (becomes === "deliver" && !hasValidChecksum(output.data)) {
    differences.push("emulator: IPv4 checksum is wrong, expected that of the header");
  }
  return differences;
}

function isDrop(becomes: RowOutcome): becomes is { readonly drop: number } {
  return typeof becomes === "object" && "drop" in becomes;
}

function isProxy(becomes: RowOutcome): becomes is { readonly proxy: number } {
  return typeof becomes === "object" && "proxy" in becomes;
}

function verdictOf(becomes: RowOutcome): number {
  if (becomes === "deliver") return PACKET_REDIRECT;
  return isDrop(becomes) ? PACKET_SHOT : PACKET_OK;
}

const DROPPED = "drop ";

function eventText({ type, reason }: EventRecord): string {
  if (type === EVENT_DROP) return rowEventText({ drop: reason });
  if (type === EVENT_TRACE) return reason === REASON_FORWARDED ? "answer" : "fallback";
  return reason === REASON_FORWARDED ? "verdict" : rowEventText({ audited: reason });
}

function rowEventText(event: RowEvent): string {
  if (typeof event === "string") return event;
  if ("drop" in event) return DROPPED + reasonName(event.drop);
  return `audited ${reasonName(event.audited)}`;
}

/**
 * The words of a header with its checksum add up to all ones; and it is not the other zero, which
 * RFC 1624 has nobody send.
 */
function hasValidChecksum(frame: Uint8Array): boolean {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.getUint16(12) !== 0x0800) return true;
  let sum = 0;
  for (let i = 0; i < (view.getUint8(14) & 15) * 4; i += 2) sum += view.getUint16(14 + i);
  return (sum & 0xffff) + (sum >>> 16) === 0xffff && view.getUint16(24) !== 0xffff;
}

function outcomeText(becomes: RowOutcome): string {
  if (typeof becomes === "string") return becomes;
  return isDrop(becomes) ? rowEventText(becomes) : `proxy ${becomes.proxy}`;
}
