import { cloneSpec, type CollectionSpec, type ProgramSpec } from "ebpf-ts-loader";
import { readBpfObject } from "../../datapath/bpf_objects.ts";
import type { EventKind, NodeState } from "../../datapath/datapath.ts";
import type { DatapathMemory } from "../../datapath/datapath_memory.ts";
import { KernelDatapath } from "../../datapath/kernel.ts";
import {
  DROP_REASON_NAMES,
  ENDPOINT_POLICY_POLICY_OFF,
  EVENT_REASON_OFF,
  EVENT_SIZE,
  IMAGE_CELLS_LINE,
  IMAGE_CELLS_PER_LINE,
  IMAGE_LINE_BYTES,
  IMAGE_S_ENTRIES,
  IMAGE_S_SLOTS,
  PACKET_SHOT,
  PACKET_SLOT_SIZE,
  PACKET_SLOT_VERDICT_OFF,
  POLICY_ENTRY_COOKIE_OFF,
  POLICY_ENTRY_SIZE,
  POLICY_ENTRY_VERDICT_OFF,
  POLICY_TABLE_TABLE_OFF,
} from "../../datapath/layout.ts";
import type { PacketBatch } from "../../datapath/packet_batch.ts";
import { ROW_ENDPOINT, ROW_NODE, ROW_NODES, type RowNodeName } from "../row_node.ts";
import { ROW_POLICY } from "../row_policies.ts";
import { type Observation, observe, sameObservation } from "./observation.ts";
import type { PacketSet, TableFault } from "./packet_set.ts";

/** Entries of the tables that are dumped here: a dump walks all of one, after every mutant. */
const FEWER_ENTRIES: Readonly<Record<string, number>> = {
  conntrack4: 8192,
  conntrack6: 8192,
  accounting: 2048,
  reported: 4096,
  fragments4: 2048,
  fragments6: 2048,
};

/** What is not as usual. */
export interface Circumstances {
  /** @default {"usual"} */
  readonly node?: RowNodeName;
  /** Which events the endpoints raise. @default all */
  readonly events?: readonly EventKind[];
  /** The subject has addresses. @default {true} */
  readonly addresses?: boolean;
  /** Where addresses are known: one of both covers for the other. @default {"both"} */
  readonly addressesIn?: "blocks" | "tables" | "both";
  /** The subject's identity; one that the node knows. @default as in ROW_NODE */
  readonly identity?: number;
}

/** Packet sets in memory, ready to run; batches are never freed, so they are made once. */
export class Bench {
  readonly inputs: ReadonlyMap<PacketSet, PacketBatch>;
  readonly output: PacketBatch;

  constructor(readonly memory: DatapathMemory, sets: readonly PacketSet[]) {
    this.output = memory.packetBatch();
    this.inputs = new Map(sets.map((set) => {
      const batch = memory.packetBatch(set.packets.length);
      for (const packet of set.packets) batch.add(packet);
      return [set, batch] as const;
    }));
  }
}

/**
 * A kernel datapath with one of {@linkcode ROW_NODES} in it, in which one program of the subject or
 * one byte of an image is another, and the packet sets are run.
 */
export class Laboratory implements Disposable {
  readonly spec: CollectionSpec;
  readonly #kernel: KernelDatapath;
  readonly #bench: Bench;
  readonly #baseline = new Map<PacketSet, Observation>();
  #program = "";
  #spoilt = false;

  private constructor(
    bench: Bench,
    kernel: KernelDatapath,
    spec: CollectionSpec,
    readonly sets: readonly PacketSet[],
  ) {
    this.#bench = bench;
    this.#kernel = kernel;
    this.spec = spec;
  }

  /**
   * Loads the node and notes how the programs as they are treat every set.
   *
   * @throws {Error} If a set with a fault is not answered as it must be.
   */
  static async open(
    bench: Bench,
    circumstances: Circumstances = {},
  ): Promise<Laboratory> {
    const spec = cloneSpec(readBpfObject("datapath"));
    for (const [name, entries] of Object.entries(FEWER_ENTRIES)) {
      const map = spec.maps.get(name);
      if (map !== undefined) map.maxEntries = entries;
    }
    const kernel = new KernelDatapath(bench.memory, { object: spec });
    try {
      const { node = "usual", ...constants } = circumstances;
      await kernel.load(stateWith(ROW_NODES[node], constants));
      if (constants.addressesIn === "blocks") forgetTables(kernel, bench.memory);
      if (constants.addressesIn === "tables") forgetBlocks(kernel);
      const sets = [...bench.inputs.keys()].filter((set) => set.node === node);
      const laboratory = new Laboratory(bench, kernel, spec, sets);
      const usual = Object.keys(constants).length === 0;
      for (const set of sets) laboratory.#noteBaseline(set, usual);
      return laboratory;
    } catch (error) {
      kernel[Symbol.dispose]();
      throw error;
    }
  }

  /** A mutant left it in a state that cannot be trusted: close it and open another. */
  get isSpoilt(): boolean {
    return this.#spoilt;
  }

  /**
   * Gives the subject another version of a program.
   *
   * @throws {VerifierError} If the kernel refuses it.
   */
  install(program: ProgramSpec): void {
    if (this.#program !== program.name) this.restore();
    this.#kernel.replaceProgram(program, [ROW_ENDPOINT.SUBJECT]);
    this.#program = program.name;
  }

  /** Gives the subject its own programs back. */
  restore(): void {
    this.#kernel.restorePrograms();
    this.#program = "";
  }

  /** Runs sets until one is treated otherwise than by the programs as they are. */
  isNoticed(sets: Iterable<PacketSet>): boolean {
    for (const set of sets) {
      const expected = this.#baseline.get(set);
      if (expected === undefined || !this.#isAs(expected, set)) return true;
    }
    return false;
  }

  #isAs(expected: Observation, set: PacketSet): boolean {
    try {
      return sameObservation(expected, this.#observe(set));
    } catch {
      // An event of another size, a packet that the harness could not run: noticed, too.
      this.#spoilt = true;
      return false;
    }
  }

  /** Runs `use` while a byte of a policy's image in the kernel is another. */
  withImageByte<T>(policy: number, offset: number, value: number, use: () => T): T {
    const image = this.#bench.memory.images.get(policy);
    if (image === undefined) throw new RangeError(`Cannot change policy "${policy}": unknown`);
    const { maps } = this.#kernel.node;
    const before = maps.pokeImage(image, offset, value);
    try {
      return use();
    } finally {
      maps.pokeImage(image, offset, before);
    }
  }

  /** Closes the kernel's maps and programs. */
  [Symbol.dispose](): void {
    this.#kernel[Symbol.dispose]();
  }

  #noteBaseline(set: PacketSet, usual: boolean): void {
    const observation = this.#observe(set);
    if (set.fault !== undefined && usual) requireDrops(set, set.fault.reason, observation);
    // What is not the same twice cannot tell a mutant from the original.
    if (!sameObservation(observation, this.#observe(set))) {
      throw new Error(`Cannot use packets "${set.name}": two runs differ, expected equal ones`);
    }
    this.#baseline.set(set, observation);
  }

  #observe(set: PacketSet): Observation {
    const input = this.#bench.inputs.get(set);
    if (input === undefined) throw new RangeError(`Cannot run packets "${set.name}": unknown set`);
    this.#setPolicy(set.policy);
    const run = () => observe(this.#kernel, input, this.#bench.output);
    const observation = set.fault === undefined ? run() : this.#withFault(set.fault.table, run);
    this.#setPolicy(ROW_POLICY.SMALL);
    return observation;
  }

  #setPolicy(number: number): void {
    this.#changeWord("endpoint_policies", ROW_ENDPOINT.SUBJECT, ENDPOINT_POLICY_POLICY_OFF, number);
  }

  /** Changes a u32 of an array's value and returns the one of before. */
  #changeWord(map: string, key: number, offset: number, word: number): number {
    const array = this.#kernel.node.map(map);
    const value = array.lookup(key);
    if (value === undefined) throw new RangeError(`Cannot change "${map}": no element "${key}"`);
    const view = new DataView(value.buffer);
    const before = view.getUint32(offset, true);
    view.setUint32(offset, word, true);
    array.update(key, value);
    return before;
  }

  #withFault<T>(fault: TableFault, use: () => T): T {
    const { node } = this.#kernel;
    switch (fault.kind) {
      case "policy":
        this.#setPolicy(fault.number);
        return use();
      case "table": {
        const change = (table: number) =>
          this.#changeWord("policy_tables", ROW_POLICY.SMALL, POLICY_TABLE_TABLE_OFF, table);
        const before = change(fault.table);
        const result = use();
        change(before);
        return result;
      }
      case "no program": {
        const programs = node.map("endpoint_programs");
        programs.delete(fault.endpoint);
        const result = use();
        const own = node.programs.get(fault.endpoint)?.program("policy_ingress");
        if (own !== undefined) programs.updateSlot(fault.endpoint, own);
        return result;
      }
      case "entry verdict":
        return this.withImageByte(ROW_POLICY.SMALL, this.#openEntry(), fault.verdict, use);
    }
  }

  /** Offset of the verdict of the entry that opens the peer's port 90 to the subject. */
  #openEntry(): number {
    const image = this.#bench.memory.images.get(ROW_POLICY.SMALL);
    const entry = ROW_NODE.policies[0]?.mapState.entries
      .find(({ direction, port }) => direction === "egress" && port === OPEN_PORT);
    const view = image && new DataView(image.bytes.buffer, image.address);
    const first = (IMAGE_CELLS_LINE + 2 * IMAGE_S_SLOTS / IMAGE_CELLS_PER_LINE) * IMAGE_LINE_BYTES;
    for (let i = 0; i < IMAGE_S_ENTRIES; i++) {
      const at = first + i * POLICY_ENTRY_SIZE;
      if (view?.getUint32(at + POLICY_ENTRY_COOKIE_OFF, true) === entry?.cookie) {
        return at + POLICY_ENTRY_VERDICT_OFF;
      }
    }
    throw new RangeError(`Cannot find the entry of port "${OPEN_PORT}": not in the image`);
  }
}

function stateWith(
  node: NodeState,
  { events, addresses = true, identity }: Circumstances,
): NodeState {
  const endpoints = node.endpoints.map((endpoint) => {
    if (endpoint.id !== ROW_ENDPOINT.SUBJECT) return endpoint;
    const known = { ...endpoint, identity: identity ?? endpoint.identity };
    return addresses ? known : { ...known, ipv4: undefined, ipv6: undefined };
  });
  return { ...node, endpoints, events: events ?? node.events };
}

const ADDRESS_TABLES = ["ipcache4", "ipcache6", "ipcache4_cidr", "ipcache6_cidr"] as const;

function forgetTables({ node }: KernelDatapath, memory: DatapathMemory): void {
  for (const name of ADDRESS_TABLES) node.map(name).deleteBatch(memory.table(name).keys);
}

function forgetBlocks({ node }: KernelDatapath): void {
  for (const name of ["ipcache4_root", "ipcache6_root"]) {
    const root = node.map(name);
    using cells = root.mmap();
    new BigUint64Array(cells.buffer, 0, root.maxEntries).fill(0n);
  }
}

/** Port of the subject's egress rule for its peer. */
const OPEN_PORT = 90;

function requireDrops({ name }: PacketSet, reason: number, { output, events }: Observation): void {
  const records = new DataView(output.buffer);
  for (let at = 0; at < output.length; at += PACKET_SLOT_SIZE) {
    const verdict = records.getInt32(at + PACKET_SLOT_VERDICT_OFF, true);
    if (verdict === PACKET_SHOT) continue;
    throw new Error(`Cannot accept "${name}": a packet got verdict ${verdict}, expected a drop`);
  }
  const reasons = new Set<number>();
  for (let at = 0; at < events.length; at += EVENT_SIZE) {
    const found = events[at + EVENT_REASON_OFF] ?? 0;
    if (found !== 0) reasons.add(found);
  }
  if (reasons.size === 1 && reasons.has(reason)) return;
  const found = [...reasons].map((r) => DROP_REASON_NAMES.get(r) ?? r).join(", ");
  const wanted = DROP_REASON_NAMES.get(reason) ?? reason;
  throw new Error(`Cannot accept "${name}": drops by ${found}, expected ${wanted}`);
}
