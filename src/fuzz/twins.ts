/**
 * Emulator and kernel in one memory, ready to be compared.
 *
 * @module
 */
import type { PolicyState } from "../datapath/datapath.ts";
import type { DatapathMemory } from "../datapath/datapath_memory.ts";
import { Emulator } from "../datapath/emulator.ts";
import { PACKET_BATCH, PACKET_SLOT_SIZE } from "../datapath/layout.ts";
import type { PacketBatch } from "../datapath/packet_batch.ts";
import type { ImageFault } from "../verify/reproducer.ts";
import { BlockLeg } from "./block_leg.ts";
import { CONNTRACK_ENTRIES } from "./harness_leg.ts";
import { KernelLeg } from "./kernel_leg.ts";
import type { World } from "./world.ts";

/** What {@linkcode Twins.eventDifference} and its like return where all is equal. */
const EQUAL = 0xffffffff;

/** Tables that are compared entry by entry; the number is the module's. */
export const COMPARED_TABLES = { conntrack4: 6, conntrack6: 7, accounting: 8 } as const;

/** Name of a table of {@linkcode COMPARED_TABLES}. */
export type ComparedTable = keyof typeof COMPARED_TABLES;

/** Emulator and, where it can be used, kernel. */
export class Twins implements Disposable {
  readonly memory: DatapathMemory;
  readonly emulator: Emulator;
  readonly kernel: KernelLeg | undefined;
  /** Packets to run, up to `PACKET_BATCH` of them. */
  readonly input: PacketBatch;
  /** What became of them in the kernel; record i is that of packet i. */
  readonly kernelOutput: PacketBatch;
  /** What became of them in the emulator. */
  readonly emulatorOutput: PacketBatch;
  /** What became of them in the instrumented programs. */
  #blockOutput: PacketBatch | undefined;
  #blocks: BlockLeg | undefined;
  readonly #fault: ImageFault | undefined;

  /**
   * @param withKernel Whether the kernel runs as well.
   * @param fault Flipped in every image of its policy, on purpose.
   */
  constructor(memory: DatapathMemory, withKernel: boolean, fault?: ImageFault) {
    this.memory = memory;
    this.emulator = new Emulator(memory);
    this.input = memory.packetBatch();
    this.kernelOutput = memory.packetBatch();
    this.emulatorOutput = memory.packetBatch();
    this.kernel = withKernel ? new KernelLeg(memory, this.input, this.kernelOutput) : undefined;
    this.#fault = fault;
    this.input.count = this.kernelOutput.count = this.emulatorOutput.count = PACKET_BATCH;
  }

  /** Replaces the world in both; no traffic is left. */
  async load(world: World): Promise<void> {
    this.#blocks?.unload();
    if (this.kernel === undefined) this.emulator.load(world.node);
    else await this.kernel.load(world);
    this.#addGhosts(world);
    this.#damage(world);
    this.#injectFault();
  }

  /**
   * Loads copies of the kernel's programs that note which of their blocks run, where there is a
   * kernel; they stay until the next world.
   *
   * @param world The one that is loaded.
   */
  loadBlocks(world: World): void {
    if (this.kernel === undefined) return;
    this.#blockOutput ??= this.memory.packetBatch();
    this.#blocks ??= new BlockLeg(this.memory, this.kernel, this.#blockOutput);
    this.#blocks.load(world);
  }

  /** The copies that {@linkcode Twins.loadBlocks} has loaded once. */
  get blocks(): BlockLeg | undefined {
    return this.#blocks;
  }

  /** Replaces a policy in both. */
  async replacePolicy(policy: PolicyState): Promise<void> {
    if (this.kernel === undefined) this.emulator.replacePolicy(policy);
    else await this.kernel.datapath.replacePolicy(policy);
    this.#injectFault();
  }

  #addGhosts({ ghosts }: World): void {
    const { exports } = this.memory.wasm;
    for (const { id, address } of ghosts) {
      const staging = this.memory.bytes(exports.addressStaging(), 16);
      staging.fill(0);
      staging.set(address);
      const family = address.length === 4 ? 4 : 6;
      exports.upsertLocalEndpoint(family, id, id, 1, id, 0, id, 1);
    }
  }

  #damage({ node, damaged }: World): void {
    for (const { policy, table } of damaged) {
      const revision = node.policies.find(({ number }) => number === policy)?.revision ?? 0;
      this.memory.wasm.exports.setPolicyTable(policy, table, revision);
    }
    this.kernel?.updateTables();
  }

  #injectFault(): void {
    if (this.#fault === undefined) return;
    const { datapath, policy, byte } = this.#fault;
    const image = this.memory.images.get(policy);
    if (image === undefined || byte >= image.bytes.length) return;
    const value = (image.bytes[byte] ?? 0) ^ 1;
    if (datapath === "emulator") image.bytes[byte] = value;
    else this.kernel?.datapath.node.maps.pokeImage(image, byte, value);
  }

  /** Runs packets in the emulator, in bursts as a node would. */
  emulate(first: number, count: number): void {
    this.memory.wasm.exports.runPackets(
      this.#record(this.input, first),
      count,
      this.#record(this.emulatorOutput, first),
    );
  }

  /** Runs packets in the emulator, each a burst of its own, and counts what they reach. */
  emulateCovered(first: number, count: number): void {
    this.memory.wasm.exports.runCovered(
      this.#record(this.input, first),
      count,
      this.#record(this.emulatorOutput, first),
    );
  }

  /** Whether a packet ended otherwise in the kernel; its index, or `undefined`. */
  packetDifference(first: number, count: number): number | undefined {
    return this.#differingPacket(this.emulatorOutput, first, count);
  }

  /** Whether a packet ended otherwise in the instrumented programs than in those as they are. */
  blockDifference(first: number, count: number): number | undefined {
    return this.#blockOutput && this.#differingPacket(this.#blockOutput, first, count);
  }

  #differingPacket(output: PacketBatch, first: number, count: number): number | undefined {
    const index = this.memory.wasm.exports.differingPacket(
      this.#record(output, first),
      this.#record(this.kernelOutput, first),
      count,
    ) >>> 0;
    return index === EQUAL ? undefined : first + index;
  }

  /** Index of the first event that differs, of those not yet consumed; or `undefined`. */
  eventDifference(until: bigint): number | undefined {
    if (this.kernel === undefined) return undefined;
    const { exports } = this.memory.wasm;
    const { records, bytes } = this.kernel.leg.stageEvents(until);
    const index = exports.differingEvent(
      exports.eventsAddress(),
      exports.eventsBytes(),
      records,
      bytes,
    ) >>> 0;
    return index === EQUAL ? undefined : index;
  }

  /** Forgets the events so far, in both. */
  dropEvents(until: bigint): void {
    const { exports } = this.memory.wasm;
    exports.coverEvents(exports.eventsAddress(), exports.eventsBytes());
    exports.clearEvents();
    this.kernel?.leg.consume(until);
  }

  /** Compares a table, and tells whether it differs. */
  tableDiffers(table: ComparedTable): boolean {
    if (this.kernel === undefined) return false;
    const { keys, values, count } = this.kernel.leg.stage(table);
    const { exports } = this.memory.wasm;
    return exports.differingEntry(COMPARED_TABLES[table], keys, values, count) >>> 0 !== EQUAL;
  }

  /** How full the fullest table is that the kernel evicts from, 0 to 1. */
  get pressure(): number {
    return this.memory.wasm.exports.lruPressure(CONNTRACK_ENTRIES) / 1024;
  }

  /** Forgets all traffic in both: tables, counters, events. */
  forget(): void {
    this.memory.wasm.exports.forgetTraffic();
    this.kernel?.leg.forget();
    this.#blocks?.forget();
  }

  #record({ pointer }: PacketBatch, index: number): number {
    return pointer + index * PACKET_SLOT_SIZE;
  }

  /** Closes what is in the kernel. */
  [Symbol.dispose](): void {
    this.#blocks?.[Symbol.dispose]();
    this.kernel?.[Symbol.dispose]();
  }
}
