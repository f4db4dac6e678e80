import { type CollectionSpec, NotSupportedError } from "ebpf-ts-loader";
import { SyscallError } from "ebpf-ts-loader/sys";
import type { NodeState } from "../datapath/datapath.ts";
import { DatapathMemory } from "../datapath/datapath_memory.ts";
import { Emulator } from "../datapath/emulator.ts";
import { readEmulatorWasm } from "../datapath/emulator_file.ts";
import { KernelDatapath } from "../datapath/kernel.ts";
import { LpmDatapath } from "../datapath/lpm_datapath.ts";

/** The datapaths that can run here, in one memory. */
export class Datapaths implements Disposable {
  readonly memory: DatapathMemory;
  readonly emulator: Emulator;
  /** Absent where BPF cannot be used. */
  readonly kernel: KernelDatapath | undefined;
  /** The kernel's programs on Cilium's layout; there where the kernel is. */
  readonly lpm: LpmDatapath | undefined;
  /** Why the kernel is left out, and what was expected. */
  readonly reason: string | undefined;

  private constructor(
    memory: DatapathMemory,
    kernel: KernelDatapath | undefined,
    reason: string | undefined,
  ) {
    this.memory = memory;
    this.emulator = new Emulator(memory);
    this.kernel = kernel;
    this.lpm = kernel && new LpmDatapath(memory);
    this.reason = reason;
  }

  /**
   * Opens the emulator, and the kernel where this process may use BPF.
   *
   * @param spec The datapath object, if not the committed one.
   * @throws {Deno.errors.NotFound} If the emulator has not been built.
   */
  static async open(spec?: CollectionSpec): Promise<Datapaths> {
    const memory = new DatapathMemory(await readEmulatorWasm());
    const kernel = new KernelDatapath(memory, spec === undefined ? {} : { object: spec });
    try {
      await kernel.load(NOTHING);
    } catch (error) {
      kernel[Symbol.dispose]();
      const reason = missingFeature(error);
      if (reason === undefined) throw error;
      return new Datapaths(memory, undefined, reason);
    }
    return new Datapaths(memory, kernel, undefined);
  }

  /** Those that run, the emulator first. */
  get all(): readonly (Emulator | KernelDatapath | LpmDatapath)[] {
    return [this.emulator, this.kernel, this.lpm].filter((datapath) => datapath !== undefined);
  }

  /** Loads a node into each of them; the kernel last, or it would refuse to change a policy. */
  async load(node: NodeState): Promise<void> {
    for (const datapath of [this.emulator, this.lpm, this.kernel]) await datapath?.load(node);
  }

  [Symbol.dispose](): void {
    this.lpm?.[Symbol.dispose]();
    this.kernel?.[Symbol.dispose]();
    this.emulator[Symbol.dispose]();
  }
}

const NOTHING: NodeState = { endpoints: [], identities: [], ipcache: [], policies: [] };

// EACCES is not among them: it is what the verifier says to a program that it refuses.
const NO_PRIVILEGE: readonly string[] = ["EPERM", "ENOSYS"];

/** Why BPF cannot be used here, and what was expected; `undefined` for an error that is one. */
function missingFeature(error: unknown): string | undefined {
  if (Deno.build.os !== "linux") return `no BPF on ${Deno.build.os}, expected Linux 5.10 or newer`;
  if (error instanceof NotSupportedError || error instanceof Deno.errors.NotCapable) {
    return error.message;
  }
  return error instanceof SyscallError && NO_PRIVILEGE.includes(error.code)
    ? error.message
    : undefined;
}
