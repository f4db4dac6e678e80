import { AttachType, ProgramType } from "../spec/program_types.ts";
import { ATTR, BPF, BpfAttr } from "../sys/mod.ts";
import { type BpfCall, call, closeResult } from "./_probe.ts";

/** A program that is only loaded to see what the kernel says. */
export interface ProbeProgram {
  readonly type: number;
  readonly instructions: Uint8Array<ArrayBuffer>;
  /** What more to set in the attr. */
  readonly prepare?: (attr: BpfAttr) => void;
}

// Types that need to know where they will be attached.
const ATTACH_TYPES: Readonly<Record<number, number>> = {
  [ProgramType.CGROUP_SOCK_ADDR]: AttachType.CGROUP_INET4_CONNECT,
  [ProgramType.SK_LOOKUP]: AttachType.SK_LOOKUP,
  [25]: 21, // CGROUP_SOCKOPT: CGROUP_GETSOCKOPT
  [32]: 45, // NETFILTER
};

const SYSCALL_FLAGS = 0x10; // BPF_F_SLEEPABLE
const LOG_SIZE = 4096;

/** Types that name a function or struct of the kernel: a program for nothing cannot be loaded. */
const NEED_TARGET: readonly number[] = [
  26, // TRACING
  27, // STRUCT_OPS
  28, // EXT
  29, // LSM
];

/** Whether programs of a type can be loaded without saying what of the kernel they are for. */
export function needsTarget(type: number): boolean {
  return NEED_TARGET.includes(type);
}

function programAttr(program: ProbeProgram): BpfAttr {
  const at = ATTR.PROG_LOAD;
  const attr = new BpfAttr(BPF.PROG_LOAD, at.size)
    .u32(at.type, program.type)
    .u32(at.count, program.instructions.length / 8)
    .pointer(at.instructionsPtr, program.instructions)
    .pointer(at.licensePtr, new TextEncoder().encode("GPL\0"))
    .u32(at.expectedAttachType, ATTACH_TYPES[program.type] ?? 0)
    .u32(at.flags, program.type === ProgramType.SYSCALL ? SYSCALL_FLAGS : 0);
  program.prepare?.(attr);
  return attr;
}

/** Loads a program with GPL license; returns its fd (the caller's), or −errno. */
export function tryProgram(bpfCall: BpfCall, program: ProbeProgram): number {
  return call(bpfCall, BPF.PROG_LOAD, programAttr(program));
}

/** What the verifier says to a short program that is refused. */
export function refusalLog(bpfCall: BpfCall, program: ProbeProgram): string {
  const at = ATTR.PROG_LOAD;
  const log = new Uint8Array(LOG_SIZE);
  const attr = programAttr(program)
    .u32(at.logLevel, 1)
    .u32(at.logSize, LOG_SIZE)
    .pointer(at.logPtr, log);
  closeResult(call(bpfCall, BPF.PROG_LOAD, attr));
  const end = log.indexOf(0);
  return new TextDecoder().decode(log.subarray(0, end < 0 ? LOG_SIZE : end));
}
