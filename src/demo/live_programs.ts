/**
 * The datapath's programs on the veths of a topology.
 *
 * @module
 */
import { attachTcx, type BpfMap, type CollectionSpec, createMap, RingBuffer } from "ebpf-ts-loader";
import { readBpfObject } from "../datapath/bpf_objects.ts";
import type { NodeState } from "../datapath/datapath.ts";
import type { DatapathMemory, TableName } from "../datapath/datapath_memory.ts";
import { EndpointTemplate } from "../datapath/endpoint_programs.ts";
import { eventMaskOf } from "../datapath/event_mask.ts";
import type { FlowEvent } from "./event.ts";
import { decodeEvent } from "./event.ts";
import type { Topology } from "./topology.ts";

const TABLES: readonly TableName[] = [
  "ipcache4",
  "ipcache6",
  "ipcache4_cidr",
  "ipcache6_cidr",
  "identities",
  "endpoints",
  "endpoint_policies",
  "policy_tables",
];

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

  /**
   * Loads and attaches. The maps are full before the first program sees a packet.
   *
   * @throws NotSupportedError, VerifierError, SyscallError. Nothing stays attached then.
   */
  constructor({ topology, state, memory, onEvent }: LiveProgramsOptions) {
    using owned = new DisposableStack();
    const spec = readBpfObject("datapath");
    const settings = { events: eventMaskOf(state), ambient: false };
    const template = owned.use(new EndpointTemplate(spec, settings));
    fillTables(template.maps, memory);
    fillImages(template.maps, spec, memory);
    const tailCalls = mustGet(template.maps, "endpoint_programs");
    const programs = state.endpoints.map((endpoint) => {
      const loaded = owned.use(template.load(endpoint));
      tailCalls.updateSlot(endpoint.id, loaded.policyIngress);
      return { ...loaded, ifindex: endpoint.ifindex };
    });
    topology.node.run(() => {
      for (const { fromContainer, toContainer, ifindex } of programs) {
        owned.use(attachTcx(fromContainer, { ifindex, direction: "ingress" }));
        owned.use(attachTcx(toContainer, { ifindex, direction: "egress" }));
      }
    });
    this.#onEvent = onEvent;
    this.#ring = owned.use(new RingBuffer(mustGet(template.maps, "events")));
    owned.use(this.#ring.watch((records) => this.#deliver(records)));
    this.#owned = owned.move();
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

function mustGet(maps: ReadonlyMap<string, BpfMap>, name: string): BpfMap {
  const map = maps.get(name);
  if (map) return map;
  throw new TypeError(`Cannot find map "${name}": not in the object, expected it there`);
}

function fillTables(maps: ReadonlyMap<string, BpfMap>, memory: DatapathMemory): void {
  for (const name of TABLES) {
    const { count, keys, values } = memory.table(name);
    if (count > 0) mustGet(maps, name).updateBatch(keys, values);
  }
}

/** One inner map per policy; the kernel holds it once it is in its slot. */
function fillImages(
  maps: ReadonlyMap<string, BpfMap>,
  spec: CollectionSpec,
  memory: DatapathMemory,
): void {
  for (const image of memory.images.values()) {
    const outer = `images_${image.sizeClass}`;
    const inner = spec.maps.get(outer)?.inner;
    if (!inner) throw new TypeError(`Cannot fill "${outer}": no inner map, expected one`);
    using lines = createMap(inner);
    const keys = memory.arrayKeys(image.lines); // first: it may grow the memory
    lines.updateBatch(keys, image.bytes);
    mustGet(maps, outer).updateSlot(image.index, lines);
  }
}
