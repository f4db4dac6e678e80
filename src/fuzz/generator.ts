import type { AddressBytes, IpcacheState } from "../datapath/datapath.ts";
import type { DatapathMemory } from "../datapath/datapath_memory.ts";
import type { PacketBatch } from "../datapath/packet_batch.ts";
import { lastPortOf, PORT_BITS } from "../policy/map_state.ts";
import type { World } from "./world.ts";

/** Number of each list in the module (asm/fuzz_world.ts), and bytes of an item. */
const LIST = {
  endpoints: { number: 0, size: 32 },
  peers4: { number: 1, size: 4 },
  peers6: { number: 2, size: 16 },
  ports: { number: 3, size: 2 },
  identities: { number: 4, size: 4 },
  corpus: { number: 5 },
} as const;

/** Bytes that each list has in the module's memory. */
const LIST_BYTES = 1 << 16;

/** Makes packets in batches: conversations of a world's endpoints, in driven time. */
export class PacketGenerator {
  readonly #memory: DatapathMemory;
  readonly #areas = new Map<number, number>();

  /** @param corpus Packets to make others from; a batch of the same memory. */
  constructor(memory: DatapathMemory, corpus?: PacketBatch) {
    this.#memory = memory;
    const { exports } = memory.wasm;
    for (const { number } of Object.values(LIST)) {
      if (number === LIST.corpus.number) continue;
      const area = exports.allocate(LIST_BYTES) >>> 0;
      if (area === 0) {
        throw new RangeError(
          `Cannot make packet generator: out of memory, expected ${LIST_BYTES} bytes`,
        );
      }
      this.#areas.set(number, area);
    }
    exports.setFuzzList(LIST.corpus.number, corpus?.pointer ?? 0, corpus?.count ?? 0);
  }

  /** Makes the packets that follow be about a world. */
  useWorld({ node, ghosts }: World): void {
    const addresses = [
      ...node.endpoints.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]).filter((a) => a !== undefined),
      ...node.ipcache.flatMap(cornersOf),
      ...ghosts.flatMap(({ address }) => [address, address]),
    ];
    this.#write(LIST.endpoints, node.endpoints.map(endpointItem));
    this.#write(LIST.peers4, addresses.filter((address) => address.length === 4));
    this.#write(LIST.peers6, addresses.filter((address) => address.length === 16));
    this.#write(LIST.ports, portsOf(node).map((port) => bytesOf(new Uint16Array([port]))));
    const marked = new Set([
      ...node.identities.map(({ identity }) => identity),
      ...node.ipcache.map(({ identity }) => identity),
    ]);
    this.#write(
      LIST.identities,
      [...marked].map((identity) => bytesOf(new Uint32Array([identity]))),
    );
  }

  /**
   * Begins a stream: the same world, seed and part make the same packets.
   *
   * @param start Seconds of the driven clock.
   */
  start(seed: number, part: number, start: number): void {
    if (this.#memory.wasm.exports.startFuzz(seed, part, start)) return;
    throw new RangeError("Cannot start packets: out of memory, expected a memory that can grow");
  }

  /** Fills the next `count` records of a batch from record `first` on. */
  fill(address: number, count: number): void {
    this.#memory.wasm.exports.generatePackets(address, count);
  }

  /** Seconds of the driven clock, after the packets so far. */
  get clock(): number {
    return this.#memory.wasm.exports.fuzzClock() >>> 0;
  }

  #write(
    { number, size }: { readonly number: number; readonly size: number },
    items: readonly Uint8Array[],
  ): void {
    const area = this.#areas.get(number) ?? 0;
    const some = items.slice(0, Math.floor(LIST_BYTES / size));
    const bytes = this.#memory.bytes(area, some.length * size);
    for (const [i, item] of some.entries()) bytes.set(item, i * size);
    this.#memory.wasm.exports.setFuzzList(number, area, some.length);
  }
}

function endpointItem({ id, ipv4, ipv6 }: World["node"]["endpoints"][number]): Uint8Array {
  const item = new Uint8Array(LIST.endpoints.size);
  const view = new DataView(item.buffer);
  view.setUint32(0, id, true);
  item.set(ipv4 ?? [], 4);
  view.setUint32(8, ipv4 === undefined ? 0 : 1, true);
  view.setUint32(12, ipv6 === undefined ? 0 : 1, true);
  item.set(ipv6 ?? [], 16);
  return item;
}

/** An address, or the first and the last one of a CIDR and their neighbours outside. */
function cornersOf({ address, prefixLength }: IpcacheState): AddressBytes[] {
  if (prefixLength === undefined) return [address];
  const last = address.map((byte, i) =>
    byte | 0xff >> Math.min(Math.max(prefixLength - 8 * i, 0), 8)
  );
  return [address, last, neighbour(address, -1), neighbour(last, 1)];
}

/** The address before or behind, as a number. */
function neighbour(address: AddressBytes, step: 1 | -1): AddressBytes {
  const bytes = address.slice();
  for (let i = bytes.length - 1; i >= 0; i--) {
    const sum = (bytes[i] ?? 0) + step;
    bytes[i] = sum;
    if (sum >= 0 && sum <= 0xff) break;
  }
  return bytes;
}

/** Most ports of entries that name one port each. */
const SINGLE_PORTS = 4000;

/**
 * Both ends of each entry's ports, and what lies next to them. Entries for one port are many where
 * a policy is large, so the others' ports are repeated until they are as many.
 */
function portsOf({ policies }: World["node"]): number[] {
  const single = new Set<number>();
  const shared = new Set([0, 53, 80, 443, 65535]);
  for (const entry of policies.flatMap(({ mapState }) => mapState.entries)) {
    const ports = entry.portPrefix === PORT_BITS ? single : shared;
    if (ports.size > SINGLE_PORTS) continue;
    const last = lastPortOf(entry);
    for (const port of [entry.port, entry.port - 1, last, last + 1]) ports.add(port & 0xffff);
  }
  const times = Math.ceil((single.size + 1) / shared.size);
  return [...single, ...Array.from({ length: times }, () => [...shared]).flat()];
}

function bytesOf(array: Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): Uint8Array {
  return new Uint8Array(array.buffer);
}
