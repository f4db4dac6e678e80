const HEADER_BYTES = 24;
const RECORD_BYTES = 16;
const LINKTYPE_ETHERNET = 1;
/** Says that times are in nanoseconds. */
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const SECOND = 1_000_000_000n;

/** Writes packets as a capture file (draft-ietf-opsawg-pcap), for tcpdump and Wireshark. */
export function pcapOf(
  packets: readonly { readonly data: Uint8Array; readonly now: bigint }[],
): Uint8Array<ArrayBuffer> {
  const size = packets.reduce((sum, { data }) => sum + RECORD_BYTES + data.length, HEADER_BYTES);
  const file = new Uint8Array(size);
  const view = new DataView(file.buffer);
  view.setUint32(0, MAGIC_NANOSECONDS, true);
  view.setUint16(4, 2, true); // version 2.4
  view.setUint16(6, 4, true);
  view.setUint32(16, 0xffff, true); // longest packet
  view.setUint32(20, LINKTYPE_ETHERNET, true);
  let at = HEADER_BYTES;
  for (const { data, now } of packets) {
    view.setUint32(at, Number(now / SECOND), true);
    view.setUint32(at + 4, Number(now % SECOND), true);
    view.setUint32(at + 8, data.length, true);
    view.setUint32(at + 12, data.length, true);
    file.set(data, at + RECORD_BYTES);
    at += RECORD_BYTES + data.length;
  }
  return file;
}
