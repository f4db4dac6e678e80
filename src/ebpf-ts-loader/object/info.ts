import { ATTR, BPF, BpfAttr } from "../sys/mod.ts";

/** What the kernel says about a map. */
export interface MapInfo {
  /** Unique among the maps of the running kernel. */
  readonly id: number;
  /** `enum bpf_map_type`. */
  readonly type: number;
  /** Bytes. */
  readonly keySize: number;
  /** Bytes. */
  readonly valueSize: number;
  /** Most elements; bytes of a ring buffer. */
  readonly maxEntries: number;
  /** Flags of BPF_MAP_CREATE, and those that the kernel added. */
  readonly flags: number;
  /** At most 15 characters. */
  readonly name: string;
  /** Type-specific: the number of hash functions of a bloom filter. */
  readonly mapExtra: bigint;
  /** Id of the BTF that describes key and value; 0 if there is none. */
  readonly btfId: number;
  /** BTF type id of the key; 0 if unknown. */
  readonly keyTypeId: number;
  /** BTF type id of the value; 0 if unknown. */
  readonly valueTypeId: number;
}

/** What the kernel says about a program. */
export interface ProgramInfo {
  /** Unique among the programs of the running kernel. */
  readonly id: number;
  /** `enum bpf_prog_type`. */
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
  /** When it was loaded: nanoseconds since boot. */
  readonly loadTime: bigint;
  /** User id of who loaded it. */
  readonly createdByUid: number;
  /** True if its license allows helpers that are GPL only. */
  readonly gplCompatible: boolean;
  /** Ids of the maps it uses, in the order of first use. */
  readonly mapIds: readonly number[];
  /** Id of its BTF; 0 if there is none. */
  readonly btfId: number;
  /** Nanoseconds spent in it while statistics were enabled; see {@linkcode enableStats}. */
  readonly runTime: bigint;
  /** Runs while statistics were enabled. */
  readonly runCount: bigint;
  /** Runs left out since the program was running already on that CPU. Requires Linux 5.12. */
  readonly recursionMisses: bigint;
}

/**
 * Link types by name; see `enum bpf_link_type` in linux/bpf.h.
 *
 * @example Usage
 * ```ts
 * import { type LinkInfo, LinkType } from "ebpf-ts-loader";
 * const interfaceOf = (info: LinkInfo) =>
 *   info.type === LinkType.XDP || info.type === LinkType.TCX ? info.ifindex : undefined;
 * ```
 */
export const LinkType = {
  RAW_TRACEPOINT: 1,
  TRACING: 2,
  CGROUP: 3,
  ITER: 4,
  NETNS: 5,
  XDP: 6,
  PERF_EVENT: 7,
  KPROBE_MULTI: 8,
  STRUCT_OPS: 9,
  NETFILTER: 10,
  TCX: 11,
  UPROBE_MULTI: 12,
  NETKIT: 13,
  SOCKMAP: 14,
} as const;

/** What the kernel says about a link. */
export interface LinkInfo {
  /** Unique among the links of the running kernel. */
  readonly id: number;
  /** `enum bpf_link_type`; see {@linkcode LinkType}. */
  readonly type: number;
  /** Id of the attached program. */
  readonly programId: number;
  /** Interface index of a TCX or XDP link; 0 once the interface is gone or the link detached. */
  readonly ifindex: number;
  /** `enum bpf_attach_type` of a TCX, cgroup or netns link, else 0. */
  readonly attachType: number;
  /** Inode number of a cgroup link's folder; 0 once it is gone or the link detached. */
  readonly cgroupId: bigint | undefined;
  /** Inode number of a netns link's namespace; 0 once it is gone or the link detached. */
  readonly netnsInode: number | undefined;
}

const MAP_INFO_SIZE = 88;
const PROGRAM_INFO_SIZE = 232;
const LINK_INFO_SIZE = 64;
const BTF_INFO_SIZE = 32;

/** Offsets inside `struct bpf_prog_info`. */
const PROGRAM = {
  type: 0,
  id: 4,
  tag: 8,
  jitedLength: 16,
  translatedLength: 20,
  loadTime: 40,
  uid: 48,
  mapCount: 52,
  mapIdsPtr: 56,
  name: 64,
  gpl: 84,
  btfId: 128,
  runTime: 192,
  runCount: 200,
  recursionMisses: 208,
  verified: 216,
} as const;

/** `info` holds what the kernel is to read: room for its arrays. */
function readInfo(fd: number, info: BpfAttr): BpfAttr {
  new BpfAttr(BPF.OBJ_GET_INFO_BY_FD, ATTR.INFO.size)
    .u32(ATTR.INFO.fd, fd)
    .u32(ATTR.INFO.length, info.bytes.length)
    .pointer(ATTR.INFO.infoPtr, info.bytes)
    .must({ action: "read info of", subject: `fd ${fd}` });
  return info;
}

function objectInfo(fd: number, size: number): BpfAttr {
  return readInfo(fd, new BpfAttr(BPF.OBJ_GET_INFO_BY_FD, size));
}

function textAt(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** `struct bpf_map_info` of an open map. */
export function mapInfo(fd: number): MapInfo {
  const info = objectInfo(fd, MAP_INFO_SIZE);
  return {
    type: info.getU32(0),
    id: info.getU32(4),
    keySize: info.getU32(8),
    valueSize: info.getU32(12),
    maxEntries: info.getU32(16),
    flags: info.getU32(20),
    name: textAt(info.bytes.subarray(24, 40)),
    mapExtra: info.getU64(80),
    btfId: info.getU32(64),
    keyTypeId: info.getU32(68),
    valueTypeId: info.getU32(72),
  };
}

/** `struct bpf_prog_info` of an open program. */
export function programInfo(fd: number): ProgramInfo {
  const count = objectInfo(fd, PROGRAM_INFO_SIZE).getU32(PROGRAM.mapCount);
  const mapIds = new Uint32Array(count);
  const info = new BpfAttr(BPF.OBJ_GET_INFO_BY_FD, PROGRAM_INFO_SIZE)
    .u32(PROGRAM.mapCount, count)
    .pointer(PROGRAM.mapIdsPtr, count === 0 ? null : mapIds);
  readInfo(fd, info);
  return {
    type: info.getU32(PROGRAM.type),
    id: info.getU32(PROGRAM.id),
    tag: info.bytes.subarray(PROGRAM.tag, PROGRAM.tag + 8).toHex(),
    jitedLength: info.getU32(PROGRAM.jitedLength),
    translatedLength: info.getU32(PROGRAM.translatedLength),
    name: textAt(info.bytes.subarray(PROGRAM.name, PROGRAM.name + 16)),
    verifiedInstructions: info.getU32(PROGRAM.verified),
    loadTime: info.getU64(PROGRAM.loadTime),
    createdByUid: info.getU32(PROGRAM.uid),
    gplCompatible: (info.getU32(PROGRAM.gpl) & 1) !== 0,
    mapIds: [...mapIds],
    btfId: info.getU32(PROGRAM.btfId),
    runTime: info.getU64(PROGRAM.runTime),
    runCount: info.getU64(PROGRAM.runCount),
    recursionMisses: info.getU64(PROGRAM.recursionMisses),
  };
}

/** `struct bpf_link_info` of an open link. */
export function linkInfo(fd: number): LinkInfo {
  const info = objectInfo(fd, LINK_INFO_SIZE);
  const type = info.getU32(0);
  const onInterface = type === LinkType.XDP || type === LinkType.TCX;
  const attachTypeAt = ATTACH_TYPE_AT[type];
  return {
    type,
    id: info.getU32(4),
    programId: info.getU32(8),
    ifindex: onInterface ? info.getU32(16) : 0,
    attachType: attachTypeAt === undefined ? 0 : info.getU32(attachTypeAt),
    cgroupId: type === LinkType.CGROUP ? info.getU64(16) : undefined,
    netnsInode: type === LinkType.NETNS ? info.getU32(16) : undefined,
  };
}

const ATTACH_TYPE_AT: Readonly<Record<number, number>> = {
  [LinkType.TCX]: 20,
  [LinkType.NETNS]: 20,
  [LinkType.CGROUP]: 24,
};

/** BTF that the kernel holds: its own, a module's or a program's. */
export interface KernelBtf {
  /** Unique among the BTF objects of the running kernel. */
  readonly id: number;
  /** `vmlinux`, a module's name, or empty for what programs brought. Requires Linux 5.11. */
  readonly name: string;
  /** True for the kernel's own and its modules'. Requires Linux 5.11. */
  readonly fromKernel: boolean;
  /** The types, as {@linkcode Btf.parse} reads them; a module's build on the kernel's. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const BTF_NAME_SIZE = 64;

/** `struct bpf_btf_info` of open BTF, with its bytes. */
export function btfInfo(fd: number): KernelBtf {
  const size = objectInfo(fd, BTF_INFO_SIZE).getU32(8);
  const bytes = new Uint8Array(size);
  const name = new Uint8Array(BTF_NAME_SIZE);
  const info = new BpfAttr(BPF.OBJ_GET_INFO_BY_FD, BTF_INFO_SIZE)
    .pointer(0, bytes)
    .u32(8, size)
    .pointer(16, name)
    .u32(24, BTF_NAME_SIZE);
  readInfo(fd, info);
  return {
    id: info.getU32(12),
    name: textAt(name),
    fromKernel: info.getU32(28) !== 0,
    bytes,
  };
}
