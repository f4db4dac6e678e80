import type { KernelDatapath } from "../../datapath/kernel.ts";
import { PACKET_SLOT_SIZE } from "../../datapath/layout.ts";
import type { PacketBatch } from "../../datapath/packet_batch.ts";
import { sameBytes } from "../bytes.ts";
import { tableDigest, tablesOf } from "../table_difference.ts";

/** Everything that one run of a batch leaves behind. */
export interface Observation {
  readonly output: Uint8Array;
  readonly events: Uint8Array;
  readonly lost: number;
  readonly tables: string;
  /** What the run added to each counter. */
  readonly metrics: BigUint64Array;
}

/** Runs a batch on empty tables and notes everything that can be seen. */
export function observe(
  kernel: KernelDatapath,
  input: PacketBatch,
  output: PacketBatch,
): Observation {
  kernel.clearConntrack();
  kernel.clearAccounting();
  const before = counters(kernel);
  kernel.run(input, output);
  const { bytes, lost } = kernel.drainEvents();
  const after = counters(kernel);
  return {
    output: output.bytes.slice(0, output.count * PACKET_SLOT_SIZE),
    events: bytes,
    lost,
    tables: tablesOf(kernel).map(tableDigest).join(),
    metrics: after.map((value, i) => value - (before[i] ?? 0n)),
  };
}

/** Tells whether two runs cannot be told apart. */
export function sameObservation(a: Observation, b: Observation): boolean {
  return a.lost === b.lost && a.tables === b.tables && sameBytes(a.output, b.output) &&
    sameBytes(a.events, b.events) && a.metrics.every((value, i) => value === b.metrics[i]);
}

function counters(kernel: KernelDatapath): BigUint64Array {
  return new BigUint64Array(kernel.metrics().buffer as ArrayBuffer);
}
