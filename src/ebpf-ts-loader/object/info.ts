import { ATTR, BPF, BpfAttr } from "../sys/mod.ts";

/** What the kernel says about a map. */
export interface MapInfo {
  readonly id: number;
  readonly type: number;
  /** Bytes. */
  readonly keySize: number;
  /** Bytes. */
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** At most 15 characters. */
  readonly name: string;
  readonly mapExtra: bigint;
}

/** What the kernel says about a program. */
export interface ProgramInfo {
  readonly id: number;
  readonly type: number;
  /** Hash of the instructions as 16 hexadecimal digits. */
  readonly tag: string;
  /** At most 15 characters. */
  readonly name: string;
  /** Bytes of machine code. */
  readonly jitedLength: number;
  /** Bytes of instructions after the verifier rewrote them. */
  readonly translatedLength: number;
  /** Instructions the verifier walked. Requires Linux 5.16; else 0. */
  readonly verifiedInstructions: number;
}

/** What the kernel says about a link. */
export interface LinkInfo {
  readonly id: number;
  readonly type: number;
  readonly programId: number;
  /** Interface index of a TCX link; 0 once the interface is gone or the link detached. */
  readonly ifindex: number;
  /** `enum bpf_attach_type` of a TCX link. */
  readonly attachType: number;
}

const MAP_INFO_SIZE = 88;
const PROGRAM_INFO_SIZE = 232;
const LINK_INFO_SIZE = 64;

function objectInfo(fd: number, size: number): DataView<ArrayBuffer> {
  const info = new Uint8Array(size);
  new BpfAttr(BPF.OBJ_GET_INFO_BY_FD, ATTR.INFO.size)
    .u32(ATTR.INFO.fd, fd)
    .u32(ATTR.INFO.length, size)
    .pointer(ATTR.INFO.infoPtr, info)
    .must({ action: "read info of", subject: `fd ${fd}` });
  return new DataView(info.buffer);
}

function nameAt(info: DataView<ArrayBuffer>, offset: number): string {
  const bytes = new Uint8Array(info.buffer, offset, 16);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, end < 0 ? 16 : end));
}

/** `struct bpf_map_info` of an open map. */
export function mapInfo(fd: number): MapInfo {
  const info = objectInfo(fd, MAP_INFO_SIZE);
  return {
    type: info.getUint32(0, true),
    id: info.getUint32(4, true),
    keySize: info.getUint32(8, true),
    valueSize: info.getUint32(12, true),
    maxEntries: info.getUint32(16, true),
    flags: info.getUint32(20, true),
    name: nameAt(info, 24),
    mapExtra: info.getBigUint64(80, true),
  };
}

/** `struct bpf_prog_info` of an open program. */
export function programInfo(fd: number): ProgramInfo {
  const info = objectInfo(fd, PROGRAM_INFO_SIZE);
  const tag = new Uint8Array(info.buffer, 8, 8);
  return {
    type: info.getUint32(0, true),
    id: info.getUint32(4, true),
    tag: tag.toHex(),
    jitedLength: info.getUint32(16, true),
    translatedLength: info.getUint32(20, true),
    name: nameAt(info, 64),
    verifiedInstructions: info.getUint32(216, true),
  };
}

/** `struct bpf_link_info` of an open link. */
export function linkInfo(fd: number): LinkInfo {
  const info = objectInfo(fd, LINK_INFO_SIZE);
  return {
    type: info.getUint32(0, true),
    id: info.getUint32(4, true),
    programId: info.getUint32(8, true),
    ifindex: info.getUint32(16, true),
    attachType: info.getUint32(20, true),
  };
}
