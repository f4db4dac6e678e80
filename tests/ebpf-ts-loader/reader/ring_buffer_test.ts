import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Collection, loadCollection, RingBuffer } from "ebpf-ts-loader";
import { Epoll } from "ebpf-ts-loader/sys";
import { fixture } from "../fixtures.ts";
import { kernelTest, packet } from "../kernel.ts";

function load(): Collection {
  return loadCollection(fixture("tc.bpf.o"), {
    only: ["emit"],
    variables: { config_endpoint_id: 9, total: 0 },
  });
}

function emit(collection: Collection, count: number, length = 64): void {
  collection.program("emit").testRun({ data: packet(length), repeat: count });
}

/** The `sequence` field of an event. */
function sequence(record: Uint8Array<ArrayBuffer>): number {
  return Number(new DataView(record.buffer, record.byteOffset).getBigUint64(8, true));
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

kernelTest("RingBuffer.drain() hands out records in place", () => {
  using collection = load();
  using ring = new RingBuffer(collection.map("events"));
  emit(collection, 2, 100);
  const seen: number[][] = [];
  const count = ring.drain((area, offset, length) => {
    const view = new DataView(area.buffer, area.byteOffset + offset, length);
    seen.push([length, view.getUint32(0, true), view.getUint32(4, true), view.getUint32(8, true)]);
  });
  assertEquals(count, 2);
  assertEquals(seen, [[16, 9, 100, 0], [16, 9, 100, 1]]);
  assertEquals([ring.drain(() => {}), ring.pending], [0, 0]);
});

kernelTest("RingBuffer.drain() goes on across the ring's end", () => {
  using collection = load();
  using ring = new RingBuffer(collection.map("events"));
  const seen: number[] = [];
  for (let round = 0; round < 50; round++) {
    emit(collection, 37);
    ring.drainBatch((records) => seen.push(...records.map(sequence)));
  }
  assertEquals(seen, upTo(50 * 37));
});

kernelTest("RingBuffer gives a full ring back", () => {
  using collection = load();
  using ring = new RingBuffer(collection.map("events"));
  emit(collection, 1000); // 4096 bytes hold 170 records of 24
  assertEquals(ring.drain(() => {}), 170);
  emit(collection, 10);
  assertEquals(ring.drain(() => {}), 10);
});

kernelTest("RingBuffer.drain() honours its limit and skips a record that threw", () => {
  using collection = load();
  using ring = new RingBuffer(collection.map("events"));
  emit(collection, 5);
  assertEquals(ring.drain(() => {}, 2), 2);
  assertThrows(
    () =>
      ring.drain(() => {
        throw new Error("no");
      }),
    Error,
    "no",
  );
  const seen: number[] = [];
  ring.drainBatch((records) => seen.push(...records.map(sequence)));
  assertEquals(seen, [3, 4]);
  emit(collection, 1);
  ring.drain(() => assertThrows(() => ring.drain(() => {}), TypeError, "draining"));
});

kernelTest("RingBuffer.watch() and records() wait on one epoll", async () => {
  using first = load();
  using second = load();
  const epoll = new Epoll();
  {
    using watched = new RingBuffer(first.map("events"), { epoll });
    using iterated = new RingBuffer(second.map("events"), { epoll });
    const { promise, resolve } = Promise.withResolvers<void>();
    const seen: number[] = [];
    using _watch = watched.watch((records) => {
      seen.push(...records.map(sequence));
      if (seen.length === 20) resolve();
    });
    const iterating = (async () => {
      const values: number[] = [];
      for await (const record of iterated) {
        values.push(sequence(record));
        if (values.length === 30) return values;
      }
      return values;
    })();
    for (let round = 0; round < 10; round++) {
      emit(first, 2);
      emit(second, 3);
      await new Promise((done) => setTimeout(done, 1));
    }
    await promise;
    assertEquals(seen, upTo(20));
    assertEquals(await iterating, upTo(30));
  }
  epoll[Symbol.dispose]();
  await epoll.closed();
});

kernelTest("RingBuffer.records() ends when the ring is disposed or the signal aborts", async () => {
  using collection = load();
  const epoll = new Epoll();
  const disposed = new RingBuffer(collection.map("events"), { epoll });
  const ended = Array.fromAsync(disposed.records());
  await new Promise((done) => setTimeout(done, 1));
  disposed[Symbol.dispose]();
  assertEquals(await ended, []);
  assertThrows(() => disposed.drain(() => {}), TypeError, "disposed");

  using aborted = new RingBuffer(collection.map("events"), { epoll });
  emit(collection, 2);
  const signal = AbortSignal.timeout(20);
  assertEquals((await Array.fromAsync(aborted.records({ signal }))).length, 2);
  assert(signal.aborted);
  epoll[Symbol.dispose]();
  await epoll.closed();
});

kernelTest("RingBuffer refuses other maps", () => {
  using collection = loadCollection(fixture("tc.bpf.o"), { only: ["counters"] });
  assertThrows(() => new RingBuffer(collection.map("counters")), TypeError, "expected RINGBUF");
});
