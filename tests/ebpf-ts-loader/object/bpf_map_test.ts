import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type BpfMap,
  createMap,
  loadCollection,
  MapFlags,
  type MapSpec,
  MapType,
  possibleCpus,
  UpdateFlag,
} from "ebpf-ts-loader";
import { pageSize, SyscallError } from "ebpf-ts-loader/sys";
import { countCpus } from "../../../src/ebpf-ts-loader/object/possible_cpus.ts";
import { fixture } from "../fixtures.ts";
import { kernelTest, packet } from "../kernel.ts";

function make(changes: Partial<MapSpec>): BpfMap {
  const spec = fixture("tc.bpf.o").maps.get("flows");
  assert(spec);
  const plain = { ...spec, name: "test", keyTypeId: 0, valueTypeId: 0 };
  return createMap({ ...plain, keySize: 4, valueSize: 4, ...changes });
}

const bytes = (...values: number[]) => new Uint8Array(values);

kernelTest("BpfMap looks up, updates and deletes", () => {
  using map = make({ keySize: 2, valueSize: 3 });
  assertEquals(map.lookup(bytes(1, 2)), undefined);
  map.update(bytes(1, 2), bytes(7, 8, 9));
  assertEquals(map.lookup(bytes(1, 2)), bytes(7, 8, 9));
  const out = new Uint8Array(3);
  assert(map.lookupInto(bytes(1, 2), out));
  assertEquals(out, bytes(7, 8, 9));
  assert(map.delete(bytes(1, 2)));
  assert(!map.delete(bytes(1, 2)));
  assert(!map.lookupInto(bytes(1, 2), out));
});

kernelTest("BpfMap.update() honours flags", () => {
  using map = make({});
  const code = (flag: number) =>
    assertThrows(() => map.update(1, 1, flag), SyscallError, 'update map "test"').code;
  assertEquals(code(UpdateFlag.EXIST), "ENOENT");
  map.update(1, 1, UpdateFlag.NOEXIST);
  assertEquals(code(UpdateFlag.NOEXIST), "EEXIST");
});

kernelTest("BpfMap refuses keys and values of a wrong size before any system call", () => {
  using map = make({ keySize: 8, valueSize: 8 });
  const key = new Uint8Array(8);
  assertThrows(() => map.lookup(bytes(1)), RangeError, "1 bytes, expected 8");
  assertThrows(() => map.lookup(1), RangeError, "expected 8 bytes");
  assertThrows(() => map.update(key, 1), RangeError, "expected 8 bytes");
  assertThrows(() => map.update(key, bytes(1)), RangeError, "1 bytes, expected 8");
  assertThrows(() => map.lookupInto(key, bytes(1)), RangeError);
  using words = make({});
  assertThrows(() => words.lookup(2 ** 32), RangeError, "expected a u32");
  assertThrows(() => words.lookup(-1), RangeError);
  assertThrows(() => words.update(0, 1.5), RangeError);
});

kernelTest("BpfMap.entries() walks all elements once", () => {
  using map = make({ maxEntries: 100 });
  for (let key = 0; key < 100; key++) map.update(key, key * 2);
  const word = (value: Uint8Array) => new DataView(value.buffer).getUint32(0, true);
  const seen = [...map.entries()].map(([key, value]) => [word(key), word(value)]);
  seen.sort(([a = 0], [b = 0]) => a - b);
  assertEquals(seen, Array.from({ length: 100 }, (_, key) => [key, key * 2]));
});

kernelTest("BpfMap.keys() tolerates removal of the key just seen", () => {
  using map = make({ maxEntries: 100 });
  for (let key = 0; key < 10; key++) map.update(key, key);
  for (const key of map.keys()) map.delete(key);
  assertEquals([...map.keys()], []);
});

kernelTest("BpfMap takes values larger than its buffers from where they lie", () => {
  using map = make({ type: MapType.ARRAY, valueSize: 20_000, maxEntries: 2 });
  const memory = new WebAssembly.Memory({ initial: 1 });
  const value = new Uint8Array(memory.buffer, 4096, 20_000).fill(3);
  map.update(1, value);
  map.update(0, new Uint8Array(20_000).fill(4));
  assertEquals(map.lookup(1)?.every((byte) => byte === 3), true);
  assertEquals(map.lookup(0)?.every((byte) => byte === 4), true);
});

kernelTest("BpfMap gives per-CPU values at a stride of 8", () => {
  using collection = loadCollection(fixture("tc.bpf.o"), { only: ["per_cpu"] });
  const map = collection.map("per_cpu");
  assertEquals(map.wholeValueSize, 16 * possibleCpus());
  const value = new Uint8Array(map.wholeValueSize);
  map.perCpuValues(value).forEach((cpu, index) => cpu.fill(index + 1));
  map.update(1, value);
  const back = map.lookup(1);
  assert(back);
  assertEquals(
    map.perCpuValues(back).map((cpu) => [cpu.length, cpu[11]]),
    Array.from({ length: possibleCpus() }, (_, index) => [12, index + 1]),
  );
});

Deno.test("countCpus() reads lists and ranges", () => {
  assertEquals(["0", "0-3", "0-3,8,10-11"].map((list) => countCpus(list, "x")), [1, 4, 7]);
  assertThrows(() => countCpus("", "x"), SyntaxError);
  assertThrows(() => countCpus("3-1", "x"), SyntaxError);
});

kernelTest("BpfMap.mmap() shares an array with programs", () => {
  using collection = loadCollection(fixture("tc.bpf.o"), { only: ["from_container"] });
  using mapping = collection.map("counters").mmap();
  const counters = new BigUint64Array(mapping.buffer, 0, 4);
  counters[1] = 10n;
  collection.program("from_container").testRun({ data: packet(), repeat: 5 });
  assertEquals(Atomics.load(counters, 1), 15n);
});

kernelTest("BpfMap.mmapInto() shares an array with Wasm memory", () => {
  using collection = loadCollection(fixture("tc.bpf.o"), { only: ["from_container"] });
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 8, shared: true });
  using mapping = collection.map("counters").mmapInto(memory, pageSize());
  memory.grow(2);
  collection.program("from_container").testRun({ data: packet(), repeat: 5 });
  assertEquals(new DataView(memory.buffer).getBigUint64(pageSize() + 8, true), 5n);
  assertEquals(mapping.bytes[8], 5);
});

kernelTest("BpfMap.mmap() refuses maps that are not mmapable", () => {
  using map = make({ type: MapType.ARRAY });
  assertThrows(() => map.mmap(), TypeError, "expected MMAPABLE");
});

kernelTest("BpfMap.freeze() ends updates", () => {
  using map = make({ type: MapType.ARRAY, flags: MapFlags.MMAPABLE });
  map.freeze();
  assertEquals(assertThrows(() => map.update(0, 1), SyscallError).code, "EPERM");
  using reading = map.mmap({ writable: false });
  assertEquals(reading.bytes[0], 0);
});

kernelTest("BpfMap.info() tells what the kernel has", () => {
  using map = make({ maxEntries: 9, name: "a-long name, longer than 15" });
  const { name, type, keySize, maxEntries } = map.info();
  assertEquals([name, type, keySize, maxEntries], ["a_long_name__lo", MapType.HASH, 4, 9]);
});

const TYPES: { type: keyof typeof MapType; changes: Partial<MapSpec> }[] = [
  { type: "HASH", changes: {} },
  { type: "ARRAY", changes: {} },
  { type: "PROG_ARRAY", changes: {} },
  { type: "PERF_EVENT_ARRAY", changes: { maxEntries: 0 } },
  { type: "PERCPU_HASH", changes: {} },
  { type: "PERCPU_ARRAY", changes: {} },
  { type: "LRU_HASH", changes: {} },
  { type: "LRU_PERCPU_HASH", changes: {} },
  { type: "LPM_TRIE", changes: { keySize: 8, flags: MapFlags.NO_PREALLOC } },
  { type: "SOCKMAP", changes: {} },
  { type: "SOCKHASH", changes: {} },
  { type: "QUEUE", changes: { keySize: 0 } },
  { type: "STACK", changes: { keySize: 0 } },
  { type: "RINGBUF", changes: { keySize: 0, valueSize: 0, maxEntries: 5000 } },
  { type: "BLOOM_FILTER", changes: { keySize: 0, mapExtra: 3n } },
];

for (const { type, changes } of TYPES) {
  kernelTest(`createMap() makes a ${type}`, () => {
    using map = make({ type: MapType[type], ...changes });
    assertEquals(map.info().type, MapType[type]);
    assertEquals(map.info().maxEntries, map.maxEntries);
  });
}
