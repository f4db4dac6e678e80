import type { DatapathMemory } from "../datapath/datapath_memory.ts";
import { PACKET_BATCH, PACKET_DATA_BYTES } from "../datapath/layout.ts";
import type { PacketBatch } from "../datapath/packet_batch.ts";
import type { CapturedPacket } from "./capture.ts";

const ETHERNET_BYTES = 14;

/**
 * Puts captured packets where the generator takes them from: each one once, cut to the harness's
 * longest packet; without those that are shorter than an Ethernet header, and as many as a batch
 * has room for.
 *
 * @returns `undefined` if none is left.
 */
export function corpusBatch(
  memory: DatapathMemory,
  packets: Iterable<CapturedPacket>,
): PacketBatch | undefined {
  const known = new Map<string, Uint8Array>();
  for (const { data } of packets) {
    if (known.size === PACKET_BATCH) break;
    if (data.length < ETHERNET_BYTES) continue;
    const cut = data.subarray(0, PACKET_DATA_BYTES);
    known.set(cut.toHex(), cut);
  }
  if (known.size === 0) return undefined;
  const batch = memory.packetBatch(known.size);
  for (const data of known.values()) batch.add({ endpoint: 1, hook: "from_container", data });
  return batch;
}
