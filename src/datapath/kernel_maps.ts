import { type BpfMap, type CollectionSpec, createMap, type MapSpec } from "ebpf-ts-loader";
import type { MappedMemory } from "ebpf-ts-loader/sys";
import type { PolicyState } from "./datapath.ts";
import type { DatapathMemory, TableName } from "./datapath_memory.ts";
import { KernelIpcache } from "./kernel_ipcache.ts";
import type { ImageClass, PolicyImage } from "./image_builder.ts";
import { fillTables, type NodeMaps, requireMap, wordBytes } from "./node_maps.ts";

/** Hash tables and arrays in the order they are filled: what is pointed to comes first. */
const TABLES: readonly TableName[] = [
  "identities",
  "redirects",
  "endpoint_policies",
  "endpoints",
  "ipcache4_cidr",
  "ipcache6_cidr",
  "ipcache4",
  "ipcache6",
];

const IMAGE_CLASSES: readonly ImageClass[] = ["S", "M", "L"];

/**
 * Fills the kernel's maps with a node's state, straight from Wasm memory: keys, values and image
 * lines are taken by batch updates where the encoder left them.
 *
 * The maps stay the caller's and must outlive it.
 */
export class KernelMaps implements NodeMaps {
  readonly #spec: CollectionSpec;
  readonly #maps: ReadonlyMap<string, BpfMap>;
  readonly #tables: MappedMemory;
  readonly #cells: BigUint64Array;
  #ipcache: KernelIpcache | undefined;
  /** The kernel's copies. */
  readonly #copies = new Map<PolicyImage, BpfMap>();
  /** The memory that they were copied from, and its version then. */
  #source: { readonly memory: DatapathMemory; version: number } | undefined;
  /** Images that no cell names any more, but that a running program may still read. */
  #retired: PolicyImage[] = [];

  /**
   * @param spec The object the maps were made from.
   * @param maps The datapath's maps, by name.
   */
  constructor(spec: CollectionSpec, maps: ReadonlyMap<string, BpfMap>) {
    this.#spec = spec;
    this.#maps = maps;
    this.#tables = this.map("policy_tables").mmap();
    this.#cells = new BigUint64Array(this.#tables.buffer);
  }

  map(name: string): BpfMap {
    return requireMap(this.#maps, name, this.#spec);
  }

  /** Images first, then their tables, then who uses them. */
  async fill(memory: DatapathMemory): Promise<void> {
    this.#source = { memory, version: memory.version };
    await this.#introduce([...memory.images.values()], memory);
    for (const image of memory.images.values()) this.#store(image);
    fillTables(this, memory, TABLES);
    const chunk = this.#innerOf("ipcache_chunks");
    this.#ipcache = new KernelIpcache(this, chunk, memory);
    await this.#ipcache.fill();
  }

  /**
   * The addresses, to be changed while programs run.
   *
   * @throws {TypeError} If the maps are still empty, or the memory is no longer the kernel's; see
   * {@linkcode KernelMaps.replacePolicy}.
   */
  get ipcache(): KernelIpcache {
    this.#requireSource("ipcache");
    if (this.#ipcache) return this.#ipcache;
    throw new TypeError(
      'Cannot change "ipcache": maps are being filled, expected fill() to be done',
    );
  }

  /**
   * Replaces one policy while packets flow; see `NodeMaps`.
   *
   * @throws {TypeError} If another datapath has loaded a state into the memory, or replaced a
   * policy in it, since these maps were filled or changed: numbers of tables that the kernel still
   * uses may then have been given to other images.
   */
  async replacePolicy(policy: PolicyState, memory: DatapathMemory): Promise<void> {
    const source = this.#requireSource(`policy ${policy.number}`);
    const image = memory.buildImage(policy);
    const before = memory.publish(image);
    source.version = memory.version;
    await this.#replace(image, before, memory);
  }

  #requireSource(subject: string) {
    const source = this.#source;
    if (source !== undefined && source.version === source.memory.version) return source;
    const state = source
      ? "another datapath has changed the memory since, expected the kernel to be the last to load"
      : "maps are empty, expected fill() before";
    throw new TypeError(`Cannot change "${subject}" in the kernel: ${state}`);
  }

  /**
   * Puts the image of one policy in force. Packets are judged by the image of before or by this
   * one: it is complete before one 64-bit store names it.
   *
   * @param before The image it takes the place of; freed in `memory` as soon as no program can
   * still be reading the kernel's copy.
   */
  async #replace(
    image: PolicyImage,
    before: PolicyImage | undefined,
    memory: DatapathMemory,
  ): Promise<void> {
    // Introducing a table waits for an RCU grace period: programs that could still know a table
    // retired before this call are done when it returns, and its number may be used again.
    const reusable = this.#retired;
    this.#retired = [];
    await this.#introduce([image], memory);
    for (const old of reusable) this.#free(old, memory);
    this.#store(image);
    if (before) this.#retired.push(before);
  }

  /**
   * Brings in an image beside the one in force; it stays until the maps are let go of.
   *
   * @returns What puts it in force, by one store into its policy's cell of `policy_tables`.
   */
  async add(image: PolicyImage, memory: DatapathMemory): Promise<bigint> {
    await this.#introduce([image], memory);
    return cellOf(image);
  }

  /**
   * Overwrites one byte of an image in the kernel, as a fault would: for tests of verification.
   *
   * @returns The byte of before.
   * @throws {TypeError} If it is not the image that the kernel has; see
   * {@linkcode KernelMaps.replacePolicy}.
   */
  pokeImage(image: PolicyImage, offset: number, byte: number): number {
    this.#requireSource(`image of policy ${image.policy}`);
    const copy = this.#copies.get(image);
    const line = copy?.lookup(Math.floor(offset / copy.valueSize));
    const before = line?.[offset % line.length];
    if (!copy || !line || before === undefined) {
      throw new RangeError(
        `Cannot poke image of policy "${image.policy}": offset ${offset}, expected a byte of it`,
      );
    }
    line[offset % line.length] = byte;
    copy.update(Math.floor(offset / copy.valueSize), line);
    return before;
  }

  /** Lets go of the images' copies, which the datapath's maps keep; these stay open. */
  [Symbol.dispose](): void {
    for (const copy of this.#copies.values()) copy[Symbol.dispose]();
    this.#copies.clear();
    this.#ipcache?.[Symbol.dispose]();
    this.#tables[Symbol.dispose]();
  }

  #free(image: PolicyImage, memory: DatapathMemory): void {
    this.#copies.get(image)?.[Symbol.dispose]();
    this.#copies.delete(image);
    memory.builder.free(image);
  }

  /** Names an image in its policy's cell. */
  #store(image: PolicyImage): void {
    Atomics.store(this.#cells, image.policy, cellOf(image));
  }

  /** Makes images known to the programs, by one update per size class. */
  async #introduce(images: readonly PolicyImage[], memory: DatapathMemory): Promise<void> {
    for (const sizeClass of IMAGE_CLASSES) {
      const ofClass = images.filter((image) => image.sizeClass === sizeClass);
      if (ofClass.length === 0) continue;
      for (const image of ofClass) this.#copies.set(image, this.#copy(image, memory));
      await this.map(`images_${sizeClass}`).updateBatchAsync(
        wordBytes(ofClass.map((image) => image.index)),
        wordBytes(ofClass.map((image) => this.#copies.get(image)?.fd ?? -1)),
      );
    }
  }

  /** A kernel array with the image's lines; the caller owns it. */
  #copy(image: PolicyImage, memory: DatapathMemory): BpfMap {
    const map = createMap(this.#innerOf(`images_${image.sizeClass}`));
    try {
      const keys = memory.arrayKeys(image.lines); // first: it may grow the memory
      map.updateBatch(keys, image.bytes);
      return map;
    } catch (error) {
      map[Symbol.dispose]();
      throw error;
    }
  }

  #innerOf(outer: string): MapSpec {
    const inner = this.#spec.maps.get(outer)?.inner;
    if (inner) return inner;
    throw new TypeError(`Cannot fill map "${outer}": no inner map, expected a map-in-map`);
  }
}

/** `struct policy_table` as one word. */
function cellOf({ revision, table }: PolicyImage): bigint {
  return BigInt(revision) << 32n | BigInt(table);
}
