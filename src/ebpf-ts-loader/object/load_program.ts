import { VerifierError } from "../errors.ts";
import { RECORD_SIZE } from "../btf/extension.ts";
import type { ProgramSpec } from "../spec/collection_spec.ts";
import { ATTR, BPF, BpfAttr, ERRNO, errnoName, objectName } from "../sys/mod.ts";
import { BpfProgram } from "./bpf_program.ts";

/** Options of {@linkcode loadProgram}. */
export interface LoadProgramOptions {
  /** License text; GPL-compatible ones may call GPL-only helpers. @default "" */
  license?: string;
  /** fd of the loaded BTF that the specification's records refer to. @default none */
  btfFd?: number;
  /** The map for each name the program refers to. @default none */
  maps?: ReadonlyMap<string, { readonly fd: number }>;
  /** Verifier log level (1 branches, 2 every instruction, 4 statistics). @default 0 */
  logLevel?: number;
}

const INSTRUCTION_SIZE = 8;
const PSEUDO_MAP_FD = 1;
const PSEUDO_MAP_VALUE = 2;
const FIRST_LOG = 64 * 1024;
const MAX_LOG = 256 * 1024 * 1024;
const EAGAIN_RETRIES = 5;

/**
 * Loads a program. The caller owns it. Throws {@linkcode VerifierError} if the verifier refuses it,
 * `SyscallError` for other refusals (EPERM without CAP_BPF), `TypeError` for a map it refers to
 * that is not given.
 */
export function loadProgram(spec: ProgramSpec, options: LoadProgramOptions = {}): BpfProgram {
  const attr = loadAttr(spec, options);
  const { logLevel = 0 } = options;
  const { fd, log } = logLevel === 0 ? loadQuietly(attr, spec) : loadWithLog(attr, spec, logLevel);
  return new BpfProgram(fd, { ...spec, verifierLog: log });
}

function loadAttr(spec: ProgramSpec, options: LoadProgramOptions): BpfAttr {
  const at = ATTR.PROG_LOAD;
  const instructions = withFds(spec, options.maps ?? new Map());
  const attr = new BpfAttr(BPF.PROG_LOAD, at.size)
    .u32(at.type, spec.type)
    .u32(at.count, instructions.length / INSTRUCTION_SIZE)
    .pointer(at.instructionsPtr, instructions)
    .pointer(at.licensePtr, new TextEncoder().encode(`${options.license ?? ""}\0`))
    .u32(at.flags, spec.flags)
    .inline(at.name, objectName(spec.name))
    .u32(at.expectedAttachType, spec.expectedAttachType);
  if (options.btfFd === undefined) return attr;
  attr.u32(at.btfFd, options.btfFd);
  const records = (
    bytes: Uint8Array<ArrayBuffer>,
    size: number,
    fields: { pointer: number; count: number; recordSize: number },
  ) => {
    if (bytes.length === 0) return;
    attr.u32(fields.recordSize, size)
      .u32(fields.count, bytes.length / size)
      .pointer(fields.pointer, bytes);
  };
  records(spec.functionInfo, RECORD_SIZE.functions, {
    pointer: at.functionInfoPtr,
    count: at.functionCount,
    recordSize: at.functionRecordSize,
  });
  records(spec.lineInfo, RECORD_SIZE.lines, {
    pointer: at.lineInfoPtr,
    count: at.lineCount,
    recordSize: at.lineRecordSize,
  });
  records(spec.coreRelocations, RECORD_SIZE.coreRelocations, {
    pointer: at.corePtr,
    count: at.coreCount,
    recordSize: at.coreRecordSize,
  });
  return attr;
}

/** A copy of the instructions in which references are file descriptors. */
function withFds(
  spec: ProgramSpec,
  maps: ReadonlyMap<string, { readonly fd: number }>,
): Uint8Array<ArrayBuffer> {
  const instructions = spec.instructions.slice();
  const view = new DataView(instructions.buffer);
  for (const { instruction, map: name, valueOffset } of spec.references) {
    const map = maps.get(name);
    if (!map) {
      throw new TypeError(`Cannot load program "${spec.name}": no map "${name}", expected one`);
    }
    const at = instruction * INSTRUCTION_SIZE;
    const source = valueOffset === undefined ? PSEUDO_MAP_FD : PSEUDO_MAP_VALUE;
    view.setUint8(at + 1, (view.getUint8(at + 1) & 0xf) | (source << 4));
    view.setInt32(at + 4, map.fd, true);
    view.setInt32(at + INSTRUCTION_SIZE + 4, valueOffset ?? 0, true);
  }
  return instructions;
}

interface Loaded {
  readonly fd: number;
  readonly log: string;
}

/** The verifier is much faster without a log: ask for one only after a refusal. */
function loadQuietly(attr: BpfAttr, spec: ProgramSpec): Loaded {
  const fd = callRetrying(attr);
  if (fd >= 0) return { fd, log: "" };
  if (fd === -ERRNO.EPERM || fd === -ERRNO.ENOMEM) throw refusal(attr, spec, fd);
  const { fd: second } = loadWithLog(attr, spec, 1);
  return { fd: second, log: "" };
}

/** EAGAIN means that a signal interrupted the verifier. */
function callRetrying(attr: BpfAttr): number {
  let result = attr.call();
  for (let tries = 0; result === -ERRNO.EAGAIN && tries < EAGAIN_RETRIES; tries++) {
    result = attr.call();
  }
  return result;
}

function loadWithLog(attr: BpfAttr, spec: ProgramSpec, level: number): Loaded {
  const at = ATTR.PROG_LOAD;
  for (let size = FIRST_LOG;;) {
    const log = new Uint8Array(size);
    attr.u32(at.logLevel, level).u32(at.logSize, size).pointer(at.logPtr, log);
    const fd = callRetrying(attr);
    const text = logText(log);
    if (fd >= 0) return { fd, log: text };
    // Kernels before 6.4 do not say how much they need.
    const needed = Math.max(attr.getU32(at.logTrueSize), size * 4);
    if (fd === -ERRNO.ENOSPC && size < MAX_LOG) {
      size = Math.min(needed, MAX_LOG);
      continue;
    }
    const cause = refusal(attr, spec, fd);
    if (text === "") throw cause;
    throw new VerifierError(spec.name, errnoName(-fd), text, { cause });
  }
}

function refusal(attr: BpfAttr, spec: ProgramSpec, result: number): Error {
  return attr.creationError(result, { action: "load program", subject: spec.name });
}

function logText(log: Uint8Array): string {
  const end = log.indexOf(0);
  return new TextDecoder().decode(log.subarray(0, end < 0 ? log.length : end));
}
