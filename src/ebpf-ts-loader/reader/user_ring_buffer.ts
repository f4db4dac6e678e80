import type { BpfMap } from "../object/bpf_map.ts";
import { MapType, mapTypeName } from "../spec/map_types.ts";
import { MappedMemory, pageSize, PROT } from "../sys/mod.ts";

const HEADER_SIZE = 8;

/**
 * Writes to a BPF_MAP_TYPE_USER_RINGBUF map, which programs read with `bpf_user_ringbuf_drain()`.
 * One writer per map. Requires Linux 6.1. Memory shared with the kernel:
 *
 * ```
 * page 0 (read only)   page 1          2 × size
 * consumer u64         producer u64    records, mapped twice in a row: none is ever split
 * ```
 *
 * A record is {u32 length | busy 31 | discard 30, u32 unused, payload}, at 8-byte steps.
 *
 * @example Usage
 * ```ts
 * import { type BpfMap, type BpfProgram, UserRingBuffer } from "ebpf-ts-loader";
 * function send(map: BpfMap, reader: BpfProgram, commands: Uint8Array[]): void {
 *   using ring = new UserRingBuffer(map);
 *   for (const command of commands) {
 *     while (!ring.write(command)) reader.testRun({ data: new Uint8Array(64) });
 *   }
 * }
 * ```
 */
export class UserRingBuffer implements Disposable {
  readonly #size: number;
  readonly #consumerMemory: MappedMemory;
  readonly #producerMemory: MappedMemory;
  readonly #consumer: BigUint64Array;
  readonly #producer: BigUint64Array;
  readonly #headers: Uint32Array;
  readonly #area: Uint8Array<ArrayBuffer>;

  /** Maps the ring. The map stays the caller's. */
  constructor(map: BpfMap) {
    if (map.type !== MapType.USER_RINGBUF) {
      throw new TypeError(
        `Cannot write to "${map.name}": ${mapTypeName(map.type)}, expected USER_RINGBUF`,
      );
    }
    const page = pageSize();
    this.#size = map.maxEntries;
    using stack = new DisposableStack();
    this.#consumerMemory = stack.use(new MappedMemory({ fd: map.fd, length: page }));
    this.#producerMemory = stack.use(
      new MappedMemory({
        fd: map.fd,
        length: page + 2 * this.#size,
        offset: page,
        protection: PROT.READ | PROT.WRITE,
      }),
    );
    stack.move();
    this.#consumer = new BigUint64Array(this.#consumerMemory.buffer, 0, 1);
    this.#producer = new BigUint64Array(this.#producerMemory.buffer, 0, 1);
    this.#headers = new Uint32Array(this.#producerMemory.buffer, page);
    this.#area = new Uint8Array(this.#producerMemory.buffer, page);
  }

  /** Bytes written and not yet read by programs, headers included. */
  get pending(): number {
    this.#requireOpen();
    return Number(Atomics.load(this.#producer, 0) - Atomics.load(this.#consumer, 0));
  }

  #requireOpen(): void {
    if (!this.#area.buffer.detached) return;
    throw new TypeError('Cannot write to "user ring buffer": disposed, expected open');
  }

  /**
   * Writes a record; false if there is no room until programs have read more. Throws `RangeError`
   * for one that would never fit.
   */
  write(record: Uint8Array): boolean {
    this.#requireOpen();
    const needed = (record.length + HEADER_SIZE + 7) & ~7;
    if (needed > this.#size) {
      throw new RangeError(
        `Cannot write to "user ring buffer": ${record.length} bytes, ` +
          `expected at most ${this.#size - HEADER_SIZE}`,
      );
    }
    const producer = Atomics.load(this.#producer, 0);
    const used = Number(producer - Atomics.load(this.#consumer, 0));
    if (used + needed > this.#size) return false;
    const at = Number(producer & BigInt(this.#size - 1));
    this.#area.set(record, at + HEADER_SIZE);
    this.#headers[at / 4 + 1] = 0;
    // Not busy: the record is whole before the position below shows it.
    Atomics.store(this.#headers, at / 4, record.length);
    Atomics.store(this.#producer, 0, producer + BigInt(needed));
    return true;
  }

  /** Unmaps; what was written stays for programs. A second call does nothing. */
  [Symbol.dispose](): void {
    this.#producerMemory[Symbol.dispose]();
    this.#consumerMemory[Symbol.dispose]();
  }
}
