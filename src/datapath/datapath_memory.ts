/**
 * The state of one node in the memory of one Wasm instance, in the bytes that both
 * datapaths use: the emulator reads the tables and images where they are, the kernel's
 * maps are filled from the same arrays without a copy.
 *
 * @module
 */
import type {
  AddressBytes,
  EndpointState,
  IdentityState,
  IpcacheKey,
  IpcacheState,
  NodeState,
  PolicyState,
} from "./datapath.ts";
import { eventMaskOf } from "./event_mask.ts";
import { ImageBuilder, type MergeMode, type PolicyImage } from "./image_builder.ts";
import {
  ACCOUNTING_KEY_SIZE,
  CT4_KEY_SIZE,
  CT6_KEY_SIZE,
  CT_ENTRY_SIZE,
  ENDPOINT_ACCOUNTING,
  ENDPOINT_AUDIT,
  ENDPOINT_INFO_SIZE,
  ENDPOINT_KEY_SIZE,
  ENDPOINT_POLICY_SIZE,
  IPCACHE4_CIDR_KEY_SIZE,
  IPCACHE4_KEY_SIZE,
  IPCACHE6_CIDR_KEY_SIZE,
  IPCACHE6_KEY_SIZE,
  IPCACHE_INFO_SIZE,
  MAX_ENDPOINTS,
  MAX_POLICIES,
  MAX_REDIRECTS,
  METRICS_VALUE_SIZE,
  PACKET_BATCH,
  PACKET_SLOT_SIZE,
  POLICY_TABLE_SIZE,
} from "./layout.ts";
import { checkIdentity, checkIpcacheEntry, checkIpcacheKey, checkNodeState } from "./node_state.ts";
import { PacketBatch } from "./packet_batch.ts";
import {
  INITIAL_PAGES,
  instantiateWasm,
  MAXIMUM_PAGES,
  type WasmInstance,
  type WasmSource,
} from "./wasm.ts";

/** Number of each hash table in the module (asm/tables.ts), and its sizes. */
const HASH_TABLES = {
  ipcache4: { number: 0, key: IPCACHE4_KEY_SIZE, value: IPCACHE_INFO_SIZE },
  ipcache6: { number: 1, key: IPCACHE6_KEY_SIZE, value: IPCACHE_INFO_SIZE },
  ipcache4_cidr: { number: 2, key: IPCACHE4_CIDR_KEY_SIZE, value: IPCACHE_INFO_SIZE },
  ipcache6_cidr: { number: 3, key: IPCACHE6_CIDR_KEY_SIZE, value: IPCACHE_INFO_SIZE },
  identities: { number: 4, key: 4, value: 4 },
  endpoints: { number: 5, key: ENDPOINT_KEY_SIZE, value: ENDPOINT_INFO_SIZE },
  conntrack4: { number: 6, key: CT4_KEY_SIZE, value: CT_ENTRY_SIZE },
  conntrack6: { number: 7, key: CT6_KEY_SIZE, value: CT_ENTRY_SIZE },
  accounting: { number: 8, key: ACCOUNTING_KEY_SIZE, value: METRICS_VALUE_SIZE },
} as const;

/** A port, u32. */
const REDIRECT_SIZE = 4;

/** A table, named as the kernel's map. */
export type TableName =
  | keyof typeof HASH_TABLES
  | "endpoint_policies"
  | "policy_tables"
  | "redirects";

/**
 * Keys and values of a table, entry i at key i and value i: what `BPF_MAP_UPDATE_BATCH`
 * takes. Views on the memory, not copies; the next change or growth makes them stale.
 */
export interface TableArrays {
  readonly count: number;
  readonly keys: Uint8Array<ArrayBuffer>;
  readonly values: Uint8Array<ArrayBuffer>;
}

/** Where the memory comes from, and how images are built. */
export interface DatapathMemoryOptions {
  /** Memory to work in; the instance is its only user. @default {a new one, up to 4 GiB} */
  memory?: WebAssembly.Memory;
  /** @default {"auto"} */
  mergeMode?: MergeMode;
  /**
   * How IPv4 addresses are looked up: "compact" by hash (28 bytes an address when the tables are
   * full), "fast" by a trie beside the tables. The answers are the same. @default {"fast"}
   */
  addresses?: "fast" | "compact";
  /**
   * Instances that will run packets in this memory, each with its share of conntrack. More than
   * one takes the module with threads. See `EmulatorPool`. @default {1}
   */
  workers?: number;
}

function macWords(mac: Uint8Array): [low: number, high: number] {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac;
  return [a | b << 8 | c << 16 | d << 24, e | f << 8];
}

/**
 * Node state in Wasm memory.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { DatapathMemory } from "./datapath_memory.ts";
 * import { readEmulatorWasm } from "./emulator_file.ts";
 *
 * const memory = new DatapathMemory(await readEmulatorWasm());
 * memory.load({
 *   endpoints: [],
 *   identities: [],
 *   ipcache: [{ address: Uint8Array.of(10, 1, 0, 1), identity: 2 }],
 *   policies: [],
 * });
 * assertEquals(memory.table("ipcache4").keys, Uint8Array.of(10, 1, 0, 1));
 * ```
 */
export class DatapathMemory {
  /** The module's instance; its exports take raw addresses. */
  readonly wasm: WasmInstance;
  /** Builds images in this memory. */
  readonly builder: ImageBuilder;
  readonly #mergeMode: MergeMode;
  readonly #slots = new Map<number, number>();
  readonly #images = new Map<number, PolicyImage>();
  #version = 0;
  /** Slot of an identity; 0 if it has none. */
  readonly slotOf = (identity: number): number => this.#slots.get(identity) ?? 0;

  /**
   * @param source Bytes of asm/out/emulator.wasm, or the compiled module.
   * @throws {RangeError} If the memory cannot grow.
   */
  constructor(source: WasmSource, options: DatapathMemoryOptions = {}) {
    const memory = options.memory ??
      new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAXIMUM_PAGES });
    this.wasm = instantiateWasm(source, memory, options.workers);
    this.wasm.exports.useAddressTrie(options.addresses !== "compact");
    this.builder = new ImageBuilder(this.wasm);
    this.#mergeMode = options.mergeMode ?? "auto";
  }

  /** The images in force, by policy number. */
  get images(): ReadonlyMap<number, PolicyImage> {
    return this.#images;
  }

  /**
   * Grows with every state that is loaded and every image that is published. Who keeps copies of
   * images knows by it that somebody else has changed them.
   */
  get version(): number {
    return this.#version;
  }

  /**
   * Replaces the whole state. Conntrack, metrics and events start empty.
   *
   * @throws {RangeError} If the state is out of range or exceeds a limit; the state of
   * before stays whole.
   */
  load(state: NodeState): void {
    checkNodeState(state);
    const slots = new Map(state.identities.map(({ identity, slot }) => [identity, slot]));
    const images = this.#buildAll(state.policies, slots);
    for (const image of this.#images.values()) this.builder.free(image);
    this.#images.clear();
    this.#slots.clear();
    for (const [identity, slot] of slots) this.#slots.set(identity, slot);

    this.#version++;
    this.wasm.exports.resetTables();
    for (const image of images) this.publish(image);
    this.#loadIdentities(state);
    for (const { id, port } of state.redirects ?? []) {
      new DataView(this.wasm.memory.buffer).setUint32(this.#redirect(id), port, true);
    }
    for (const endpoint of state.endpoints) this.#loadEndpoint(endpoint, state);
  }

  /**
   * Gives an identity its slot: for images from now on, and for packets that bring the identity
   * in a mark. Add it before any entry or address names it.
   *
   * @throws {RangeError} If the identity or the slot is out of range, or the table is full.
   */
  addIdentity({ identity, slot }: IdentityState): void {
    checkIdentity({ identity, slot });
    this.#stored("identities", this.wasm.exports.upsertIdentity(identity, slot));
    this.#slots.set(identity, slot);
  }

  /**
   * Says whose an address or CIDR is now.
   *
   * @throws {RangeError} If the entry is malformed, or the table is full.
   */
  setAddress(entry: IpcacheState): void {
    checkIpcacheEntry(entry);
    this.#storeAddress(entry);
  }

  /**
   * Forgets an address or CIDR: what is around it answers from now on.
   *
   * @returns Whether it was known.
   * @throws {RangeError} If the key is malformed.
   */
  removeAddress(key: IpcacheKey): boolean {
    checkIpcacheKey(key);
    const { address, prefixLength } = key;
    const { exports } = this.wasm;
    const family = address.length === 4 ? 4 : 6;
    this.#stage(address);
    const known = prefixLength === undefined
      ? exports.removeIpcache(family)
      : exports.removeIpcacheCidr(family, prefixLength);
    return Boolean(known);
  }

  /**
   * Builds the image of a policy with the slots of the loaded state. Nothing points to it
   * until {@linkcode DatapathMemory.publish}.
   */
  buildImage(policy: PolicyState): PolicyImage {
    return this.#build(policy, this.slotOf);
  }

  /**
   * Makes an image the one in force for its policy, by one store.
   *
   * @returns The image of before, which the caller frees when no datapath reads it.
   */
  publish(image: PolicyImage): PolicyImage | undefined {
    const before = this.#images.get(image.policy);
    this.#version++;
    this.#images.set(image.policy, image);
    this.wasm.exports.setPolicyTable(image.policy, image.table, image.revision);
    return before;
  }

  /** A table's arrays. Ask again after every change. */
  table(name: TableName): TableArrays {
    const { exports } = this.wasm;
    if (name === "endpoint_policies") {
      return this.#array(exports.endpointPolicy(0), MAX_ENDPOINTS, ENDPOINT_POLICY_SIZE);
    }
    if (name === "policy_tables") {
      return this.#array(exports.policyTable(0), MAX_POLICIES, POLICY_TABLE_SIZE);
    }
    if (name === "redirects") {
      return this.#array(exports.redirectPort(0), MAX_REDIRECTS, REDIRECT_SIZE);
    }
    const { number, key, value } = HASH_TABLES[name];
    const count = exports.tableCount(number) >>> 0;
    return {
      count,
      keys: this.bytes(exports.tableKeys(number), count * key),
      values: this.bytes(exports.tableValues(number), count * value),
    };
  }

  /** Bytes that addresses and CIDRs take, with what finds them and the room for more. */
  get ipcacheBytes(): number {
    return this.wasm.exports.ipcacheBytes() >>> 0;
  }

  /** The u32 keys 0 to `count` − 1 as bytes: keys of array maps and of image lines. */
  arrayKeys(count: number): Uint8Array<ArrayBuffer> {
    const address = this.wasm.exports.arrayKeys(count);
    if (address === 0) {
      throw new RangeError(
        `Cannot make "${count}" array keys: out of memory, expected ${count * 4} bytes`,
      );
    }
    return this.bytes(address, count * 4);
  }

  /** Allocates an empty batch of packets. It is never freed. */
  packetBatch(capacity: number = PACKET_BATCH): PacketBatch {
    PacketBatch.requireCapacity(capacity);
    const address = this.wasm.exports.allocatePages(capacity * PACKET_SLOT_SIZE) >>> 0;
    if (address === 0) {
      throw new RangeError(
        `Cannot make a packet batch of "${capacity}" packets: out of memory, expected a memory that can grow`,
      );
    }
    return new PacketBatch(this.wasm.memory, address, capacity);
  }

  /** A view on the memory. */
  bytes(address: number, length: number): Uint8Array<ArrayBuffer> {
    // Of a shared memory it is a SharedArrayBuffer, which views treat alike.
    return new Uint8Array(this.wasm.memory.buffer as ArrayBuffer, address >>> 0, length);
  }

  #array(address: number, count: number, size: number): TableArrays {
    const keys = this.arrayKeys(count); // first: it may grow the memory
    return { count, keys, values: this.bytes(address, count * size) };
  }

  #build(
    { number, revision, mapState, mergeMode = this.#mergeMode }: PolicyState,
    slotOf: (identity: number) => number,
  ): PolicyImage {
    return this.builder.build({ policy: number, revision, mapState }, slotOf, mergeMode);
  }

  /** Builds all images or none. */
  #buildAll(policies: readonly PolicyState[], slots: Map<number, number>): PolicyImage[] {
    const built: PolicyImage[] = [];
    const slotOf = (identity: number) => slots.get(identity) ?? 0;
    try {
      for (const policy of policies) built.push(this.#build(policy, slotOf));
    } catch (error) {
      for (const image of built) this.builder.free(image);
      throw error;
    }
    return built;
  }

  /** Writes an address where the module expects it; IPv4 is padded with zeros. */
  #stage(address: AddressBytes | undefined): void {
    const staging = this.bytes(this.wasm.exports.addressStaging(), 16);
    staging.fill(0);
    if (address) staging.set(address);
  }

  #loadIdentities(state: NodeState): void {
    const { exports } = this.wasm;
    for (const { identity, slot } of state.identities) {
      this.#stored("identities", exports.upsertIdentity(identity, slot));
    }
    for (const entry of state.ipcache) this.#storeAddress(entry);
  }

  #storeAddress({ address, prefixLength, identity }: IpcacheState): void {
    const { exports } = this.wasm;
    const family = address.length === 4 ? 4 : 6;
    const slot = this.slotOf(identity);
    this.#stage(address);
    const result = prefixLength === undefined
      ? exports.upsertIpcache(family, identity, slot)
      : exports.upsertIpcacheCidr(family, prefixLength, identity, slot);
    this.#stored("ipcache", result);
  }

  #loadEndpoint(endpoint: EndpointState, state: NodeState): void {
    const { exports } = this.wasm;
    const { id, ifindex, identity, ipv4, ipv6, policy } = endpoint;
    const mac = [...macWords(endpoint.mac), ...macWords(endpoint.nodeMac)] as const;
    if (ipv4) {
      this.#stage(ipv4);
      this.#stored("endpoints", exports.upsertLocalEndpoint(4, id, ifindex, identity, ...mac));
    }
    this.#stage(ipv6);
    if (ipv6) {
      this.#stored("endpoints", exports.upsertLocalEndpoint(6, id, ifindex, identity, ...mac));
    }
    const [ipv4Word] = ipv4 ? macWords(ipv4) : [0];
    const slot = this.slotOf(identity);
    const events = eventMaskOf(state);
    const interval = state.eventInterval ?? 0;
    const flags = (endpoint.audit === true ? ENDPOINT_AUDIT : 0) |
      (endpoint.accounting === false ? 0 : ENDPOINT_ACCOUNTING);
    exports.setEndpoint(id, ifindex, ipv4Word, events, identity, slot, policy, flags, interval);
  }

  #redirect(id: number): number {
    return this.wasm.exports.redirectPort(id) >>> 0;
  }

  /** Limits have been checked, so only memory can be short. */
  #stored(table: TableName | "ipcache", result: number): void {
    if (result >= 0) return;
    throw new RangeError(
      `Cannot store into "${table}": ${result === -1 ? "full" : "out of memory"}, expected room`,
    );
  }
}
