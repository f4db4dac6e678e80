/**
 * Capture files: pcap and pcapng, as bytes that somebody else wrote.
 *
 * @module
 */
import { CaptureError } from "./capture_error.ts";
import { isPcap, readPcap } from "./read_pcap.ts";
import { isPcapng, readPcapng } from "./read_pcapng.ts";

/** One packet of a capture file. */
export interface CapturedPacket {
  /** Position in the file, from 1, as Wireshark counts. */
  readonly number: number;
  /** `LINKTYPE_*`: what `data` starts with; see {@linkcode linkTypeName}. */
  readonly linkType: number;
  /** Nanoseconds since 1970; `undefined` where the file tells none. */
  readonly time: bigint | undefined;
  /** What was captured of the packet: a view on the file. */
  readonly data: Uint8Array;
  /** Bytes of the packet on the wire, as the file says; at least those captured. */
  readonly originalLength: number;
}

/** Beginnings of files that people mistake for captures that can be read as they are. */
const OTHER_FORMATS: readonly (readonly [magic: string, name: string])[] = [
  ["1f8b", "compressed by gzip"],
  ["28b52ffd", "compressed by zstd"],
  ["04224d18", "compressed by lz4"],
  ["fd377a585a00", "compressed by xz"],
  ["425a68", "compressed by bzip2"],
  ["504b0304", "a zip archive"],
  ["a1b2cd34", "pcap as patched by Kuznetzov"],
  ["34cdb2a1", "pcap as patched by Kuznetzov"],
  ["736e6f6f70000000", "a snoop capture"],
  ["474d4255", "a capture of Network Monitor"],
  ["58435000", "a capture of NetXRay"],
];

/**
 * Reads the packets of a capture file, whichever of the formats it has, in order. A file that is
 * damaged somewhere gives the packets before the damage, and then the error.
 *
 * @param name How errors call the file.
 * @throws {CaptureError} While it is read: at the first byte that is not as the format says.
 */
export function* readCapture(file: Uint8Array, name: string): Generator<CapturedPacket> {
  if (isPcap(file)) return yield* readPcap(file, name);
  if (isPcapng(file)) return yield* readPcapng(file, name);
  const start = [...file.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const other = OTHER_FORMATS.find(([magic]) => start.startsWith(magic));
  const state = file.length === 0
    ? "empty"
    : other?.[1] ?? (file.length < 4 ? `${file.length} bytes` : `begins with 0x${start}`);
  throw new CaptureError(name, state, "pcap or pcapng");
}
