import { ProgramType } from "../spec/program_types.ts";
import { ATTR, BPF, BpfAttr } from "../sys/mod.ts";

/** Options of {@linkcode BpfProgram.testRun}. */
export interface TestRunOptions {
  /** Packet, from the Ethernet header on; at least 14 bytes for tc. @default none */
  data?: Uint8Array;
  /** Context (`struct __sk_buff`, `struct xdp_md`, …) in host byte order. @default the kernel's */
  ctx?: Uint8Array;
  /**
   * Runs, all on the same packet buffer: changes by one run are seen by the next. Programs without
   * packets run once. @default 1
   */
  repeat?: number;
  /** BPF_F_TEST_* flags. @default 0 */
  flags?: number;
  /** CPU to run on, with BPF_F_TEST_RUN_ON_CPU. @default 0 */
  cpu?: number;
  /** Packets at a time, with BPF_F_TEST_XDP_LIVE_FRAMES. @default 0, the kernel's choice */
  batchSize?: number;
}

/** What a test run left behind. */
export interface TestRunResult {
  /** The last run's return value, as the `int` that BPF programs return. */
  readonly returnValue: number;
  /** Mean of one run, in nanoseconds; 0 for programs without packets. */
  readonly duration: number;
  /** The packet afterwards (a copy); empty if none was given. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** The context afterwards (a copy); empty if none was given. */
  readonly ctx: Uint8Array<ArrayBuffer>;
}

// These run once, on a context in which they leave their changes (bpf_prog_test_run_syscall).
const IN_PLACE: readonly number[] = [ProgramType.SYSCALL, ProgramType.RAW_TRACEPOINT];

// What a program may add in front of or behind a packet; the kernel caps the packet at a page.
const HEADROOM = 4096;

/** Runs one program with buffers that never move, so that a run costs one system call. */
export class TestRunner {
  readonly #attr: BpfAttr;
  readonly #name: string;
  readonly #inPlace: boolean;
  #dataIn = new Uint8Array(0);
  #dataOut = new Uint8Array(0);
  #ctxIn = new Uint8Array(0);
  #ctxOut = new Uint8Array(0);

  constructor(fd: number, { name, type }: { readonly name: string; readonly type: number }) {
    this.#attr = new BpfAttr(BPF.PROG_TEST_RUN, ATTR.TEST_RUN.size).u32(ATTR.TEST_RUN.fd, fd);
    this.#name = name;
    this.#inPlace = IN_PLACE.includes(type);
  }

  run(options: TestRunOptions): TestRunResult {
    const { data, ctx, repeat = 1, flags = 0, cpu = 0, batchSize = 0 } = options;
    if (!Number.isInteger(repeat) || repeat < 0 || repeat > 0xffffffff) {
      throw new RangeError(`Cannot run "${this.#name}": repeat ${repeat}, expected a u32`);
    }
    this.#setData(data);
    this.#setContext(ctx);
    this.#attr
      .u32(ATTR.TEST_RUN.repeat, this.#inPlace && repeat === 1 ? 0 : repeat)
      .u32(ATTR.TEST_RUN.flags, flags)
      .u32(ATTR.TEST_RUN.cpu, cpu)
      .u32(ATTR.TEST_RUN.batchSize, batchSize)
      .must({ action: "run program", subject: this.#name });
    const dataSize = data ? this.#attr.getU32(ATTR.TEST_RUN.dataSizeOut) : 0;
    const ctxSize = ctx ? this.#attr.getU32(ATTR.TEST_RUN.contextSizeOut) : 0;
    return {
      returnValue: this.#attr.getU32(ATTR.TEST_RUN.returnValue) | 0,
      duration: this.#attr.getU32(ATTR.TEST_RUN.duration),
      data: this.#dataOut.slice(0, dataSize),
      ctx: this.#inPlace ? this.#ctxIn.slice() : this.#ctxOut.slice(0, ctxSize),
    };
  }

  #setData(data: Uint8Array | undefined): void {
    const at = ATTR.TEST_RUN;
    if (data && this.#dataIn.length < data.length) {
      this.#dataIn = new Uint8Array(Math.max(2048, data.length));
      this.#dataOut = new Uint8Array(this.#dataIn.length + HEADROOM);
      this.#attr.pointer(at.dataInPtr, this.#dataIn).pointer(at.dataOutPtr, this.#dataOut);
    }
    // Sizes of 0 with a pointer are refused, and so are buffers for types that take none.
    if (!data && this.#dataIn.length > 0) {
      this.#dataIn = new Uint8Array(0);
      this.#attr.pointer(at.dataInPtr, null).pointer(at.dataOutPtr, null);
    }
    if (data) this.#dataIn.set(data);
    this.#attr
      .u32(at.dataSizeIn, data?.length ?? 0)
      .u32(at.dataSizeOut, data ? this.#dataOut.length : 0);
  }

  #setContext(ctx: Uint8Array | undefined): void {
    const at = ATTR.TEST_RUN;
    if ((ctx?.length ?? 0) !== this.#ctxIn.length) {
      this.#ctxIn = new Uint8Array(ctx?.length ?? 0);
      this.#ctxOut = new Uint8Array(this.#inPlace ? 0 : this.#ctxIn.length);
      this.#attr
        .pointer(at.contextInPtr, this.#ctxIn.length > 0 ? this.#ctxIn : null)
        .pointer(at.contextOutPtr, this.#ctxOut.length > 0 ? this.#ctxOut : null);
    }
    if (ctx) this.#ctxIn.set(ctx);
    this.#attr
      .u32(at.contextSizeIn, this.#ctxIn.length)
      .u32(at.contextSizeOut, this.#ctxOut.length);
  }
}
