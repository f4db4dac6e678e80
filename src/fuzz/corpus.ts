import type { DatapathMemory } from "../datapath/datapath_memory.ts";
import { PACKET_BATCH, PACKET_DATA_BYTES } from "../datapath/layout.ts";
import { toHex } from "../verify/bytes.ts";
import type { PacketBatch } from "../datapath/packet_batch.ts";
import type { CapturedPacket } from "../pcap/capture.ts";
import { ethernetFrame } from "../pcap/ethernet_frame.ts";

/**
 * The frames of captured packets: each one once, cut to the harness's longest packet; without
 * those that no veth carries, and as many as a batch has room for.
 */
export function corpusFrames(packets: Iterable<CapturedPacket>): Uint8Array[] {
  const known = new Map<string, Uint8Array>();
  for (const { linkType, data } of packets) {
    if (known.size === PACKET_BATCH) break;
    const framed = ethernetFrame(linkType, data);
    if ("refused" in framed) continue;
    const cut = framed.frame.subarray(0, PACKET_DATA_BYTES);
    known.set(toHex(cut), cut);
  }
  return [...known.values()];
}

/** Puts the frames of captured packets where the generator takes them from; `undefined`: none. */
export function corpusBatch(
  memory: DatapathMemory,
  packets: Iterable<CapturedPacket>,
): PacketBatch | undefined {
  const frames = corpusFrames(packets);
  if (frames.length === 0) return undefined;
  const batch = memory.packetBatch(frames.length);
  for (const data of frames) batch.add({ endpoint: 1, hook: "from_container", data });
  return batch;
}
