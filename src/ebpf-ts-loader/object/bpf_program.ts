import { close, Fd } from "../sys/mod.ts";
import { type ProgramInfo, programInfo } from "./info.ts";
import { openPinnedObject, pinObject } from "./pin.ts";
import {
  type BenchmarkOptions,
  benchmarkProgram,
  type BenchmarkResult,
} from "./benchmark_program.ts";
import { TestRunner, type TestRunOptions, type TestRunResult } from "./test_run.ts";

/** The properties of a loaded program. */
export interface ProgramShape {
  /** As declared; the kernel's is cut to 15 characters. */
  readonly name: string;
  /** `enum bpf_prog_type`. */
  readonly type: number;
  /** `enum bpf_attach_type`, or 0. */
  readonly expectedAttachType: number;
  /** What the verifier printed, if a log was asked for. */
  readonly verifierLog: string;
}

/**
 * A loaded program; owns its fd.
 *
 * @example Usage
 * ```ts
 * import { type BpfProgram } from "ebpf-ts-loader";
 * function verdict(program: BpfProgram, packet: Uint8Array): number {
 *   return program.testRun({ data: packet }).returnValue;
 * }
 * ```
 */
export class BpfProgram implements Disposable {
  /** As declared; the kernel's is cut to 15 characters. */
  readonly name: string;
  /** `enum bpf_prog_type`. */
  readonly type: number;
  /** `enum bpf_attach_type`, or 0. */
  readonly expectedAttachType: number;
  /** What the verifier printed, if `logLevel` was given; else empty. */
  readonly verifierLog: string;
  readonly #fd: Fd;
  #runner: TestRunner | undefined;

  /** Takes ownership of `fd`. */
  constructor(fd: number, shape: ProgramShape) {
    this.#fd = new Fd(fd);
    this.name = shape.name;
    this.type = shape.type;
    this.expectedAttachType = shape.expectedAttachType;
    this.verifierLog = shape.verifierLog;
  }

  /** The descriptor; stays owned by the program. Throws `TypeError` after disposal. */
  get fd(): number {
    return this.#fd.fd;
  }

  /**
   * Runs the program in the kernel on a packet or context of the caller's (BPF_PROG_TEST_RUN).
   * Blocks for all repeats; EINTR if a signal arrives meanwhile.
   */
  testRun(options: TestRunOptions = {}): TestRunResult {
    this.#runner ??= new TestRunner(this.fd, this);
    if (!this.#fd.open) this.#fd.fd; // throws
    return this.#runner.run(options);
  }

  /**
   * Runs the program many times on the same packet buffer and returns the mean time of a run.
   * Blocks for all of them. For program types that take packets; what runs do to the packet, later
   * ones see.
   */
  benchmark(options: BenchmarkOptions = {}): BenchmarkResult {
    return benchmarkProgram((run) => this.testRun(run), options);
  }

  /** Pins the program at a path in a BPF file system. */
  pin(path: string): void {
    pinObject(this.fd, path);
  }

  /** What the kernel says about the program. */
  info(): ProgramInfo {
    return programInfo(this.fd);
  }

  /** Closes the fd; the program lives on while a link, pin or prog array refers to it. */
  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}

/**
 * Opens a pinned program; the caller owns it. The kernel does not tell the attach type it was
 * loaded with: it is given as 0. Throws `TypeError` if something else is pinned there.
 *
 * @example Usage
 * ```ts
 * import { attachTcx, openPinnedProgram } from "ebpf-ts-loader";
 * function attachPinned(path: string, ifindex: number) {
 *   using program = openPinnedProgram(path);
 *   return attachTcx(program, { ifindex, direction: "ingress" });
 * }
 * ```
 */
export function openPinnedProgram(path: string): BpfProgram {
  const fd = openPinnedObject(path, "program");
  try {
    return programOf(fd);
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** A program known by its descriptor only, which it takes. */
export function programOf(fd: number): BpfProgram {
  return new BpfProgram(fd, { ...programInfo(fd), expectedAttachType: 0, verifierLog: "" });
}
