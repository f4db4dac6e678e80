/**
 * The datapath in the kernel: the programs that are attached in production, run in bulk over
 * packets from memory.
 *
 * @module
 */
import { cloneSpec, type CollectionSpec, type ProgramSpec } from "ebpf-ts-loader";
import { readBpfObject } from "./bpf_objects.ts";
import type { DatapathMemory } from "./datapath_memory.ts";
import { EndpointTemplate, settingsOf } from "./endpoint_programs.ts";
import { KernelHarness } from "./kernel_harness.ts";
import { KernelMaps } from "./kernel_maps.ts";

export { DIRECT_ENTRY } from "./kernel_harness.ts";

/** `BPF_LOG_STATS` (kernel/bpf/verifier.c): no instruction by instruction account. */
const LOG_STATS = 4;

/** Options of {@linkcode KernelDatapath}. */
export interface KernelDatapathOptions {
  /** The datapath object. @default {readBpfObject("datapath")} */
  readonly object?: CollectionSpec;
}

/** Runs packets through the kernel's programs of a node; see {@linkcode KernelHarness}. */
export class KernelDatapath extends KernelHarness<KernelMaps> {
  readonly kind = "kernel";
  #replaced: DisposableStack | undefined;

  /** @param memory Where images and tables are built; may be shared with the emulator. */
  constructor(memory: DatapathMemory, options: KernelDatapathOptions = {}) {
    const object = options.object ?? readBpfObject("datapath");
    super(memory, { object, maps: KernelMaps });
  }

  /**
   * Runs another version of one program in its place, as mutation testing does, until
   * {@linkcode KernelDatapath.restorePrograms}. Maps and state stay.
   *
   * @param endpoints Ids of the endpoints that get it. @default every endpoint
   * @throws {VerifierError} If the kernel refuses it; the program of before goes on.
   */
  replaceProgram(program: ProgramSpec, endpoints?: readonly number[]): void {
    const { node, state } = this;
    const spec = cloneSpec(this.spec);
    spec.programs.set(program.name, program);
    const maps = Object.fromEntries(
      // Global data is each instance's own.
      [...spec.maps.keys()].filter((name) => !name.startsWith("."))
        .map((name) => [name, node.map(name)] as const),
    );
    using owned = new DisposableStack();
    const settings = settingsOf(state, true);
    const template = owned.use(
      // Mutants are refused by the hundred: statistics alone make a short log.
      new EndpointTemplate(spec, settings, { maps, only: [program.name], logLevel: LOG_STATS }),
    );
    const instances = state.endpoints
      .filter(({ id }) => endpoints?.includes(id) ?? true)
      .map((endpoint) => [endpoint.id, owned.use(template.load(endpoint))] as const);
    for (const [id, collection] of instances) this.install(id, collection);
    this.#replaced?.dispose();
    this.#replaced = owned.move();
  }

  /** Puts the object's own programs back. */
  restorePrograms(): void {
    for (const [id, programs] of this.node.programs) this.install(id, programs);
    this.#replaced?.dispose();
    this.#replaced = undefined;
  }

  override [Symbol.dispose](): void {
    this.#replaced?.dispose();
    this.#replaced = undefined;
    super[Symbol.dispose]();
  }
}
