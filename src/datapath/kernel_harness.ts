/**
 * Programs in the kernel, run in bulk over packets from memory.
 *
 * @module
 */
import {
  BatchCursor,
  type BpfMap,
  type Collection,
  type CollectionSpec,
  loadCollection,
  RingBuffer,
} from "ebpf-ts-loader";
import type { MappedMemory } from "ebpf-ts-loader/sys";
import { readBpfObject } from "./bpf_objects.ts";
import { collectMaps, type ConntrackCollection } from "./conntrack_collection.ts";
import type {
  AccountingDump,
  ConntrackDump,
  Datapath,
  EventBatch,
  NodeState,
  PolicyState,
} from "./datapath.ts";
import type { DatapathMemory } from "./datapath_memory.ts";
import { KernelNode } from "./kernel_node.ts";
import {
  EVENT_SIZE,
  HOOK_FROM_CONTAINER,
  HOOK_TO_CONTAINER,
  MAX_ENDPOINTS,
  METRICS_SIZE,
  METRICS_VALUE_SIZE,
  PACKET_SLOT_HOOK_OFF,
  PACKET_SLOT_SIZE,
  REASON_EVENT_LOST,
} from "./layout.ts";
import type { NodeMaps, NodeMapsMaker } from "./node_maps.ts";
import type { PacketBatch } from "./packet_batch.ts";

/** Packets per system call: a run of some 2 ms, so that other work on the CPU is not held up. */
const SLICE = 8192;

/**
 * Added to an endpoint's id, this enters its `policy_ingress` directly, as `from_container` of an
 * endpoint that does not exist: packets reach it that no `from_container` would let through.
 * Mutation testing needs that.
 */
export const DIRECT_ENTRY = MAX_ENDPOINTS;

/** In the hook field of an output record until the harness has written it. */
const NOT_REACHED = 0xFFFFFFFF;

/** Something for the context to hold before the first packet. */
const CARRIER = new Uint8Array(64);

/** What {@linkcode KernelHarness.load} made. */
interface Loaded<Maps extends NodeMaps> extends Disposable {
  readonly state: NodeState;
  readonly node: KernelNode<Maps>;
  readonly harness: Collection;
  readonly input: MappedMemory;
  readonly output: MappedMemory;
  readonly next: MappedMemory;
  readonly ring: RingBuffer;
}

/** Whose programs run. */
export interface HarnessSubject<Maps extends NodeMaps> {
  /** The object with the programs. */
  readonly object: CollectionSpec;
  /** Fills the object's maps. */
  readonly maps: NodeMapsMaker<Maps>;
}

/**
 * Runs packets through the programs of a node by BPF_PROG_TEST_RUN. The programs are those that
 * `KernelNode` would attach, entered by a tail call (bpf/harness.bpf.c); their clock is each
 * packet's.
 *
 * Requires Linux 5.10 and root (CAP_BPF, CAP_NET_ADMIN).
 */
export abstract class KernelHarness<Maps extends NodeMaps> implements Datapath {
  abstract readonly kind: Datapath["kind"];
  /** The object with the programs. */
  protected readonly spec: CollectionSpec;
  readonly #memory: DatapathMemory;
  readonly #maps: NodeMapsMaker<Maps>;
  #loaded: Loaded<Maps> | undefined;
  #eventsLostBefore = 0;

  /** @param memory Where images and tables are built; may be shared with the emulator. */
  constructor(memory: DatapathMemory, { object, maps }: HarnessSubject<Maps>) {
    this.spec = object;
    this.#memory = memory;
    this.#maps = maps;
  }

  async load(state: NodeState): Promise<void> {
    this.#memory.load(state);
    const loaded = await this.#bringUp(state);
    this[Symbol.dispose]();
    this.#loaded = loaded;
    this.#eventsLostBefore = 0;
  }

  async #bringUp(state: NodeState): Promise<Loaded<Maps>> {
    using owned = new DisposableStack();
    const node = owned.use(
      await KernelNode.createWith(this.#maps, this.spec, this.#memory, state, { ambient: true }),
    );
    const harness = owned.use(
      loadCollection(readBpfObject("harness"), {
        maps: { ambient_input: node.map("ambient_input") },
      }),
    );
    const mapped = (name: string) => owned.use(harness.map(name).mmap());
    const parts = {
      state,
      node,
      harness,
      input: mapped("packets_in"),
      output: mapped("packets_out"),
      next: mapped("next_packet"),
      ring: owned.use(new RingBuffer(node.map("events"))),
    };
    for (const [id, programs] of node.programs) installPrograms(parts, id, programs);
    const stack = owned.move();
    return { ...parts, [Symbol.dispose]: () => stack.dispose() };
  }

  #require(): Loaded<Maps> {
    if (this.#loaded) return this.#loaded;
    throw new TypeError(`Cannot use "${this.kind}" datapath: no state, expected load() before`);
  }

  /** The node whose programs run. */
  get node(): KernelNode<Maps> {
    return this.#require().node;
  }

  /** Through which packets enter; see bpf/harness.bpf.c. */
  get harness(): Collection {
    return this.#require().harness;
  }

  /** The state that is loaded. */
  protected get state(): NodeState {
    return this.#require().state;
  }

  /** Puts programs in the place of an endpoint's. */
  protected install(id: number, programs: Collection): void {
    installPrograms(this.#require(), id, programs);
  }

  async replacePolicy(policy: PolicyState): Promise<void> {
    await this.#require().node.replacePolicy(policy);
  }

  run(input: PacketBatch, output: PacketBatch): void {
    if (output.capacity < input.count) {
      throw new RangeError(
        `Cannot run "${input.count}" packets: output has room for ${output.capacity}, expected at least as many`,
      );
    }
    const loaded = this.#require();
    const bytes = input.count * PACKET_SLOT_SIZE;
    const results = new Uint8Array(loaded.output.buffer, 0, bytes);
    new Uint8Array(loaded.input.buffer).set(input.bytes);
    results.set(input.bytes);
    markUnreached(loaded.output.buffer, input.count);
    new BigUint64Array(loaded.next.buffer)[0] = 0n;

    const program = loaded.harness.program("run_packets");
    for (let done = 0; done < input.count; done += SLICE) {
      program.testRun({ data: CARRIER, repeat: Math.min(SLICE, input.count - done) });
    }
    requireReached(loaded.output.buffer, input.count);
    output.count = input.count;
    output.bytes.set(results);
  }

  drainEvents(): EventBatch {
    const { ring } = this.#require();
    // A record takes a header of 8 bytes more in the ring, so this is room enough.
    const bytes = new Uint8Array(ring.pending);
    let length = 0;
    ring.drain((area, offset, size) => {
      if (size !== EVENT_SIZE) {
        throw new TypeError(`Cannot read event: ${size} bytes, expected ${EVENT_SIZE}`);
      }
      bytes.set(area.subarray(offset, offset + size), length);
      length += size;
    });
    const total = this.#eventsLost();
    const lost = total - this.#eventsLostBefore;
    this.#eventsLostBefore = total;
    return { bytes: bytes.slice(0, length), lost };
  }

  #eventsLost(): number {
    const counters = new DataView(this.metrics().buffer);
    const packets = (direction: number) =>
      counters.getBigUint64((REASON_EVENT_LOST << 1 | direction) * METRICS_VALUE_SIZE, true);
    return Number(packets(0) + packets(1));
  }

  conntrack(): ConntrackDump {
    const { node } = this.#require();
    const [keys4, values4] = dump(node.map("conntrack4"));
    const [keys6, values6] = dump(node.map("conntrack6"));
    return { keys4, values4, keys6, values6 };
  }

  collectConntrack(now: number): ConntrackCollection {
    const { node } = this.#require();
    return collectMaps([node.map("conntrack4"), node.map("conntrack6")], now);
  }

  clearConntrack(): void {
    const { node } = this.#require();
    for (const name of ["conntrack4", "conntrack6", "fragments4", "fragments6", "reported"]) {
      clear(node.map(name));
    }
  }

  metrics(): Uint8Array<ArrayBuffer> {
    const map = this.#require().node.map("metrics");
    const values = new Uint8Array(METRICS_SIZE * map.wholeValueSize);
    map.lookupBatch(new Uint8Array(METRICS_SIZE * 4), values, new BatchCursor());
    return addedUp(values, map.wholeValueSize);
  }

  accounting(): AccountingDump {
    const map = this.#require().node.map("accounting");
    const [keys, values] = dump(map);
    return { keys, values: addedUp(values, map.wholeValueSize) };
  }

  clearAccounting(): void {
    clear(this.#require().node.map("accounting"));
  }

  /** Closes maps and programs. */
  [Symbol.dispose](): void {
    this.#loaded?.[Symbol.dispose]();
    this.#loaded = undefined;
  }
}

/** Puts an endpoint's programs where the harness and other endpoints look for them. */
function installPrograms(
  { harness, node }: Pick<Loaded<NodeMaps>, "harness" | "node">,
  id: number,
  { programs }: Collection,
): void {
  const entered = harness.map("harness_programs");
  const slots: readonly (readonly [name: string, map: BpfMap, slot: number])[] = [
    ["from_container", entered, id * 2 + HOOK_FROM_CONTAINER],
    ["to_container", entered, id * 2 + HOOK_TO_CONTAINER],
    ["policy_ingress", node.map("endpoint_programs"), id],
    ["policy_ingress", entered, (id + DIRECT_ENTRY) * 2],
  ];
  for (const [name, map, slot] of slots) {
    const program = programs.get(name);
    if (program) map.updateSlot(slot, program);
  }
}

function markUnreached(buffer: ArrayBuffer, count: number): void {
  const view = new DataView(buffer);
  for (let i = 0; i < count; i++) {
    view.setUint32(i * PACKET_SLOT_SIZE + PACKET_SLOT_HOOK_OFF, NOT_REACHED, true);
  }
}

/** The harness skips what it cannot run; nobody must take its leftovers for a verdict. */
function requireReached(buffer: ArrayBuffer, count: number): void {
  const view = new DataView(buffer);
  for (let i = 0; i < count; i++) {
    if (view.getUint32(i * PACKET_SLOT_SIZE + PACKET_SLOT_HOOK_OFF, true) !== NOT_REACHED) continue;
    throw new Error(
      `Cannot run packet "${i}" of ${count} in the kernel: the harness skipped it, expected a verdict`,
    );
  }
}

/** Values of struct metrics_value for each CPU, added up. */
function addedUp(values: Uint8Array<ArrayBuffer>, bytesPerEntry: number): Uint8Array<ArrayBuffer> {
  const perValue = METRICS_VALUE_SIZE / 8;
  const perEntry = bytesPerEntry / 8;
  const counters = new BigUint64Array(values.buffer);
  const sums = new BigUint64Array(counters.length / perEntry * perValue);
  counters.forEach((counter, i) => {
    const index = Math.floor(i / perEntry) * perValue + i % perValue;
    sums[index] = (sums[index] ?? 0n) + counter;
  });
  return new Uint8Array(sums.buffer);
}

function clear(map: BpfMap): void {
  const [keys] = dump(map);
  map.deleteBatch(keys);
}

/** All keys and values of a hash map, packed; those of every CPU where it has them. */
function dump(map: BpfMap): [keys: Uint8Array<ArrayBuffer>, values: Uint8Array<ArrayBuffer>] {
  const keys = new Uint8Array(map.maxEntries * map.keySize);
  const values = new Uint8Array(map.maxEntries * map.wholeValueSize);
  const cursor = new BatchCursor();
  let count = 0;
  while (!cursor.ended) {
    const read = map.lookupBatch(
      keys.subarray(count * map.keySize),
      values.subarray(count * map.wholeValueSize),
      cursor,
    );
    count += read.count;
  }
  return [keys.slice(0, count * map.keySize), values.slice(0, count * map.wholeValueSize)];
}
