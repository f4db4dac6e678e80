/**
 * The datapath's programs on the veths of a topology.
 *
 * @module
 */
import { RingBuffer } from "ebpf-ts-loader";
import { readBpfObject } from "../datapath/bpf_objects.ts";
import type { NodeState } from "../datapath/datapath.ts";
import type { DatapathMemory } from "../datapath/datapath_memory.ts";
import { KernelNode } from "../datapath/kernel_node.ts";
import { attachPrograms } from "./attach_programs.ts";
import { decodeEvent, type FlowEvent } from "./event.ts";
import type { Topology } from "./topology.ts";

/** Options for {@linkcode LivePrograms}. */
export interface LiveProgramsOptions {
  /** The node whose veths get the programs. */
  readonly topology: Topology;
  /** The node's state; interface indexes are the topology's. */
  readonly state: NodeState;
  /** Memory into which `state` was loaded: the source of the maps' bytes. */
  readonly memory: DatapathMemory;
  /** Called with each event, in order. */
  readonly onEvent: (event: FlowEvent) => void;
}

/**
 * Programs that enforce the state on real traffic until they are disposed, or the process ends:
 * nothing is pinned. Requires Linux 6.6 (TCX), CAP_BPF and CAP_NET_ADMIN.
 */
export class LivePrograms implements Disposable {
  readonly #owned: DisposableStack;
  readonly #ring: RingBuffer;
  readonly #onEvent: (event: FlowEvent) => void;

  private constructor(
    ring: RingBuffer,
    onEvent: (event: FlowEvent) => void,
    owned: DisposableStack,
  ) {
    this.#ring = ring;
    this.#onEvent = onEvent;
    owned.use(ring.watch((records) => this.#deliver(records)));
    this.#owned = owned;
  }

  /**
   * Loads and attaches. The maps are full before the first program sees a packet.
   *
   * @throws NotSupportedError, VerifierError, SyscallError. Nothing stays attached then.
   */
  static async attach(options: LiveProgramsOptions): Promise<LivePrograms> {
    const { topology, state, memory, onEvent } = options;
    using owned = new DisposableStack();
    const node = owned.use(await KernelNode.create(readBpfObject("datapath"), memory, state));
    owned.use(attachPrograms(node, topology));
    const ring = owned.use(new RingBuffer(node.map("events")));
    return new LivePrograms(ring, onEvent, owned.move());
  }

  /** Delivers the events that are there now, without waiting for a wake-up. */
  drain(): void {
    this.#ring.drainBatch((records) => this.#deliver(records));
  }

  #deliver(records: readonly Uint8Array[]): void {
    for (const record of records) this.#onEvent(decodeEvent(record));
  }

  /** Detaches and unloads everything. */
  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}
