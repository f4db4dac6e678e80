import type { CapturedPacket } from "../pcap/capture.ts";
import { CaptureError } from "../pcap/capture_error.ts";
import { ethernetFrame } from "../pcap/ethernet_frame.ts";
import { frameEnds } from "./frame_ends.ts";

/** Addresses of whom nobody needs more: a capture may have a sender for every packet. */
const MOST_SENDERS = 4096;

/** The source addresses of a capture in order of appearance, as far as it can be read. */
export function sendersOf(packets: Iterable<CapturedPacket>): string[] {
  const senders = new Set<string>();
  try {
    for (const { linkType, data } of packets) {
      const read = ethernetFrame(linkType, data);
      const source = "frame" in read ? frameEnds(read.frame).source : undefined;
      if (source !== undefined) senders.add(source);
      if (senders.size === MOST_SENDERS) break;
    }
  } catch (error) {
    // Who runs the capture is told of its damage.
    if (!(error instanceof CaptureError)) throw error;
  }
  return [...senders];
}
