import type { BpfMap, Collection, CollectionSpec } from "ebpf-ts-loader";
import type { NodeState, PolicyState } from "./datapath.ts";
import type { DatapathMemory } from "./datapath_memory.ts";
import { EndpointTemplate, settingsOf } from "./endpoint_programs.ts";
import { KernelMaps } from "./kernel_maps.ts";
import type { NodeMaps, NodeMapsMaker } from "./node_maps.ts";

/** Options of {@linkcode KernelNode.create}. */
export interface KernelNodeOptions {
  /** Take the clock from the `ambient_input` map, as tests do. @default {false} */
  readonly ambient?: boolean;
}

/**
 * One node in the kernel: its maps filled, the programs of its endpoints loaded and knowing each
 * other. Nothing is attached. Closing it closes maps and programs; what is attached by then lives
 * on.
 *
 * Requires Linux 5.10 and root (CAP_BPF, CAP_NET_ADMIN).
 */
export class KernelNode<Maps extends NodeMaps = KernelMaps> implements Disposable {
  readonly #memory: DatapathMemory;
  readonly #maps: Maps;
  readonly #programs: ReadonlyMap<number, Collection>;
  readonly #owned: DisposableStack;

  private constructor(
    memory: DatapathMemory,
    maps: Maps,
    programs: ReadonlyMap<number, Collection>,
    owned: DisposableStack,
  ) {
    this.#memory = memory;
    this.#maps = maps;
    this.#programs = programs;
    this.#owned = owned;
  }

  /**
   * Brings a state into the kernel. If anything fails, nothing stays open.
   *
   * @param spec The datapath object; see `readBpfObject("datapath")`.
   * @param memory Holds `state` already: its tables and images are what the kernel gets.
   * @throws {VerifierError} If the kernel refuses a program.
   * @throws {SyscallError} If it refuses a map or an update.
   */
  static create(
    spec: CollectionSpec,
    memory: DatapathMemory,
    state: NodeState,
    options: KernelNodeOptions = {},
  ): Promise<KernelNode> {
    return KernelNode.createWith(KernelMaps, spec, memory, state, options);
  }

  /** The same for an object that keeps addresses and policies in other maps. */
  static async createWith<Maps extends NodeMaps>(
    makeMaps: NodeMapsMaker<Maps>,
    spec: CollectionSpec,
    memory: DatapathMemory,
    state: NodeState,
    options: KernelNodeOptions = {},
  ): Promise<KernelNode<Maps>> {
    using owned = new DisposableStack();
    const settings = settingsOf(state, options.ambient ?? false);
    const template = owned.use(new EndpointTemplate(spec, settings));
    const maps = owned.use(new makeMaps(spec, template.maps));
    const programs = new Map<number, Collection>();
    for (const endpoint of state.endpoints) {
      programs.set(endpoint.id, owned.use(template.load(endpoint)));
    }
    await maps.fill(memory, state);
    for (const [id, collection] of programs) {
      maps.map("endpoint_programs").updateSlot(id, collection.program("policy_ingress"));
    }
    return new KernelNode(memory, maps, programs, owned.move());
  }

  /** The maps, filled. */
  get maps(): Maps {
    return this.#maps;
  }

  /** The programs of the endpoints, by endpoint id; see {@linkcode EndpointTemplate.load}. */
  get programs(): ReadonlyMap<number, Collection> {
    return this.#programs;
  }

  /** One of the datapath's maps; it stays the node's. */
  map(name: string): BpfMap {
    return this.#maps.map(name);
  }

  /**
   * Replaces one policy while packets flow: each is judged by the old or by the new one.
   *
   * @throws {RangeError} If the policy does not fit; the old one stays in force.
   */
  async replacePolicy(policy: PolicyState): Promise<void> {
    await this.#maps.replacePolicy(policy, this.#memory);
  }

  /** Closes programs and maps. */
  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}
