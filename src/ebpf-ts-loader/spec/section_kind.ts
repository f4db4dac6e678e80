import { AttachType, ProgramType } from "./program_types.ts";

/** What an ELF section name says about its programs. */
export interface SectionKind {
  /** `enum bpf_prog_type`. */
  readonly type: number;
  /** `enum bpf_attach_type`, or 0. */
  readonly expectedAttachType: number;
  /** Flags of BPF_PROG_LOAD: {@linkcode ProgramFlags}. */
  readonly flags: number;
  /**
   * What follows the first "/" of a section that names a target: `tcp_connect` of
   * `fentry/tcp_connect`, `syscalls/sys_enter_openat` of a tracepoint; undefined elsewhere.
   */
  readonly attachTo: string | undefined;
  /** Prefix of the kernel type that `attachTo` names, or undefined if it is not found by BTF. */
  readonly attachBtf: AttachBtf | undefined;
}

/** How `attachTo` is found in the kernel's BTF. */
export interface AttachBtf {
  /** Prefix of the type's name there: `bpf_lsm_`. */
  readonly prefix: string;
  /** What kind of type it is there. */
  readonly kind: "function" | "typedef";
}

/**
 * Flags of BPF_PROG_LOAD that a section name sets.
 *
 * @example Usage
 * ```ts
 * import { ProgramFlags, sectionKind } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * assertEquals(sectionKind("xdp.frags")?.flags, ProgramFlags.XDP_HAS_FRAGS);
 * ```
 */
export const ProgramFlags = {
  /** May sleep: may call helpers that fault in user memory. */
  SLEEPABLE: 0x10,
  /** An XDP program that takes packets of several buffers. Requires Linux 5.18. */
  XDP_HAS_FRAGS: 0x20,
} as const;

interface Definition {
  readonly type: number;
  readonly attach?: number;
  readonly flags?: number;
  /** True if "name/target" names what the program attaches to. */
  readonly target?: true;
  readonly attachBtf?: AttachBtf;
}

const { SLEEPABLE, XDP_HAS_FRAGS } = ProgramFlags;
const P = ProgramType;
const A = AttachType;
const FUNCTION: AttachBtf = { prefix: "", kind: "function" };
const LSM_HOOK: AttachBtf = { prefix: "bpf_lsm_", kind: "function" };
const ITERATOR: AttachBtf = { prefix: "bpf_iter_", kind: "function" };
const TRACEPOINT: AttachBtf = { prefix: "btf_trace_", kind: "typedef" };

/** A section that names its target: kprobe/… */
function targeted(type: number, attach = 0, flags = 0): Definition {
  return { type, attach, flags, target: true };
}

/** A section whose target is found in the kernel's BTF: fentry/… */
function traced(attach: number, attachBtf: AttachBtf, flags = 0): Definition {
  return { type: P.TRACING, attach, flags, target: true, attachBtf };
}

function cgroupAddress(attach: number): Definition {
  return { type: P.CGROUP_SOCK_ADDR, attach };
}

// The names that libbpf 1.6 knows, with its meaning of each. "tc" leaves the attach type 0:
// programs in one prog array must agree in it.
const SECTIONS: ReadonlyMap<string, Definition> = new Map<string, Definition>([
  ["socket", { type: P.SOCKET_FILTER }],
  ["sk_reuseport/migrate", { type: P.SK_REUSEPORT, attach: A.SK_REUSEPORT_SELECT_OR_MIGRATE }],
  ["sk_reuseport", { type: P.SK_REUSEPORT, attach: A.SK_REUSEPORT_SELECT }],
  ["kprobe", targeted(P.KPROBE)],
  ["kretprobe", targeted(P.KPROBE)],
  ["uprobe", targeted(P.KPROBE)],
  ["uprobe.s", targeted(P.KPROBE, 0, SLEEPABLE)],
  ["uretprobe", targeted(P.KPROBE)],
  ["uretprobe.s", targeted(P.KPROBE, 0, SLEEPABLE)],
  ["kprobe.multi", targeted(P.KPROBE, A.TRACE_KPROBE_MULTI)],
  ["kretprobe.multi", targeted(P.KPROBE, A.TRACE_KPROBE_MULTI)],
  ["kprobe.session", targeted(P.KPROBE, A.TRACE_KPROBE_SESSION)],
  ["uprobe.multi", targeted(P.KPROBE, A.TRACE_UPROBE_MULTI)],
  ["uretprobe.multi", targeted(P.KPROBE, A.TRACE_UPROBE_MULTI)],
  ["uprobe.session", targeted(P.KPROBE, A.TRACE_UPROBE_SESSION)],
  ["uprobe.multi.s", targeted(P.KPROBE, A.TRACE_UPROBE_MULTI, SLEEPABLE)],
  ["uretprobe.multi.s", targeted(P.KPROBE, A.TRACE_UPROBE_MULTI, SLEEPABLE)],
  ["uprobe.session.s", targeted(P.KPROBE, A.TRACE_UPROBE_SESSION, SLEEPABLE)],
  ["ksyscall", targeted(P.KPROBE)],
  ["kretsyscall", targeted(P.KPROBE)],
  ["usdt", targeted(P.KPROBE)],
  ["usdt.s", targeted(P.KPROBE, 0, SLEEPABLE)],
  ["tcx/ingress", { type: P.SCHED_CLS, attach: A.TCX_INGRESS }],
  ["tcx/egress", { type: P.SCHED_CLS, attach: A.TCX_EGRESS }],
  ["tc/ingress", { type: P.SCHED_CLS, attach: A.TCX_INGRESS }],
  ["tc/egress", { type: P.SCHED_CLS, attach: A.TCX_EGRESS }],
  ["tc", { type: P.SCHED_CLS }],
  ["classifier", { type: P.SCHED_CLS }],
  ["action", { type: P.SCHED_ACT }],
  ["netkit/primary", { type: P.SCHED_CLS, attach: A.NETKIT_PRIMARY }],
  ["netkit/peer", { type: P.SCHED_CLS, attach: A.NETKIT_PEER }],
  ["tracepoint", targeted(P.TRACEPOINT)],
  ["tp", targeted(P.TRACEPOINT)],
  ["raw_tracepoint", targeted(P.RAW_TRACEPOINT)],
  ["raw_tp", targeted(P.RAW_TRACEPOINT)],
  ["raw_tracepoint.w", targeted(P.RAW_TRACEPOINT_WRITABLE)],
  ["raw_tp.w", targeted(P.RAW_TRACEPOINT_WRITABLE)],
  ["tp_btf", traced(A.TRACE_RAW_TP, TRACEPOINT)],
  ["fentry", traced(A.TRACE_FENTRY, FUNCTION)],
  ["fentry.s", traced(A.TRACE_FENTRY, FUNCTION, SLEEPABLE)],
  ["fexit", traced(A.TRACE_FEXIT, FUNCTION)],
  ["fexit.s", traced(A.TRACE_FEXIT, FUNCTION, SLEEPABLE)],
  ["fmod_ret", traced(A.MODIFY_RETURN, FUNCTION)],
  ["fmod_ret.s", traced(A.MODIFY_RETURN, FUNCTION, SLEEPABLE)],
  ["iter", traced(A.TRACE_ITER, ITERATOR)],
  ["iter.s", traced(A.TRACE_ITER, ITERATOR, SLEEPABLE)],
  // The target is a function of another program, not of the kernel.
  ["freplace", targeted(P.EXT)],
  ["lsm", { ...targeted(P.LSM, A.LSM_MAC), attachBtf: LSM_HOOK }],
  ["lsm.s", { ...targeted(P.LSM, A.LSM_MAC, SLEEPABLE), attachBtf: LSM_HOOK }],
  ["lsm_cgroup", { ...targeted(P.LSM, A.LSM_CGROUP), attachBtf: LSM_HOOK }],
  ["syscall", { type: P.SYSCALL, flags: SLEEPABLE }],
  ["xdp.frags/devmap", { type: P.XDP, attach: A.XDP_DEVMAP, flags: XDP_HAS_FRAGS }],
  ["xdp/devmap", { type: P.XDP, attach: A.XDP_DEVMAP }],
  ["xdp.frags/cpumap", { type: P.XDP, attach: A.XDP_CPUMAP, flags: XDP_HAS_FRAGS }],
  ["xdp/cpumap", { type: P.XDP, attach: A.XDP_CPUMAP }],
  ["xdp.frags", { type: P.XDP, attach: A.XDP, flags: XDP_HAS_FRAGS }],
  ["xdp", { type: P.XDP, attach: A.XDP }],
  ["perf_event", { type: P.PERF_EVENT }],
  ["lwt_in", { type: P.LWT_IN }],
  ["lwt_out", { type: P.LWT_OUT }],
  ["lwt_xmit", { type: P.LWT_XMIT }],
  ["lwt_seg6local", { type: P.LWT_SEG6LOCAL }],
  ["sockops", { type: P.SOCK_OPS, attach: A.CGROUP_SOCK_OPS }],
  ["sk_skb/stream_parser", { type: P.SK_SKB, attach: A.SK_SKB_STREAM_PARSER }],
  ["sk_skb/stream_verdict", { type: P.SK_SKB, attach: A.SK_SKB_STREAM_VERDICT }],
  ["sk_skb/verdict", { type: P.SK_SKB, attach: A.SK_SKB_VERDICT }],
  ["sk_skb", { type: P.SK_SKB }],
  ["sk_msg", { type: P.SK_MSG, attach: A.SK_MSG_VERDICT }],
  ["lirc_mode2", { type: P.LIRC_MODE2, attach: A.LIRC_MODE2 }],
  ["flow_dissector", { type: P.FLOW_DISSECTOR, attach: A.FLOW_DISSECTOR }],
  ["cgroup_skb/ingress", { type: P.CGROUP_SKB, attach: A.CGROUP_INET_INGRESS }],
  ["cgroup_skb/egress", { type: P.CGROUP_SKB, attach: A.CGROUP_INET_EGRESS }],
  ["cgroup/skb", { type: P.CGROUP_SKB }],
  ["cgroup/sock_create", { type: P.CGROUP_SOCK, attach: A.CGROUP_INET_SOCK_CREATE }],
  ["cgroup/sock_release", { type: P.CGROUP_SOCK, attach: A.CGROUP_INET_SOCK_RELEASE }],
  ["cgroup/sock", { type: P.CGROUP_SOCK, attach: A.CGROUP_INET_SOCK_CREATE }],
  ["cgroup/post_bind4", { type: P.CGROUP_SOCK, attach: A.CGROUP_INET4_POST_BIND }],
  ["cgroup/post_bind6", { type: P.CGROUP_SOCK, attach: A.CGROUP_INET6_POST_BIND }],
  ["cgroup/bind4", cgroupAddress(A.CGROUP_INET4_BIND)],
  ["cgroup/bind6", cgroupAddress(A.CGROUP_INET6_BIND)],
  ["cgroup/connect4", cgroupAddress(A.CGROUP_INET4_CONNECT)],
  ["cgroup/connect6", cgroupAddress(A.CGROUP_INET6_CONNECT)],
  ["cgroup/connect_unix", cgroupAddress(A.CGROUP_UNIX_CONNECT)],
  ["cgroup/sendmsg4", cgroupAddress(A.CGROUP_UDP4_SENDMSG)],
  ["cgroup/sendmsg6", cgroupAddress(A.CGROUP_UDP6_SENDMSG)],
  ["cgroup/sendmsg_unix", cgroupAddress(A.CGROUP_UNIX_SENDMSG)],
  ["cgroup/recvmsg4", cgroupAddress(A.CGROUP_UDP4_RECVMSG)],
  ["cgroup/recvmsg6", cgroupAddress(A.CGROUP_UDP6_RECVMSG)],
  ["cgroup/recvmsg_unix", cgroupAddress(A.CGROUP_UNIX_RECVMSG)],
  ["cgroup/getpeername4", cgroupAddress(A.CGROUP_INET4_GETPEERNAME)],
  ["cgroup/getpeername6", cgroupAddress(A.CGROUP_INET6_GETPEERNAME)],
  ["cgroup/getpeername_unix", cgroupAddress(A.CGROUP_UNIX_GETPEERNAME)],
  ["cgroup/getsockname4", cgroupAddress(A.CGROUP_INET4_GETSOCKNAME)],
  ["cgroup/getsockname6", cgroupAddress(A.CGROUP_INET6_GETSOCKNAME)],
  ["cgroup/getsockname_unix", cgroupAddress(A.CGROUP_UNIX_GETSOCKNAME)],
  ["cgroup/sysctl", { type: P.CGROUP_SYSCTL, attach: A.CGROUP_SYSCTL }],
  ["cgroup/getsockopt", { type: P.CGROUP_SOCKOPT, attach: A.CGROUP_GETSOCKOPT }],
  ["cgroup/setsockopt", { type: P.CGROUP_SOCKOPT, attach: A.CGROUP_SETSOCKOPT }],
  ["cgroup/dev", { type: P.CGROUP_DEVICE, attach: A.CGROUP_DEVICE }],
  ["struct_ops", targeted(P.STRUCT_OPS)],
  ["struct_ops.s", targeted(P.STRUCT_OPS, 0, SLEEPABLE)],
  ["sk_lookup", { type: P.SK_LOOKUP, attach: A.SK_LOOKUP }],
  ["netfilter", { type: P.NETFILTER, attach: A.NETFILTER }],
]);

// Old objects put several programs of a kind into sections "tc/name": libbpf before 1.0 took that.
const FREE_SUFFIX: ReadonlySet<string> = new Set([
  "tc",
  "classifier",
  "action",
  "xdp",
  "xdp.frags",
  "socket",
  "sk_lookup",
]);

/**
 * Program type, attach type, flags and target by section name, or undefined for a name nobody
 * knows. A leading "?" (not loaded by default) is not part of the name.
 *
 * @example Usage
 * ```ts
 * import { AttachType, ProgramType, sectionKind } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * assertEquals(sectionKind("tc")?.type, ProgramType.SCHED_CLS);
 * assertEquals(sectionKind("fentry/tcp_connect")?.expectedAttachType, AttachType.TRACE_FENTRY);
 * assertEquals(sectionKind("fentry/tcp_connect")?.attachTo, "tcp_connect");
 * assertEquals(sectionKind("nothing"), undefined);
 * ```
 */
export function sectionKind(section: string): SectionKind | undefined {
  const exact = SECTIONS.get(section);
  if (exact) return kindOf(exact, undefined);
  const slash = section.indexOf("/");
  if (slash < 0) return undefined;
  const name = section.slice(0, slash);
  const definition = SECTIONS.get(name);
  if (definition?.target) return kindOf(definition, section.slice(slash + 1));
  return definition && FREE_SUFFIX.has(name) ? kindOf(definition, undefined) : undefined;
}

function kindOf(definition: Definition, attachTo: string | undefined): SectionKind {
  const { type, attach = 0, flags = 0, attachBtf } = definition;
  return { type, expectedAttachType: attach, flags, attachTo, attachBtf };
}
