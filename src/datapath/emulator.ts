/**
 * The datapath in WebAssembly: the programs of bpf/datapath.bpf.c, in AssemblyScript, on
 * the same bytes.
 *
 * @module
 */
import { type ConntrackCollection, namedCounts } from "./conntrack_collection.ts";
import type {
  AccountingDump,
  ConntrackDump,
  Datapath,
  EventBatch,
  NodeState,
  PolicyState,
} from "./datapath.ts";
import { DatapathMemory } from "./datapath_memory.ts";
import { CT_EXPIRY_COUNT, METRICS_SIZE, METRICS_VALUE_SIZE } from "./layout.ts";
import type { PacketBatch } from "./packet_batch.ts";

/**
 * Runs packets through the emulated programs of a node.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { DatapathMemory } from "./datapath_memory.ts";
 * import { Emulator } from "./emulator.ts";
 * import { readEmulatorWasm } from "./emulator_file.ts";
 *
 * const memory = new DatapathMemory(await readEmulatorWasm());
 * using emulator = new Emulator(memory);
 * emulator.load({ endpoints: [], identities: [], ipcache: [], policies: [] });
 * const batch = memory.packetBatch(1);
 * batch.add({ endpoint: 1, hook: "from_container", data: new Uint8Array(60) });
 * emulator.run(batch, batch);
 * assertEquals(batch.verdict(0), -1); // no such endpoint
 * ```
 */
export class Emulator implements Datapath {
  readonly kind = "emulator";
  readonly #memory: DatapathMemory;

  /** @param memory State and tables; packet batches must be of the same memory. */
  constructor(memory: DatapathMemory) {
    this.#memory = memory;
  }

  load(state: NodeState): void {
    this.#memory.load(state);
  }

  replacePolicy(policy: PolicyState): void {
    const before = this.#memory.publish(this.#memory.buildImage(policy));
    if (before) this.#memory.builder.free(before);
  }

  run(input: PacketBatch, output: PacketBatch): void {
    requireRoom(input, output.capacity);
    this.#memory.wasm.exports.runPackets(input.pointer, input.count, output.pointer);
    output.count = input.count;
  }

  drainEvents(): EventBatch {
    const { exports } = this.#memory.wasm;
    const bytes = this.#memory.bytes(exports.eventsAddress(), exports.eventsBytes()).slice();
    const lost = exports.eventsLost() >>> 0;
    exports.clearEvents();
    return { bytes, lost };
  }

  conntrack(): ConntrackDump {
    const flows4 = this.#memory.table("conntrack4");
    const flows6 = this.#memory.table("conntrack6");
    return {
      keys4: flows4.keys.slice(),
      values4: flows4.values.slice(),
      keys6: flows6.keys.slice(),
      values6: flows6.values.slice(),
    };
  }

  collectConntrack(now: number): ConntrackCollection {
    const address = this.#memory.wasm.exports.collectConntrack(now) >>> 0;
    const bytes = this.#memory.bytes(address, CT_EXPIRY_COUNT * 4).slice();
    return namedCounts(new Uint32Array(bytes.buffer));
  }

  clearConntrack(): void {
    const { exports } = this.#memory.wasm;
    exports.clearConntrack();
    exports.clearFragments();
    exports.clearReported();
  }

  metrics(): Uint8Array {
    const { exports } = this.#memory.wasm;
    return this.#memory.bytes(exports.metricsAddress(), METRICS_SIZE * METRICS_VALUE_SIZE).slice();
  }

  accounting(): AccountingDump {
    const { keys, values } = this.#memory.table("accounting");
    return { keys: keys.slice(), values: values.slice() };
  }

  clearAccounting(): void {
    this.#memory.wasm.exports.clearAccounting();
  }

  /** Frees nothing: the memory belongs to whoever made it. */
  [Symbol.dispose](): void {}
}

function requireRoom(input: PacketBatch, capacity: number): void {
  if (input.count <= capacity) return;
  throw new RangeError(
    `Cannot run "${input.count}" packets: output has room for ${capacity}, expected at least as many`,
  );
}
