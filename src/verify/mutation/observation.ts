import type { KernelDatapath } from "../../datapath/kernel.ts";
import { CT4_KEY_SIZE, CT6_KEY_SIZE, PACKET_SLOT_SIZE } from "../../datapath/layout.ts";
import type { PacketBatch } from "../../datapath/packet_batch.ts";
import { sameBytes } from "../bytes.ts";
import { entriesDigest } from "../compare.ts";

/** Everything that one run of a batch leaves behind. */
export interface Observation {
  readonly output: Uint8Array;
  readonly events: Uint8Array;
  readonly lost: number;
  readonly conntrack: string;
  /** What the run added to each counter. */
  readonly metrics: BigUint64Array;
}

/** Runs a batch on empty conntrack tables and notes everything that can be seen. */
export function observe(
  kernel: KernelDatapath,
  input: PacketBatch,
  output: PacketBatch,
): Observation {
  kernel.clearConntrack();
  const before = counters(kernel);
  kernel.run(input, output);
  const { bytes, lost } = kernel.drainEvents();
  const after = counters(kernel);
  const { keys4, values4, keys6, values6 } = kernel.conntrack();
  return {
    output: output.bytes.slice(0, output.count * PACKET_SLOT_SIZE),
    events: bytes,
    lost,
    conntrack: entriesDigest([keys4, values4], CT4_KEY_SIZE) +
      entriesDigest([keys6, values6], CT6_KEY_SIZE),
    metrics: after.map((value, i) => value - (before[i] ?? 0n)),
  };
}

/** Tells whether two runs cannot be told apart. */
export function sameObservation(a: Observation, b: Observation): boolean {
  return a.lost === b.lost && a.conntrack === b.conntrack && sameBytes(a.output, b.output) &&
    sameBytes(a.events, b.events) && a.metrics.every((value, i) => value === b.metrics[i]);
}

function counters(kernel: KernelDatapath): BigUint64Array {
  return new BigUint64Array(kernel.metrics().buffer as ArrayBuffer);
}
