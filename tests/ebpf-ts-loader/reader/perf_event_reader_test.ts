import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Collection, loadCollection, PerfEventReader, possibleCpus } from "ebpf-ts-loader";
import { Epoll, pageSize } from "ebpf-ts-loader/sys";
import { fixture } from "../fixtures.ts";
import { kernelTest, packet } from "../kernel.ts";

/** What a sample of 12 bytes takes: header 8, size 4, data 12. */
const RECORD_BYTES = 24;

const load = () => loadCollection(fixture("readers.bpf.o"), { only: ["emit_perf"] });

function emit(collection: Collection, count: number, length = 64): void {
  collection.program("emit_perf").testRun({ data: packet(length), repeat: count });
}

function sequence(data: Uint8Array<ArrayBuffer>): number {
  return Number(new DataView(data.buffer, data.byteOffset).getBigUint64(0, true));
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

kernelTest("PerfEventReader.drain() hands out samples in place", () => {
  using collection = load();
  using reader = new PerfEventReader(collection.map("perf"));
  emit(collection, 2, 100);
  const seen: number[][] = [];
  const count = reader.drain((area, offset, length, cpu) => {
    const view = new DataView(area.buffer, area.byteOffset + offset, length);
    assert(cpu < possibleCpus());
    seen.push([length, view.getUint32(0, true), view.getUint32(8, true)]);
  });
  assertEquals([count, seen], [2, [[12, 0, 100], [12, 1, 100]]]);
  assertEquals([reader.drain(() => {}), reader.lost], [0, 0]);
});

kernelTest("PerfEventReader goes on across the end of a buffer", () => {
  using collection = load();
  using reader = new PerfEventReader(collection.map("perf"), { perCpuBytes: pageSize() });
  const seen: number[] = [];
  for (let round = 0; round < 50; round++) {
    emit(collection, 37);
    reader.drain((area, offset, length) =>
      void seen.push(sequence(area.slice(offset, offset + length)))
    );
  }
  assertEquals(seen.toSorted((a, b) => a - b), upTo(50 * 37));
});

kernelTest("PerfEventReader counts lost samples and goes on", () => {
  using collection = load();
  using reader = new PerfEventReader(collection.map("perf"), { perCpuBytes: pageSize() });
  const WRITTEN = 1000;
  emit(collection, WRITTEN);
  const read = reader.drain(() => {});
  assert(read > 0 && read < WRITTEN);
  assertEquals(read, Math.floor(pageSize() / RECORD_BYTES));
  // The kernel tells about losses before the next sample that fits.
  while (reader.lost === 0) {
    emit(collection, 1);
    reader.drain(() => {});
  }
  assertEquals(reader.lost, WRITTEN - read);
  const byCpu = [...reader.lostByCpu.values()];
  assertEquals(byCpu.reduce((total, lost) => total + lost, 0), WRITTEN - read);
});

kernelTest("PerfEventReader.drain() honours its limit and skips a sample that threw", () => {
  using collection = load();
  using reader = new PerfEventReader(collection.map("perf"));
  emit(collection, 5);
  assertEquals(reader.drain(() => {}, 2), 2);
  assertThrows(
    () =>
      reader.drain(() => {
        throw new Error("no");
      }),
    Error,
    "no",
  );
  assertEquals(reader.drain(() => assertThrows(() => reader.drain(() => {}), TypeError)), 2);
});

kernelTest("PerfEventReader.watch() and records() wait on one epoll", async () => {
  using first = load();
  using second = load();
  const epoll = new Epoll();
  {
    using watched = new PerfEventReader(first.map("perf"), { epoll });
    using iterated = new PerfEventReader(second.map("perf"), { epoll });
    const { promise, resolve } = Promise.withResolvers<void>();
    const seen: number[] = [];
    using _watch = watched.watch((records) => {
      seen.push(...records.map(({ data }) => sequence(data)));
      if (seen.length === 20) resolve();
    });
    const iterating = (async () => {
      const values: number[] = [];
      for await (const { data } of iterated) {
        values.push(sequence(data));
        if (values.length === 30) break;
      }
      return values;
    })();
    for (let round = 0; round < 10; round++) {
      emit(first, 2);
      emit(second, 3);
      await new Promise((done) => setTimeout(done, 1));
    }
    await promise;
    assertEquals(seen.toSorted((a, b) => a - b), upTo(20));
    assertEquals((await iterating).toSorted((a, b) => a - b), upTo(30));
    assertEquals(epoll.size, possibleCpus(), "the watcher's descriptors only");
  }
  epoll[Symbol.dispose]();
  await epoll.closed();
});

kernelTest("PerfEventReader with a watermark waits until there is enough", async () => {
  using collection = load();
  const epoll = new Epoll();
  {
    const watermark = 100 * RECORD_BYTES;
    using reader = new PerfEventReader(collection.map("perf"), { epoll, watermark });
    const { promise, resolve } = Promise.withResolvers<number>();
    using _watch = reader.watch((records) => resolve(records.length));
    emit(collection, 200 * possibleCpus());
    assert(await promise >= 100);
  }
  epoll[Symbol.dispose]();
  await epoll.closed();
});

kernelTest(
  "PerfEventReader.records() ends when the reader is disposed or the signal aborts",
  async () => {
    using collection = load();
    const epoll = new Epoll();
    {
      const disposed = new PerfEventReader(collection.map("perf"), { epoll });
      const ended = Array.fromAsync(disposed.records());
      await new Promise((done) => setTimeout(done, 1));
      disposed[Symbol.dispose]();
      assertEquals(await ended, []);
      assertThrows(() => disposed.drain(() => {}), TypeError, "disposed");
      using aborted = new PerfEventReader(collection.map("perf"), { epoll });
      emit(collection, 2);
      const records = await Array.fromAsync(aborted.records({ signal: AbortSignal.timeout(20) }));
      assertEquals(records.length, 2);
    }
    epoll[Symbol.dispose]();
    await epoll.closed();
  },
);

kernelTest("PerfEventReader leaves the map empty, whichever is disposed first", () => {
  using collection = load();
  const map = collection.map("perf");
  {
    using _reader = new PerfEventReader(map);
    emit(collection, 1);
  }
  emit(collection, 1);
  using reader = new PerfEventReader(map);
  assertEquals(reader.drain(() => {}), 0);
  map[Symbol.dispose]();
});

kernelTest("PerfEventReader refuses other maps and sizes", () => {
  using collection = loadCollection(fixture("readers.bpf.o"), { only: ["perf", "commands"] });
  assertThrows(
    () => new PerfEventReader(collection.map("commands")),
    TypeError,
    "USER_RINGBUF, expected PERF_EVENT_ARRAY",
  );
  const map = collection.map("perf");
  assertThrows(() => new PerfEventReader(map, { perCpuBytes: 5000 }), RangeError, "power of two");
  assertThrows(() => new PerfEventReader(map, { perCpuBytes: 64 }), RangeError, "perCpuBytes");
  assertThrows(() => new PerfEventReader(map, { watermark: 0 }), RangeError, "watermark");
});
