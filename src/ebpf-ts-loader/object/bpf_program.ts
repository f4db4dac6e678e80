import { Fd } from "../sys/mod.ts";
import { type ProgramInfo, programInfo } from "./info.ts";
import { pinObject } from "./pin.ts";
import { TestRunner, type TestRunOptions, type TestRunResult } from "./test_run.ts";

/** The properties of a loaded program. */
export interface ProgramShape {
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
