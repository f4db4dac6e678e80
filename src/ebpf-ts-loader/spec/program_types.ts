/** Program types by name; see `enum bpf_prog_type` in linux/bpf.h. */
export const ProgramType = {
  SOCKET_FILTER: 1,
  KPROBE: 2,
  SCHED_CLS: 3,
  SCHED_ACT: 4,
  TRACEPOINT: 5,
  XDP: 6,
  PERF_EVENT: 7,
  CGROUP_SKB: 8,
  CGROUP_SOCK: 9,
  SOCK_OPS: 13,
  SK_SKB: 14,
  CGROUP_DEVICE: 15,
  SK_MSG: 16,
  RAW_TRACEPOINT: 17,
  CGROUP_SOCK_ADDR: 18,
  FLOW_DISSECTOR: 22,
  CGROUP_SYSCTL: 23,
  CGROUP_SOCKOPT: 25,
  SK_LOOKUP: 30,
  SYSCALL: 31,
} as const;

/** Attach types by name; see `enum bpf_attach_type` in linux/bpf.h. */
export const AttachType = {
  CGROUP_INET_INGRESS: 0,
  CGROUP_INET_EGRESS: 1,
  CGROUP_INET_SOCK_CREATE: 2,
  CGROUP_SOCK_OPS: 3,
  SK_SKB_STREAM_PARSER: 4,
  SK_SKB_STREAM_VERDICT: 5,
  SK_MSG_VERDICT: 7,
  CGROUP_INET4_CONNECT: 10,
  CGROUP_INET6_CONNECT: 11,
  SK_LOOKUP: 36,
  XDP: 37,
  TCX_INGRESS: 46,
  TCX_EGRESS: 47,
} as const;

/** What an ELF section name says about its programs. */
export interface SectionKind {
  /** `enum bpf_prog_type`. */
  readonly type: number;
  /** `enum bpf_attach_type`, or 0. */
  readonly expectedAttachType: number;
  /** Flags of BPF_PROG_LOAD. @default 0 */
  readonly flags?: number;
}

const SLEEPABLE = 0x10;

const { SCHED_CLS, XDP, CGROUP_SKB, SK_LOOKUP } = ProgramType;

// Longest name first where one is a prefix of the other. A trailing "/" matches "name/anything".
// "tc" leaves the attach type 0: programs in one prog array must agree in it.
const SECTIONS: readonly (readonly [string, SectionKind])[] = [
  ["tcx/ingress", { type: SCHED_CLS, expectedAttachType: AttachType.TCX_INGRESS }],
  ["tcx/egress", { type: SCHED_CLS, expectedAttachType: AttachType.TCX_EGRESS }],
  ["tc/", { type: SCHED_CLS, expectedAttachType: 0 }],
  ["tc", { type: SCHED_CLS, expectedAttachType: 0 }],
  ["classifier/", { type: SCHED_CLS, expectedAttachType: 0 }],
  ["classifier", { type: SCHED_CLS, expectedAttachType: 0 }],
  ["action", { type: ProgramType.SCHED_ACT, expectedAttachType: 0 }],
  ["xdp/", { type: XDP, expectedAttachType: AttachType.XDP }],
  ["xdp", { type: XDP, expectedAttachType: AttachType.XDP }],
  ["socket/", { type: ProgramType.SOCKET_FILTER, expectedAttachType: 0 }],
  ["socket", { type: ProgramType.SOCKET_FILTER, expectedAttachType: 0 }],
  ["cgroup_skb/ingress", { type: CGROUP_SKB, expectedAttachType: 0 }],
  ["cgroup_skb/egress", { type: CGROUP_SKB, expectedAttachType: AttachType.CGROUP_INET_EGRESS }],
  ["cgroup/skb", { type: CGROUP_SKB, expectedAttachType: 0 }],
  ["sk_lookup/", { type: SK_LOOKUP, expectedAttachType: AttachType.SK_LOOKUP }],
  ["sk_lookup", { type: SK_LOOKUP, expectedAttachType: AttachType.SK_LOOKUP }],
  ["sockops", {
    type: ProgramType.SOCK_OPS,
    expectedAttachType: AttachType.CGROUP_SOCK_OPS,
  }],
  ["sk_msg", { type: ProgramType.SK_MSG, expectedAttachType: AttachType.SK_MSG_VERDICT }],
  ["sk_skb/stream_parser", {
    type: ProgramType.SK_SKB,
    expectedAttachType: AttachType.SK_SKB_STREAM_PARSER,
  }],
  ["sk_skb/stream_verdict", {
    type: ProgramType.SK_SKB,
    expectedAttachType: AttachType.SK_SKB_STREAM_VERDICT,
  }],
  ["cgroup/connect4", {
    type: ProgramType.CGROUP_SOCK_ADDR,
    expectedAttachType: AttachType.CGROUP_INET4_CONNECT,
  }],
  ["cgroup/connect6", {
    type: ProgramType.CGROUP_SOCK_ADDR,
    expectedAttachType: AttachType.CGROUP_INET6_CONNECT,
  }],
  ["syscall", { type: ProgramType.SYSCALL, expectedAttachType: 0, flags: SLEEPABLE }],
];

/**
 * Program type and attach type by section name, or undefined for a name nobody knows.
 *
 * @example Usage
 * ```ts
 * import { ProgramType, sectionKind } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * assertEquals(sectionKind("tc")?.type, ProgramType.SCHED_CLS);
 * assertEquals(sectionKind("nothing"), undefined);
 * ```
 */
export function sectionKind(section: string): SectionKind | undefined {
  const match = SECTIONS.find(([name]) =>
    name.endsWith("/") ? section.startsWith(name) : section === name
  );
  return match?.[1];
}
