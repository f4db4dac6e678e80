import { Emulator } from "../../src/datapath/emulator.ts";
import { EVENT_REASON_OFF, EVENT_SIZE, METRICS_VALUE_SIZE } from "../../src/datapath/layout.ts";
import type { PacketInput, PacketOutput } from "../../src/datapath/packet_batch.ts";
import type { PacketBuilder } from "../../src/datapath/packet_builder.ts";
import { newMemory } from "./_memory.ts";
import { CLIENT } from "./_node.ts";

export const SECOND = 1_000_000_000n;

/** The instance that a test file's tests share; each loads its state anew. */
export const memory = newMemory();
export const emulator = new Emulator(memory);
export const batch = memory.packetBatch();

/** Runs one packet, from the client unless the fields say otherwise. */
export function run(
  packet: PacketBuilder | Uint8Array,
  fields: Partial<PacketInput> = {},
): PacketOutput {
  batch.clear();
  const data = packet instanceof Uint8Array ? packet : packet.build();
  batch.add({ endpoint: CLIENT, hook: "from_container", data, now: SECOND, ...fields });
  emulator.run(batch, batch);
  return batch.output(0);
}

/** The reasons of these events, in order; 0 is a policy verdict. */
export function reasonsIn(events: Uint8Array): number[] {
  return Array.from(
    { length: events.length / EVENT_SIZE },
    (_, i) => events[i * EVENT_SIZE + EVENT_REASON_OFF] ?? 0,
  );
}

/** The reasons of all events since the last call. */
export function reasons(): number[] {
  return reasonsIn(emulator.drainEvents().bytes);
}

/** Packets counted under a reason and a direction (0 ingress, 1 egress). */
export function packetsCounted(reason: number, direction: number): bigint {
  const metrics = new DataView(emulator.metrics().buffer);
  return metrics.getBigUint64((reason << 1 | direction) * METRICS_VALUE_SIZE, true);
}
