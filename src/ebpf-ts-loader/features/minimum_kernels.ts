import { MapType } from "../spec/map_types.ts";
import { ProgramType } from "../spec/program_types.ts";

/** First kernel release by map type. */
const MAP_TYPES: Readonly<Record<keyof typeof MapType, string>> = {
  HASH: "3.19",
  ARRAY: "3.19",
  PROG_ARRAY: "4.2",
  PERF_EVENT_ARRAY: "4.3",
  PERCPU_HASH: "4.6",
  PERCPU_ARRAY: "4.6",
  STACK_TRACE: "4.6",
  CGROUP_ARRAY: "4.8",
  LRU_HASH: "4.10",
  LRU_PERCPU_HASH: "4.10",
  LPM_TRIE: "4.11",
  ARRAY_OF_MAPS: "4.12",
  HASH_OF_MAPS: "4.12",
  DEVMAP: "4.14",
  SOCKMAP: "4.14",
  CPUMAP: "4.15",
  XSKMAP: "4.18",
  SOCKHASH: "4.18",
  CGROUP_STORAGE: "4.19",
  REUSEPORT_SOCKARRAY: "4.19",
  PERCPU_CGROUP_STORAGE: "4.20",
  QUEUE: "4.20",
  STACK: "4.20",
  SK_STORAGE: "5.2",
  DEVMAP_HASH: "5.4",
  STRUCT_OPS: "5.6",
  RINGBUF: "5.8",
  INODE_STORAGE: "5.10",
  TASK_STORAGE: "5.11",
  BLOOM_FILTER: "5.16",
  USER_RINGBUF: "6.1",
  CGRP_STORAGE: "6.2",
  ARENA: "6.9",
};

/** First kernel release by program type, as far as this package names them. */
const PROGRAM_TYPES: Readonly<Record<string, string>> = {
  SOCKET_FILTER: "3.19",
  KPROBE: "4.1",
  SCHED_CLS: "4.1",
  SCHED_ACT: "4.1",
  TRACEPOINT: "4.7",
  XDP: "4.8",
  PERF_EVENT: "4.9",
  CGROUP_SKB: "4.10",
  CGROUP_SOCK: "4.10",
  LWT_IN: "4.10",
  LWT_OUT: "4.10",
  LWT_XMIT: "4.10",
  SOCK_OPS: "4.13",
  SK_SKB: "4.14",
  CGROUP_DEVICE: "4.15",
  SK_MSG: "4.17",
  RAW_TRACEPOINT: "4.17",
  CGROUP_SOCK_ADDR: "4.17",
  LWT_SEG6LOCAL: "4.18",
  LIRC_MODE2: "4.18",
  SK_REUSEPORT: "4.19",
  FLOW_DISSECTOR: "4.20",
  CGROUP_SYSCTL: "5.2",
  RAW_TRACEPOINT_WRITABLE: "5.2",
  CGROUP_SOCKOPT: "5.3",
  TRACING: "5.5",
  STRUCT_OPS: "5.6",
  EXT: "5.6",
  LSM: "5.7",
  SK_LOOKUP: "5.9",
  SYSCALL: "5.14",
  NETFILTER: "6.4",
};

/** Last helper of a release: numbers only grow. */
const HELPERS_UP_TO: readonly (readonly [id: number, release: string])[] = [
  [3, "3.19"],
  [11, "4.1"],
  [16, "4.2"],
  [22, "4.3"],
  [25, "4.4"],
  [26, "4.5"],
  [30, "4.6"],
  [36, "4.8"],
  [41, "4.9"],
  [44, "4.10"],
  [45, "4.11"],
  [47, "4.12"],
  [50, "4.13"],
  [53, "4.14"],
  [57, "4.15"],
  [59, "4.16"],
  [64, "4.17"],
  [80, "4.18"],
  [83, "4.19"],
  [90, "4.20"],
  [92, "5.0"],
  [98, "5.1"],
  [108, "5.2"],
  [110, "5.3"],
];

/** Ranges of newer helpers that came together. */
const NEWER_HELPERS: readonly (readonly [first: number, last: number, release: string])[] = [
  [111, 115, "5.5"],
  [124, 124, "5.7"], // sk_assign
  [130, 134, "5.8"], // ringbuf_*
  [136, 140, "5.9"], // skc_to_*
  [152, 152, "5.10"], // redirect_neigh
  [155, 155, "5.10"], // redirect_peer
  [156, 157, "5.11"], // task_storage_*
  [164, 165, "5.13"], // for_each_map_elem, snprintf
  [169, 172, "5.15"], // timer_*
  [181, 182, "5.17"], // loop, strncmp
  [194, 195, "5.19"], // kptr_xchg, map_lookup_percpu_elem
  [197, 203, "5.19"], // dynptr_*
  [208, 209, "6.1"], // ktime_get_tai_ns, user_ringbuf_drain
  [210, 211, "6.2"], // cgrp_storage_*
];

/** First release that has a map type, or undefined if this package does not know. */
export function mapTypeSince(type: number): string | undefined {
  const name = Object.entries(MapType).find(([, value]) => value === type)?.[0];
  return name === undefined ? undefined : MAP_TYPES[name as keyof typeof MapType];
}

/** The name of a program type, or its number as text. */
export function programTypeName(type: number): string {
  return Object.entries(ProgramType).find(([, value]) => value === type)?.[0] ?? `type ${type}`;
}

/** First release that has a program type, or undefined if this package does not know. */
export function programTypeSince(type: number): string | undefined {
  return PROGRAM_TYPES[programTypeName(type)];
}

/** First release that has a helper, for any program type; undefined if it is not known here. */
export function helperSince(id: number): string | undefined {
  const old = HELPERS_UP_TO.find(([last]) => id <= last);
  if (old) return old[1];
  return NEWER_HELPERS.find(([first, last]) => first <= id && id <= last)?.[2];
}
