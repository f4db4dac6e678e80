import { check, ERRNO, Fd, MappedMemory, pageSize, PROT, SYS, syscall } from "../sys/mod.ts";

/** A sample that a program wrote. */
export interface PerfRecord {
  /** The CPU that the program ran on. */
  readonly cpu: number;
  /**
   * The bytes (a copy). The kernel pads a sample of n bytes to the next multiple of 8 after
   * n + 4: up to 7 bytes of zeros follow.
   */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Receives the samples of one wake-up as views, valid only during the call. */
export type OnPerfBatch = (records: readonly PerfRecord[]) => void;

/**
 * Receives one sample: `length` bytes at `offset` of `area`, written on `cpu`. Valid only during
 * the call: copy what is to stay.
 */
export type OnPerfRecord = (
  area: Uint8Array<ArrayBuffer>,
  offset: number,
  length: number,
  cpu: number,
) => void;

/** How large a ring is and when it wakes its reader. */
export interface PerfRingOptions {
  readonly bytes: number;
  readonly watermark: number;
}

const ATTR_SIZE = 64; // PERF_ATTR_SIZE_VER0
const TYPE_SOFTWARE = 1;
const COUNT_BPF_OUTPUT = 10n;
const SAMPLE_RAW = 1n << 10n;
const FLAG_WATERMARK = 1n << 14n;
const OPEN_CLOEXEC = 8;
const ALL_PROCESSES = -1;
const NO_GROUP = -1;
const IOC_ENABLE = 0x2400;

// struct perf_event_mmap_page, as indexes of u64.
const DATA_HEAD = 1024 / 8;
const DATA_TAIL = 1032 / 8;

const HEADER_SIZE = 8;
const RECORD_LOST = 2;
const RECORD_SAMPLE = 9;

/** Opens the buffer of a CPU; undefined if the CPU is not online. The caller owns it. */
export function openPerfRing(cpu: number, options: PerfRingOptions): PerfRing | undefined {
  const { bytes, watermark } = options;
  const page = pageSize();
  if (!Number.isInteger(Math.log2(bytes)) || bytes < page) {
    throw new RangeError(
      `Cannot use "perCpuBytes": ${bytes}, expected a power of two from ${page} on`,
    );
  }
  if (!Number.isInteger(watermark) || watermark < 1 || watermark > bytes) {
    throw new RangeError(`Cannot use "watermark": ${watermark}, expected 1 to ${bytes}`);
  }
  const attr = new DataView(new ArrayBuffer(ATTR_SIZE));
  attr.setUint32(0, TYPE_SOFTWARE, true);
  attr.setUint32(4, ATTR_SIZE, true);
  attr.setBigUint64(8, COUNT_BPF_OUTPUT, true);
  attr.setBigUint64(16, 1n, true); // sample_period: every event
  attr.setBigUint64(24, SAMPLE_RAW, true);
  attr.setBigUint64(40, FLAG_WATERMARK, true);
  attr.setUint32(48, watermark, true);
  const fd = syscall(
    SYS.perf_event_open,
    new Uint8Array(attr.buffer),
    ALL_PROCESSES,
    cpu,
    NO_GROUP,
    OPEN_CLOEXEC,
  );
  if (fd === -ERRNO.ENODEV) return undefined;
  check(fd, "perf_event_open", {
    action: "open perf buffer of",
    subject: `CPU ${cpu}`,
    expected: "CAP_PERFMON, or root",
  });
  using stack = new DisposableStack();
  const event = stack.use(new Fd(fd));
  const length = page + bytes;
  const memory = stack.use(
    new MappedMemory({ fd, length, protection: PROT.READ | PROT.WRITE }),
  );
  check(syscall(SYS.ioctl, fd, IOC_ENABLE, 0), "ioctl", {
    action: "enable perf buffer of",
    subject: `CPU ${cpu}`,
  });
  stack.move();
  return new PerfRing(cpu, event, memory);
}

/**
 * The buffer of one CPU. A page of positions, then the data: records of {u32 type, u16 misc,
 * u16 size, payload} at 8-byte steps, which may go on at the start; see kernel/events/ring_buffer.c.
 */
export class PerfRing implements Disposable {
  readonly cpu: number;
  readonly #event: Fd;
  readonly #memory: MappedMemory;
  readonly #positions: BigUint64Array;
  readonly #data: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #lost = 0;
  #draining = false;

  constructor(cpu: number, event: Fd, memory: MappedMemory) {
    const page = pageSize();
    this.cpu = cpu;
    this.#event = event;
    this.#memory = memory;
    this.#positions = new BigUint64Array(memory.buffer, 0, page / 8);
    this.#data = new Uint8Array(memory.buffer, page);
    this.#view = new DataView(memory.buffer, page);
  }

  get fd(): number {
    return this.#event.fd;
  }

  get lost(): number {
    return this.#lost;
  }

  drain(onRecord: OnPerfRecord, limit: number): number {
    return this.#pass(onRecord, limit);
  }

  drainBatch(onBatch: OnPerfBatch): void {
    const records: PerfRecord[] = [];
    const collect: OnPerfRecord = (area, offset, length, cpu) =>
      void records.push({ cpu, data: area.subarray(offset, offset + length) });
    this.#pass(collect, Infinity, () => {
      if (records.length > 0) onBatch(records);
    });
  }

  #pass(onRecord: OnPerfRecord, limit: number, beforeRelease?: () => void): number {
    if (this.#draining) throw new TypeError('Cannot drain "perf buffer": draining, expected idle');
    this.#draining = true;
    const start = Atomics.load(this.#positions, DATA_TAIL);
    const available = Number(Atomics.load(this.#positions, DATA_HEAD) - start);
    const base = Number(start & BigInt(this.#data.length - 1));
    let done = 0;
    let count = 0;
    try {
      while (done < available && count < limit) {
        const at = (base + done) & (this.#data.length - 1);
        const type = this.#view.getUint32(at, true);
        const size = this.#view.getUint16(at + 6, true);
        // Moved on first: a sample that made the callback throw is not handed out again.
        done += size;
        if (this.#take(at, type, size, onRecord)) count++;
      }
      beforeRelease?.();
    } finally {
      this.#draining = false;
      // The callback may have disposed the ring.
      if (done > 0 && !this.#memory.buffer.detached) {
        Atomics.store(this.#positions, DATA_TAIL, start + BigInt(done));
      }
    }
    return count;
  }

  /** Handles one record; true if it was a sample. */
  #take(at: number, type: number, size: number, onRecord: OnPerfRecord): boolean {
    if (type !== RECORD_SAMPLE && type !== RECORD_LOST) return false;
    const [area, offset] = this.#contiguous(at + HEADER_SIZE, size - HEADER_SIZE);
    const view = new DataView(area.buffer, area.byteOffset + offset);
    if (type === RECORD_LOST) {
      this.#lost += Number(view.getBigUint64(8, true)); // behind the event's id
      return false;
    }
    const SIZE_BYTES = 4;
    onRecord(area, offset + SIZE_BYTES, view.getUint32(0, true), this.cpu);
    return true;
  }

  /** Bytes that may go on at the start of the buffer: in place, or put together in a copy. */
  #contiguous(at: number, length: number): [area: Uint8Array<ArrayBuffer>, offset: number] {
    const offset = at & (this.#data.length - 1);
    const behind = this.#data.length - offset;
    if (length <= behind) return [this.#data, offset];
    const copy = new Uint8Array(length);
    copy.set(this.#data.subarray(offset));
    copy.set(this.#data.subarray(0, length - behind), behind);
    return [copy, 0];
  }

  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
    this.#event[Symbol.dispose]();
  }
}
