import type { Btf } from "../btf/btf.ts";
import { RECORD_SIZE } from "../btf/extension.ts";
import { relocateCore } from "../core/relocate.ts";
import { NotSupportedError, VerifierError } from "../errors.ts";
import type { ProgramSpec } from "../spec/collection_spec.ts";
import { ProgramType } from "../spec/program_types.ts";
import { ATTR, BPF, BpfAttr, ERRNO, errnoName, objectName, SyscallError } from "../sys/mod.ts";
import { bindMaps, bindSymbols } from "./_bind_instructions.ts";
import { explainRefusal } from "./_explain_refusal.ts";
import { BpfProgram } from "./bpf_program.ts";
import { missingFeature } from "./_missing_feature.ts";
import { kernelTypes } from "./kernel_types.ts";
import type { KernelSymbol } from "./resolve_externs.ts";

/** Options of {@linkcode loadProgram}. */
export interface LoadProgramOptions {
  /** License text; GPL-compatible ones may call GPL-only helpers. @default "" */
  license?: string;
  /** fd of the loaded BTF that the specification's records refer to. @default none */
  btfFd?: number;
  /** The map for each name the program refers to. @default none */
  maps?: ReadonlyMap<string, { readonly fd: number }>;
  /** Where the kernel has each symbol the program refers to. @default none */
  symbols?: ReadonlyMap<string, KernelSymbol>;
  /**
   * The object's types: to name what a refused CO-RE relocation is about, and to relocate here
   * where the kernel cannot (before 5.17). @default none
   */
  btf?: Btf;
  /**
   * Types to relocate CO-RE accesses against, here instead of in the kernel; needs `btf`.
   * @default the kernel relocates against its own
   */
  coreBtf?: Btf;
  /** Verifier log level (1 branches, 2 every instruction, 4 statistics). @default 0 */
  logLevel?: number;
}

const INSTRUCTION_SIZE = 8;
const FIRST_LOG = 64 * 1024;
const MAX_LOG = 256 * 1024 * 1024;
const EAGAIN_RETRIES = 5;

/**
 * Loads a program. The caller owns it. Throws {@linkcode VerifierError} if the verifier refuses it,
 * `SyscallError` for other refusals (EPERM without CAP_BPF), `TypeError` for a map it refers to
 * or symbol it refers to that is not given, {@linkcode NotSupportedError} for an attach target that
 * the kernel does not have.
 *
 * @example Usage
 * ```ts
 * import { loadProgram, parseObject } from "ebpf-ts-loader";
 * async function length(path: string): Promise<number> {
 *   const program = parseObject(await Deno.readFile(path), path).programs.get("from_container");
 *   if (!program) throw new TypeError("no program");
 *   using loaded = loadProgram(program, { license: "GPL" });
 *   return loaded.info().translatedLength;
 * }
 * ```
 */
export function loadProgram(spec: ProgramSpec, options: LoadProgramOptions = {}): BpfProgram {
  const { btf, coreBtf } = options;
  if (btf && coreBtf) return loadRelocated(spec, options, { btf, coreBtf });
  return loadPrepared(spec, options, new PreparedProgram(spec, options));
}

/** {@linkcode loadProgram} with what was prepared from the same specification and options. */
export function loadPrepared(
  spec: ProgramSpec,
  options: LoadProgramOptions,
  prepared: PreparedProgram,
): BpfProgram {
  const { btf } = options;
  try {
    return load(spec, options, { prepared, poisoned: new Map() });
  } catch (error) {
    // Before 5.17 the kernel refuses the attribute that CO-RE records go into.
    const unknown = error instanceof SyscallError && error.errno === ERRNO.E2BIG;
    if (!unknown || !btf || spec.coreRelocations.length === 0) throw error;
    return loadRelocated(spec, options, { btf, coreBtf: kernelTypes() });
  }
}

function loadRelocated(
  spec: ProgramSpec,
  options: LoadProgramOptions,
  { btf, coreBtf }: { btf: Btf; coreBtf: Btf },
): BpfProgram {
  const { instructions, poisoned } = relocateCore(spec, btf, coreBtf);
  const relocated = { ...spec, instructions, coreRelocations: new Uint8Array(0) };
  const sentences = poisoned.map((each) => [each.instruction, each.relocation] as const);
  const prepared = new PreparedProgram(relocated, options);
  return load(relocated, options, { prepared, poisoned: new Map(sentences) });
}

function load(
  spec: ProgramSpec,
  options: LoadProgramOptions,
  { prepared, poisoned }: { prepared: PreparedProgram; poisoned: ReadonlyMap<number, string> },
): BpfProgram {
  const { logLevel = 0, btf, maps = NO_MAPS } = options;
  const attr = prepared.bind(maps);
  const request: Request = {
    attr,
    spec,
    explain: (log) => explainRefusal(log, spec, { btf, poisoned }),
  };
  const { fd, log } = logLevel === 0 ? loadQuietly(request) : loadWithLog(request, logLevel);
  return new BpfProgram(fd, { ...spec, verifierLog: log });
}

/** A program about to be loaded. */
interface Request {
  readonly attr: BpfAttr;
  readonly spec: ProgramSpec;
  /** The reason behind a verifier log, if something besides the log knows it. */
  readonly explain: (log: string) => string | undefined;
}

/** BTF id of what the program attaches to, or 0. */
function attachId({ name, type, attachTo, attachBtf }: ProgramSpec): number {
  if (type === ProgramType.EXT) {
    throw new NotSupportedError("load program", name, "freplace of another program's function");
  }
  if (!attachBtf || attachTo === undefined) return 0;
  const { prefix, kind } = attachBtf;
  const id = kernelTypes().find(kind, `${prefix}${attachTo}`)?.id;
  if (id !== undefined) return id;
  throw new NotSupportedError("load program", name, `attach target "${attachTo}"`);
}

const NO_MAPS: ReadonlyMap<string, never> = new Map<string, never>();

/**
 * What all loads of a program with other maps share: its attr and its instructions, in place. A
 * template's copies then differ by a few descriptors. The specification must not change.
 */
export class PreparedProgram {
  readonly #spec: ProgramSpec;
  readonly #instructions: DataView;
  readonly #attr: BpfAttr;

  constructor(spec: ProgramSpec, options: LoadProgramOptions) {
    const instructions = bindSymbols(spec, options.symbols ?? new Map());
    this.#spec = spec;
    this.#instructions = new DataView(instructions.buffer);
    this.#attr = loadAttr(spec, instructions, options);
  }

  /** The attr of a load with these maps; valid until the next call. */
  bind(maps: ReadonlyMap<string, { readonly fd: number }>): BpfAttr {
    bindMaps(this.#instructions, this.#spec, maps);
    const at = ATTR.PROG_LOAD;
    return this.#attr.u32(at.logLevel, 0).u32(at.logSize, 0).pointer(at.logPtr, null);
  }
}

function loadAttr(
  spec: ProgramSpec,
  instructions: Uint8Array<ArrayBuffer>,
  options: LoadProgramOptions,
): BpfAttr {
  const at = ATTR.PROG_LOAD;
  const attr = new BpfAttr(BPF.PROG_LOAD, at.size)
    .u32(at.type, spec.type)
    .u32(at.count, instructions.length / INSTRUCTION_SIZE)
    .pointer(at.instructionsPtr, instructions)
    .pointer(at.licensePtr, new TextEncoder().encode(`${options.license ?? ""}\0`))
    .u32(at.flags, spec.flags)
    .inline(at.name, objectName(spec.name))
    .u32(at.expectedAttachType, spec.expectedAttachType)
    .u32(at.attachBtfId, attachId(spec));
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

interface Loaded {
  readonly fd: number;
  readonly log: string;
}

/** The verifier is much faster without a log: ask for one only after a refusal. */
function loadQuietly(request: Request): Loaded {
  const { attr, spec } = request;
  const fd = callRetrying(attr);
  if (fd >= 0) return { fd, log: "" };
  if (fd === -ERRNO.EPERM || fd === -ERRNO.ENOMEM) throw refusal(attr, spec, fd);
  const { fd: second } = loadWithLog(request, 1);
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

function loadWithLog({ attr, spec, explain }: Request, level: number): Loaded {
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
    const reason = explain(text);
    const missing = reason === undefined ? missingFeature(spec, cause, text) : undefined;
    if (missing) throw missing;
    if (text === "") throw cause;
    const explained = reason === undefined ? {} : { reason };
    throw new VerifierError(spec.name, errnoName(-fd), text, { cause, ...explained });
  }
}

function refusal(attr: BpfAttr, spec: ProgramSpec, result: number): SyscallError {
  return attr.creationError(result, { action: "load program", subject: spec.name });
}

function logText(log: Uint8Array): string {
  const end = log.indexOf(0);
  return new TextDecoder().decode(log.subarray(0, end < 0 ? log.length : end));
}
