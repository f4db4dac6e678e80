import {
  HOOK_FROM_CONTAINER,
  HOOK_TO_CONTAINER,
  MAX_ENDPOINTS,
  PACKET_BATCH,
  PACKET_DATA_BYTES,
  PACKET_NOT_RUN,
  PACKET_SLOT_DATA_OFF,
  PACKET_SLOT_ENDPOINT_OFF,
  PACKET_SLOT_HOOK_OFF,
  PACKET_SLOT_LENGTH_OFF,
  PACKET_SLOT_MARK_OFF,
  PACKET_SLOT_NOW_OFF,
  PACKET_SLOT_SIZE,
  PACKET_SLOT_VERDICT_OFF,
} from "./layout.ts";

/** Which of an endpoint's two programs a packet enters. */
export type Hook = "from_container" | "to_container";

/** A packet to be run. */
export interface PacketInput {
  /** Endpoint whose program runs; from `MAX_ENDPOINTS` on, see `DIRECT_ENTRY`. */
  readonly endpoint: number;
  readonly hook: Hook;
  /** From the Ethernet header on: 14 to `PACKET_DATA_BYTES` bytes. */
  readonly data: Uint8Array;
  /** `skb->mark` on arrival. @default {0} */
  readonly mark?: number | undefined;
  /** Ambient clock in nanoseconds. @default {0n} */
  readonly now?: bigint | undefined;
}

/** What became of a packet. */
export interface PacketOutput {
  /** `TC_ACT_*` of the program, or `PACKET_NOT_RUN`. */
  readonly verdict: number;
  /** `skb->mark` as the program left it, unsigned. */
  readonly mark: number;
  /** The packet as the program left it; a copy. */
  readonly data: Uint8Array;
}

/** The harness runs nothing shorter. */
const ETHERNET_BYTES = 14;
const HOOK_NUMBER = { from_container: HOOK_FROM_CONTAINER, to_container: HOOK_TO_CONTAINER };

/** DataView would cut off silently what does not fit. */
function requireRange(packet: number, field: string, value: number, min: number, max: number) {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RangeError(
    `Cannot add packet "${packet}": ${field} is ${value}, expected ${min} to ${max}`,
  );
}

/**
 * An array of `struct packet_slot` in the memory of the Wasm module, so that emulator
 * and kernel take packets from the same bytes. {@linkcode DatapathMemory.packetBatch}
 * makes one; it lives as long as that memory.
 */
export class PacketBatch {
  /** Byte address of the first record in the memory; a multiple of 64 KiB. */
  readonly pointer: number;
  /** Most packets that fit. */
  readonly capacity: number;
  readonly #memory: WebAssembly.Memory;
  #count = 0;
  #view: DataView;

  /** @throws {RangeError} If no batch can have room for so many packets. */
  static requireCapacity(capacity: number): void {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > PACKET_BATCH) {
      throw new RangeError(
        `Cannot make a packet batch of "${capacity}" packets: out of range, expected 1 to ${PACKET_BATCH}`,
      );
    }
  }

  constructor(memory: WebAssembly.Memory, pointer: number, capacity: number) {
    PacketBatch.requireCapacity(capacity);
    this.#memory = memory;
    this.#view = new DataView(memory.buffer);
    this.pointer = pointer;
    this.capacity = capacity;
  }

  /** Packets in the batch. */
  get count(): number {
    return this.#count;
  }

  /**
   * Sets the number of packets, for a batch that is filled as a whole through
   * {@linkcode PacketBatch.bytes}.
   *
   * @throws {RangeError} If it exceeds the capacity.
   */
  set count(count: number) {
    if (!Number.isInteger(count) || count < 0 || count > this.capacity) {
      throw new RangeError(
        `Cannot set the count of a packet batch to "${count}": out of range, expected 0 to ${this.capacity}`,
      );
    }
    this.#count = count;
  }

  /**
   * The records of the batch's packets, not a copy. Growth of the memory detaches it:
   * ask again after each call into the module.
   */
  get bytes(): Uint8Array {
    return new Uint8Array(this.#memory.buffer, this.pointer, this.#count * PACKET_SLOT_SIZE);
  }

  /** Removes all packets. */
  clear(): void {
    this.#count = 0;
  }

  /**
   * Appends a packet and returns its index.
   *
   * @throws {RangeError} If the batch is full or a number is out of range.
   */
  add(packet: PacketInput): number {
    const { data, endpoint, hook, mark = 0, now = 0n } = packet;
    if (this.#count === this.capacity) {
      throw new RangeError(
        `Cannot add packet "${this.#count}": batch is full, expected at most ${this.capacity} packets`,
      );
    }
    requireRange(this.#count, "length", data.length, ETHERNET_BYTES, PACKET_DATA_BYTES);
    requireRange(this.#count, "endpoint", endpoint, 0, MAX_ENDPOINTS * 2 - 1);
    requireRange(this.#count, "mark", mark, 0, 0xFFFFFFFF);
    if (now < 0n || now >= 1n << 64n) {
      throw new RangeError(
        `Cannot add packet "${this.#count}": now is ${now}, expected 0 to 2^64 - 1`,
      );
    }
    const view = this.#current();
    const record = this.#record(this.#count);
    view.setBigUint64(record + PACKET_SLOT_NOW_OFF, now, true);
    view.setUint32(record + PACKET_SLOT_ENDPOINT_OFF, endpoint, true);
    view.setUint32(record + PACKET_SLOT_HOOK_OFF, HOOK_NUMBER[hook], true);
    view.setUint32(record + PACKET_SLOT_LENGTH_OFF, data.length, true);
    view.setUint32(record + PACKET_SLOT_MARK_OFF, mark, true);
    view.setInt32(record + PACKET_SLOT_VERDICT_OFF, PACKET_NOT_RUN, true);
    view.setUint32(record + PACKET_SLOT_VERDICT_OFF + 4, 0, true);
    const area = new Uint8Array(view.buffer, record + PACKET_SLOT_DATA_OFF, PACKET_DATA_BYTES);
    area.set(data);
    area.fill(0, data.length); // records are compared whole
    return this.#count++;
  }

  /** The packet at `index` as a run left it. */
  output(index: number): PacketOutput {
    const view = this.#current();
    const record = this.#record(this.#checked(index));
    const length = view.getUint32(record + PACKET_SLOT_LENGTH_OFF, true);
    const start = record + PACKET_SLOT_DATA_OFF;
    return {
      verdict: this.verdict(index),
      mark: view.getUint32(record + PACKET_SLOT_MARK_OFF, true),
      data: new Uint8Array(view.buffer, start, Math.min(length, PACKET_DATA_BYTES)).slice(),
    };
  }

  /** The verdict alone: `TC_ACT_*`, or `PACKET_NOT_RUN`. */
  verdict(index: number): number {
    const record = this.#record(this.#checked(index));
    return this.#current().getInt32(record + PACKET_SLOT_VERDICT_OFF, true);
  }

  #checked(index: number): number {
    if (!Number.isInteger(index) || index < 0 || index >= this.#count) {
      throw new RangeError(
        `Cannot read packet "${index}": not in the batch, expected 0 to ${this.#count - 1}`,
      );
    }
    return index;
  }

  #record(index: number): number {
    return this.pointer + index * PACKET_SLOT_SIZE;
  }

  /** A view of the memory as it is now: growth detaches the one of before. */
  #current(): DataView {
    if (this.#view.buffer !== this.#memory.buffer) this.#view = new DataView(this.#memory.buffer);
    return this.#view;
  }
}
