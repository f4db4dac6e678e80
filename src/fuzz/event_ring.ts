import type { BpfMap } from "ebpf-ts-loader";
import { MappedMemory, pageSize, PROT } from "ebpf-ts-loader/sys";

/**
 * The events ring: consumer page, producer page, and the records mapped twice in a row (see
 * kernel/bpf/ringbuf.c). It is no part of the module's memory: V8 makes all of that writable when
 * it grows, which the kernel refuses for a ring's records.
 */
export class EventRing implements Disposable {
  readonly #consumer: MappedMemory;
  readonly #producer: MappedMemory;
  readonly #page = pageSize();
  readonly #size: number;

  constructor({ fd, maxEntries }: BpfMap) {
    using owned = new DisposableStack();
    const length = this.#page + 2 * maxEntries;
    const protection = PROT.READ | PROT.WRITE;
    this.#size = maxEntries;
    this.#consumer = owned.use(new MappedMemory({ fd, length: this.#page, protection }));
    this.#producer = new MappedMemory({ fd, length, offset: this.#page, protection: PROT.READ });
    owned.move();
  }

  /** Where the producer stands; only while no packet runs. */
  get produced(): bigint {
    return new BigUint64Array(this.#producer.buffer)[0] ?? 0n;
  }

  get #consumed(): bigint {
    return new BigUint64Array(this.#consumer.buffer)[0] ?? 0n;
  }

  /** The records between the consumer and a position; valid until they are consumed. */
  recordsUntil(position: bigint): Uint8Array<ArrayBuffer> {
    const start = this.#page + Number(this.#consumed & BigInt(this.#size - 1));
    return this.#producer.bytes.subarray(start, start + Number(position - this.#consumed));
  }

  /** Gives the room up to a position back to the programs. */
  consume(position: bigint): void {
    Atomics.store(new BigUint64Array(this.#consumer.buffer), 0, position);
  }

  /** Unmaps it. */
  [Symbol.dispose](): void {
    this.#producer[Symbol.dispose]();
    this.#consumer[Symbol.dispose]();
  }
}
