import {
  HOOK_FROM_CONTAINER,
  HOOK_TO_CONTAINER,
  PACKET_DATA_BYTES,
  PACKET_SLOT_DATA_OFF,
  PACKET_SLOT_ENDPOINT_OFF,
  PACKET_SLOT_HOOK_OFF,
  PACKET_SLOT_LENGTH_OFF,
  PACKET_SLOT_MARK_OFF,
  PACKET_SLOT_NOW_OFF,
  PACKET_SLOT_SIZE,
} from "../datapath/layout.ts";
import type { Hook, PacketInput } from "../datapath/packet_batch.ts";

/** A packet as it goes in, with nothing left to default. */
export type FuzzPacket = Required<PacketInput> & {
  readonly mark: number;
  readonly now: bigint;
};

/** Reads the records of a batch; the data are copies. */
export function packetsOf(records: Uint8Array): FuzzPacket[] {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  return Array.from({ length: records.length / PACKET_SLOT_SIZE }, (_, i) => {
    const at = i * PACKET_SLOT_SIZE;
    const length = Math.min(view.getUint32(at + PACKET_SLOT_LENGTH_OFF, true), PACKET_DATA_BYTES);
    const data = at + PACKET_SLOT_DATA_OFF;
    return {
      endpoint: view.getUint32(at + PACKET_SLOT_ENDPOINT_OFF, true),
      hook: hookOf(view.getUint32(at + PACKET_SLOT_HOOK_OFF, true)),
      mark: view.getUint32(at + PACKET_SLOT_MARK_OFF, true),
      now: view.getBigUint64(at + PACKET_SLOT_NOW_OFF, true),
      data: records.slice(data, data + length),
    };
  });
}

function hookOf(number: number): Hook {
  if (number === HOOK_FROM_CONTAINER) return "from_container";
  if (number === HOOK_TO_CONTAINER) return "to_container";
  throw new RangeError(`Cannot read packet: hook ${number}, expected 0 or 1`);
}
