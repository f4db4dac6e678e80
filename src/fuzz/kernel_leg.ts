/**
 * The kernel's programs beside the emulator.
 *
 * @module
 */
import { cloneSpec, type CollectionSpec } from "ebpf-ts-loader";
import { readBpfObject } from "../datapath/bpf_objects.ts";
import type { DatapathMemory } from "../datapath/datapath_memory.ts";
import { KernelDatapath } from "../datapath/kernel.ts";
import type { PacketBatch } from "../datapath/packet_batch.ts";
import { CONNTRACK_ENTRIES, HarnessLeg, Staging } from "./harness_leg.ts";
import type { World } from "./world.ts";

/**
 * Runs the programs of one world at a time.
 *
 * Requires Linux 5.10 and root (CAP_BPF, CAP_NET_ADMIN).
 */
export class KernelLeg implements Disposable {
  /** The datapath object, with conntrack tables that can be compared often. */
  readonly spec: CollectionSpec;
  /** The datapath underneath. */
  readonly datapath: KernelDatapath;
  /** Where tables and events are read to. */
  readonly staging: Staging;
  readonly #memory: DatapathMemory;
  readonly #input: PacketBatch;
  readonly #output: PacketBatch;
  #leg: HarnessLeg | undefined;

  /**
   * @param input Its pages become the harness's own while a world is loaded; likewise `output`.
   */
  constructor(memory: DatapathMemory, input: PacketBatch, output: PacketBatch) {
    this.spec = cloneSpec(readBpfObject("datapath"));
    for (const name of ["conntrack4", "conntrack6"]) {
      const map = this.spec.maps.get(name);
      if (map !== undefined) map.maxEntries = CONNTRACK_ENTRIES;
    }
    this.datapath = new KernelDatapath(memory, { object: this.spec });
    this.staging = new Staging(memory, this.spec.maps.get("events")?.maxEntries ?? 0);
    this.#memory = memory;
    this.#input = input;
    this.#output = output;
  }

  /**
   * Loads a world: into the memory first, where the emulator finds it, then into the kernel.
   *
   * @throws {VerifierError} If the kernel refuses a program.
   */
  async load({ node }: World): Promise<void> {
    this.#unload();
    await this.datapath.load(node);
    const { harness } = this.datapath;
    this.#leg = new HarnessLeg({
      memory: this.#memory,
      staging: this.staging,
      harness,
      map: (name) => this.datapath.node.map(name),
      input: this.#input,
      output: this.#output,
    });
  }

  /** The programs of the world that is loaded. */
  get leg(): HarnessLeg {
    if (this.#leg !== undefined) return this.#leg;
    throw new TypeError('Cannot run "kernel" leg: no world, expected load() before');
  }

  /** Puts the memory's tables of endpoints and current policies into the kernel once more. */
  updateTables(): void {
    const endpoints = this.#memory.table("endpoints");
    if (endpoints.count > 0) {
      this.datapath.node.map("endpoints").updateBatch(endpoints.keys, endpoints.values);
    }
    const tables = this.#memory.table("policy_tables");
    this.datapath.node.map("policy_tables").updateBatch(tables.keys, tables.values);
  }

  #unload(): void {
    this.#leg?.[Symbol.dispose]();
    this.#leg = undefined;
  }

  /** Closes maps and programs; the memory stays valid. */
  [Symbol.dispose](): void {
    this.#unload();
    this.datapath[Symbol.dispose]();
  }
}
