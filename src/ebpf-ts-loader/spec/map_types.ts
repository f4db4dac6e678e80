/**
 * Map types by name; see `enum bpf_map_type` in linux/bpf.h.
 *
 * @example Usage
 * ```ts
 * import { MapType } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * assertEquals(MapType.RINGBUF, 27);
 * ```
 */
export const MapType = {
  HASH: 1,
  ARRAY: 2,
  PROG_ARRAY: 3,
  PERF_EVENT_ARRAY: 4,
  PERCPU_HASH: 5,
  PERCPU_ARRAY: 6,
  STACK_TRACE: 7,
  CGROUP_ARRAY: 8,
  LRU_HASH: 9,
  LRU_PERCPU_HASH: 10,
  LPM_TRIE: 11,
  ARRAY_OF_MAPS: 12,
  HASH_OF_MAPS: 13,
  DEVMAP: 14,
  SOCKMAP: 15,
  CPUMAP: 16,
  XSKMAP: 17,
  SOCKHASH: 18,
  CGROUP_STORAGE: 19,
  REUSEPORT_SOCKARRAY: 20,
  PERCPU_CGROUP_STORAGE: 21,
  QUEUE: 22,
  STACK: 23,
  SK_STORAGE: 24,
  DEVMAP_HASH: 25,
  STRUCT_OPS: 26,
  RINGBUF: 27,
  INODE_STORAGE: 28,
  TASK_STORAGE: 29,
  BLOOM_FILTER: 30,
  USER_RINGBUF: 31,
  CGRP_STORAGE: 32,
  ARENA: 33,
} as const;

/**
 * Flags of BPF_MAP_CREATE.
 *
 * @example Usage
 * ```ts
 * import { MapFlags, parseObject } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * const spec = parseObject(await Deno.readFile("tests/ebpf-ts-loader/fixtures/tc.bpf.o"));
 * assertEquals(spec.maps.get("trie")?.flags, MapFlags.NO_PREALLOC);
 * ```
 */
export const MapFlags = {
  NO_PREALLOC: 0x1,
  NUMA_NODE: 0x4,
  RDONLY: 0x8,
  WRONLY: 0x10,
  RDONLY_PROG: 0x80,
  WRONLY_PROG: 0x100,
  MMAPABLE: 0x400,
  INNER_MAP: 0x1000,
} as const;

/**
 * The name of a map type, or its number as text.
 *
 * @example Usage
 * ```ts
 * import { MapType, mapTypeName } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * assertEquals(mapTypeName(MapType.LPM_TRIE), "LPM_TRIE");
 * assertEquals(mapTypeName(99), "type 99");
 * ```
 */
export function mapTypeName(type: number): string {
  return Object.entries(MapType).find(([, value]) => value === type)?.[0] ?? `type ${type}`;
}

/**
 * True for types whose values are one per possible CPU.
 *
 * @example Usage
 * ```ts
 * import { isPerCpu, MapType } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * assertEquals([isPerCpu(MapType.PERCPU_HASH), isPerCpu(MapType.HASH)], [true, false]);
 * ```
 */
export function isPerCpu(type: number): boolean {
  return type === MapType.PERCPU_HASH || type === MapType.PERCPU_ARRAY ||
    type === MapType.LRU_PERCPU_HASH || type === MapType.PERCPU_CGROUP_STORAGE;
}

/**
 * True for types whose values are maps.
 *
 * @example Usage
 * ```ts
 * import { isMapOfMaps, MapType } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * assertEquals([isMapOfMaps(MapType.HASH_OF_MAPS), isMapOfMaps(MapType.HASH)], [true, false]);
 * ```
 */
export function isMapOfMaps(type: number): boolean {
  return type === MapType.ARRAY_OF_MAPS || type === MapType.HASH_OF_MAPS;
}
