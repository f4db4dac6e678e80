import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  BatchCursor,
  BatchError,
  type BpfMap,
  createMap,
  loadCollection,
  MapFlags,
  type MapSpec,
  MapType,
} from "ebpf-ts-loader";
import { fixture } from "../fixtures.ts";
import { kernelTest } from "../kernel.ts";

function make(changes: Partial<MapSpec>): BpfMap {
  const spec = fixture("tc.bpf.o").maps.get("flows");
  assert(spec);
  const plain = { ...spec, name: "test", keyTypeId: 0, valueTypeId: 0, maxEntries: 1000 };
  return createMap({ ...plain, keySize: 4, valueSize: 8, ...changes });
}

/** 1000 keys i and values 3 i, packed inside a WebAssembly.Memory. */
function packed(memory: WebAssembly.Memory) {
  const keys = new Uint32Array(memory.buffer, 0, 1000).map((_, index) => index);
  const values = new BigUint64Array(memory.buffer, 8192, 1000).map((_, index) => BigInt(index * 3));
  new Uint32Array(memory.buffer, 0, 1000).set(keys);
  new BigUint64Array(memory.buffer, 8192, 1000).set(values);
  return {
    keys: new Uint8Array(memory.buffer, 0, 4000),
    values: new Uint8Array(memory.buffer, 8192, 8000),
  };
}

for (const shared of [false, true]) {
  kernelTest(`updateBatch() and lookupBatch() work in Wasm memory, shared: ${shared}`, () => {
    using map = make({});
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared });
    const { keys, values } = packed(memory);
    map.updateBatch(keys, values);
    assertEquals(map.lookup(999), new Uint8Array(new BigUint64Array([2997n]).buffer));

    const seen = new Map<number, bigint>();
    const cursor = new BatchCursor();
    const outKeys = new Uint8Array(memory.buffer, 65536, 256 * 4);
    const outValues = new Uint8Array(memory.buffer, 65536 + 1024, 256 * 8);
    while (!cursor.ended) {
      const { count } = map.lookupBatch(outKeys, outValues, cursor);
      const view = new DataView(memory.buffer, 65536);
      for (let index = 0; index < count; index++) {
        seen.set(view.getUint32(index * 4, true), view.getBigUint64(1024 + index * 8, true));
      }
    }
    assertEquals(seen.size, 1000);
    assert([...seen].every(([key, value]) => value === BigInt(key * 3)));
    assertEquals(map.lookupBatch(outKeys, outValues, cursor), { count: 0, end: true });
  });
}

kernelTest("deleteBatch() and lookupAndDeleteBatch() empty a map", () => {
  using map = make({});
  const { keys, values } = packed(new WebAssembly.Memory({ initial: 1 }));
  map.updateBatch(keys, values);
  map.deleteBatch(keys, { count: 400 });
  assertEquals([...map.keys()].length, 600);
  const [outKeys, outValues] = [new Uint8Array(4000), new Uint8Array(8000)];
  const { count, end } = map.lookupAndDeleteBatch(outKeys, outValues, new BatchCursor());
  assertEquals([count, end, [...map.keys()].length], [600, true, 0]);
});

kernelTest("updateBatch() says how many elements were done", () => {
  using map = make({ maxEntries: 10, flags: MapFlags.NO_PREALLOC });
  const { keys, values } = packed(new WebAssembly.Memory({ initial: 1 }));
  const error = assertThrows(() => map.updateBatch(keys, values), BatchError, "E2BIG");
  assertEquals([error.done, [...map.keys()].length], [10, 10]);
  map.deleteBatch(keys, { count: 10 });
  const absent = assertThrows(() => map.deleteBatch(keys, { count: 3 }), BatchError, "ENOENT");
  assertEquals(absent.done, 0);
});

kernelTest("a batch goes on from where another one stopped", () => {
  using map = make({ maxEntries: 600, flags: MapFlags.NO_PREALLOC });
  const { keys, values } = packed(new WebAssembly.Memory({ initial: 1 }));
  const error = assertThrows(() => map.updateBatch(keys, values), BatchError, "(600 done)");
  assertEquals(map.deleteBatch(keys, { count: 600 }), 600);
  map.updateBatch(keys, values, { from: error.done });
  assertEquals([map.lookup(599), [...map.keys()].length], [undefined, 400]);
  assertThrows(() => map.updateBatch(keys, values, { from: 1001 }), RangeError, "0 to 1000");
  const again = assertThrows(() => map.updateBatch(keys, values, { from: 100 }), BatchError);
  assertEquals(again.done, 300, "counted from the start of the arrays");
});

kernelTest("deleteBatch() skips absent keys if told to", () => {
  using map = make({});
  const { keys, values } = packed(new WebAssembly.Memory({ initial: 1 }));
  map.updateBatch(keys, values);
  for (const absent of [0, 1, 500, 999]) map.delete(absent);
  const error = assertThrows(() => map.deleteBatch(keys, { from: 2 }), BatchError, "ENOENT");
  assertEquals(error.done, 500);
  assertEquals(map.deleteBatch(keys, { absent: "skip" }), 498);
  assertEquals([...map.keys()], []);
});

kernelTest("a refused batch has done nothing", () => {
  using map = make({ type: MapType.ARRAY });
  map.freeze();
  const { keys, values } = packed(new WebAssembly.Memory({ initial: 1 }));
  const error = assertThrows(() => map.updateBatch(keys, values), BatchError, "EPERM");
  assertEquals(error.done, 0);
});

kernelTest("lookupBatch() leaves the cursor where it was when there is no room", () => {
  using map = make({ maxEntries: 2 }); // 2 buckets
  for (const key of [1, 2]) map.update(key, new Uint8Array(8));
  const cursor = new BatchCursor();
  const read = (room: number) =>
    map.lookupBatch(new Uint8Array(room * 4), new Uint8Array(room * 8), cursor).count;
  let count = 0;
  let failures = 0;
  for (let room = 1; !cursor.ended; room = 2) {
    try {
      count += read(room);
    } catch (error) {
      assert(error instanceof BatchError && error.code === "ENOSPC");
      failures++;
    }
  }
  assertEquals(count, 2);
  assert(failures <= 1);
});

kernelTest("batches refuse counts that do not fit the buffers", () => {
  using map = make({});
  const [keys, values] = [new Uint8Array(40), new Uint8Array(72)];
  assertThrows(() => map.updateBatch(keys, values), RangeError, "10 elements in 40 key bytes");
  assertThrows(() => map.updateBatch(keys, values, { count: -1 }), RangeError);
  assertThrows(() => map.updateBatch(keys, values, { count: 1.5 }), RangeError);
  assertThrows(() => map.deleteBatch(keys, { count: 11 }), RangeError);
  map.updateBatch(keys, values, { count: 0 });
});

kernelTest("batches work on tries and arrays", () => {
  using trie = make({ type: MapType.LPM_TRIE, flags: MapFlags.NO_PREALLOC, keySize: 8 });
  const keys = new Uint8Array([32, 0, 0, 0, 10, 0, 0, 1, 8, 0, 0, 0, 10, 0, 0, 0]);
  trie.updateBatch(keys, new Uint8Array(16).fill(1));
  assertEquals([...trie.keys()].length, 2);
  using array = make({ type: MapType.ARRAY, maxEntries: 4 });
  array.updateBatch(new Uint8Array(new Uint32Array([1, 3]).buffer), new Uint8Array(16).fill(5));
  assertEquals([...array.entries()].map(([, value]) => value[0]), [0, 5, 0, 5]);
});

kernelTest("updateBatchAsync() fills map-in-maps off the event loop", async () => {
  using collection = loadCollection(fixture("tc.bpf.o"), { only: ["outer_hash", "nested"] });
  const outer = collection.map("outer_hash");
  const [a, b] = [collection.map("inner_a"), collection.map("inner_b")];
  const keys = new Uint8Array(new BigUint64Array([7n, 8n]).buffer);
  const values = new Uint8Array(new Uint32Array([a.fd, b.fd]).buffer);
  await outer.updateBatchAsync(keys, values);
  const id = new DataView(outer.lookup(keys.subarray(8))?.buffer ?? new ArrayBuffer(4));
  assertEquals(id.getUint32(0, true), b.info().id);

  const wrong = new Uint8Array(new Uint32Array([a.fd, 999_999]).buffer);
  const error = await assertRejects(() => outer.updateBatchAsync(keys, wrong), BatchError, "EBADF");
  assertEquals(error.done, 1);
});
