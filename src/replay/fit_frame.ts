import { PACKET_DATA_BYTES } from "../datapath/layout.ts";

/** A frame as the datapaths take it. */
export interface FittedFrame {
  readonly data: Uint8Array;
  /** Not the whole frame, as it was on the wire. */
  readonly shortened: boolean;
}

const ETHERNET_BYTES = 14;
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const IPV4_LENGTH_OFF = ETHERNET_BYTES + 2;
const IPV4_BYTES = 20;
const IPV6_LENGTH_OFF = ETHERNET_BYTES + 4;
const IPV6_BYTES = 40;

/**
 * Takes payload off a frame that is longer than what the datapaths run in bulk, or of which not
 * all was captured. Its IP length becomes that of what is left, where it was true on the wire;
 * a length that lies goes on lying. No program reads payload, so that the verdict is the same as
 * long as all headers are there.
 *
 * @param wireLength Bytes of the frame on the wire; at least those given.
 */
export function fitFrame(frame: Uint8Array, wireLength: number): FittedFrame {
  const kept = Math.min(frame.length, PACKET_DATA_BYTES);
  if (kept === wireLength) return { data: frame, shortened: false };
  const data = frame.slice(0, kept);
  const view = new DataView(data.buffer);
  const ethertype = view.getUint16(12);
  if (ethertype === IPV4) fitLength(view, IPV4_LENGTH_OFF, ETHERNET_BYTES, IPV4_BYTES, wireLength);
  if (ethertype === IPV6) {
    fitLength(view, IPV6_LENGTH_OFF, ETHERNET_BYTES + IPV6_BYTES, IPV6_BYTES, wireLength);
  }
  return { data, shortened: true };
}

/** @param base Offset from which the length counts. */
function fitLength(
  view: DataView,
  offset: number,
  base: number,
  headerBytes: number,
  wireLength: number,
): void {
  if (view.byteLength < ETHERNET_BYTES + headerBytes) return;
  const end = base + view.getUint16(offset);
  const isTrue = end <= wireLength;
  if (isTrue && end > view.byteLength) view.setUint16(offset, view.byteLength - base);
}
