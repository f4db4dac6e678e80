import { ATTR, BPF, type bpf, BpfAttr, close, ERRNO } from "../sys/mod.ts";
import { MapType } from "../spec/map_types.ts";
import { btfOfInts } from "./_btf_blob.ts";

/** bpf(2), or what stands in for it in a test. */
export type BpfCall = typeof bpf;

/** Calls with a real attr; returns the result, or −errno. */
export function call(bpfCall: BpfCall, command: number, attr: BpfAttr): number {
  return bpfCall(command, attr.bytes, attr.bytes.length);
}

/** Closes what a probe made. Nobody else knows it. */
export function closeResult(fd: number): void {
  if (fd >= 0) close(fd);
}

/** errno values (negative) that say something about the caller or the moment, not the kernel. */
const INCONCLUSIVE: readonly number[] = [
  -ERRNO.EPERM,
  -ERRNO.ENOMEM,
  -ERRNO.EAGAIN,
  -ERRNO.EINTR,
  -ERRNO.EMFILE,
  -ERRNO.ENFILE,
];

/** Whether a refusal leaves the question open. */
export function isInconclusive(result: number): boolean {
  return INCONCLUSIVE.includes(result);
}

/** What a map of a type needs to be made. */
interface MapShape {
  readonly keySize?: number;
  readonly valueSize?: number;
  readonly maxEntries?: number;
  readonly flags?: number;
  /** Types whose keys and values must be described. */
  readonly btf?: boolean;
  readonly inner?: boolean;
}

const NO_PREALLOC = 1;
const MMAPABLE = 0x400;
const STORAGE: MapShape = { maxEntries: 0, valueSize: 4, flags: NO_PREALLOC, btf: true };
const RING: MapShape = { keySize: 0, valueSize: 0, maxEntries: 65536 };

const SHAPES: Readonly<Record<number, MapShape>> = {
  [MapType.STACK_TRACE]: { valueSize: 8 },
  [MapType.LPM_TRIE]: { keySize: 8, flags: NO_PREALLOC },
  [MapType.ARRAY_OF_MAPS]: { inner: true },
  [MapType.HASH_OF_MAPS]: { inner: true },
  [MapType.CGROUP_STORAGE]: { keySize: 8, maxEntries: 0 },
  [MapType.PERCPU_CGROUP_STORAGE]: { keySize: 8, maxEntries: 0 },
  [MapType.QUEUE]: { keySize: 0 },
  [MapType.STACK]: { keySize: 0 },
  [MapType.BLOOM_FILTER]: { keySize: 0 },
  [MapType.SK_STORAGE]: STORAGE,
  [MapType.INODE_STORAGE]: STORAGE,
  [MapType.TASK_STORAGE]: STORAGE,
  [MapType.CGRP_STORAGE]: STORAGE,
  [MapType.RINGBUF]: RING,
  [MapType.USER_RINGBUF]: RING,
  [MapType.ARENA]: { keySize: 0, valueSize: 0, flags: MMAPABLE },
};

function mapAttr(type: number, shape: MapShape): BpfAttr {
  const at = ATTR.MAP_CREATE;
  return new BpfAttr(BPF.MAP_CREATE, at.size)
    .u32(at.type, type)
    .u32(at.keySize, shape.keySize ?? 4)
    .u32(at.valueSize, shape.valueSize ?? 4)
    .u32(at.maxEntries, shape.maxEntries ?? 1)
    .u32(at.flags, shape.flags ?? 0);
}

/** Makes the smallest map of a type; returns its fd (the caller's), or −errno. */
export function makeMap(bpfCall: BpfCall, type: number): number {
  const at = ATTR.MAP_CREATE;
  const shape = SHAPES[type] ?? {};
  const attr = mapAttr(type, shape);
  let helper = -1;
  if (shape.btf) {
    helper = loadBtfBytes(bpfCall, btfOfInts());
    if (helper < 0) return helper;
    attr.u32(at.btfFd, helper).u32(at.keyTypeId, 1).u32(at.valueTypeId, 1);
  }
  if (shape.inner) {
    helper = call(bpfCall, BPF.MAP_CREATE, mapAttr(MapType.ARRAY, {}));
    if (helper < 0) return helper;
    attr.u32(at.innerFd, helper);
  }
  const result = call(bpfCall, BPF.MAP_CREATE, attr);
  closeResult(helper);
  return result;
}

/** Loads BTF; returns its fd (the caller's), or −errno. */
export function loadBtfBytes(bpfCall: BpfCall, bytes: Uint8Array<ArrayBuffer>): number {
  const at = ATTR.BTF_LOAD;
  const attr = new BpfAttr(BPF.BTF_LOAD, at.size)
    .pointer(at.btfPtr, bytes)
    .u32(at.btfSize, bytes.length);
  return call(bpfCall, BPF.BTF_LOAD, attr);
}
