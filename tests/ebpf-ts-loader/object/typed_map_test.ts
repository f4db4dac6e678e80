import { assertEquals, assertThrows } from "@std/assert";
import { type BtfValue, loadCollection, possibleCpus, TypedMap, typedMap } from "ebpf-ts-loader";
import { fixture } from "../fixtures.ts";
import { kernelTest, packet } from "../kernel.ts";

interface Key {
  readonly [member: string]: BtfValue;
  readonly port: number;
  readonly protocol: number;
}

interface Value {
  readonly [member: string]: BtfValue;
  readonly packets: bigint;
}

kernelTest("TypedMap reads what programs write, by member", () => {
  const spec = fixture("tc.bpf.o");
  using collection = loadCollection(spec);
  const flows = typedMap<Key, Value>(collection.map("flows"), spec);
  collection.program("ingress").testRun({ data: packet(), repeat: 3 });
  const key = { address: 0, port: 8, protocol: 1, flags: 0, version: 0 };
  const value = { packets: 3n, word: 0, bytes: new Uint8Array(4), verdict: 0 };
  assertEquals([...flows], [[key, value]]);
  assertEquals([...flows.keys()], [key]);
  flows.set(key, { ...value, packets: 10n });
  collection.program("ingress").testRun({ data: packet() });
  assertEquals(flows.get(key)?.packets, 11n);
  assertEquals([flows.has(key), flows.delete(key), flows.has(key)], [true, true, false]);
  assertEquals(flows.get(key), undefined);
});

kernelTest("TypedMap takes numbers for numbers", () => {
  const spec = fixture("tc.bpf.o");
  using collection = loadCollection(spec, { only: ["counters"] });
  const counters = typedMap<number, bigint>(collection.map("counters"), spec);
  counters.set(2, 7n);
  assertEquals([...counters], [[0, 0n], [1, 0n], [2, 7n], [3, 0n]]);
  assertThrows(
    () => counters.set(-1, 0n),
    RangeError,
    'Cannot use key of "counters": -1, expected 0 to 4294967295',
  );
});

kernelTest("TypedMap gives the values of every CPU", () => {
  const spec = fixture("tc.bpf.o");
  using collection = loadCollection(spec, { only: ["per_cpu"] });
  const layout = spec.btf?.structLayout("value");
  const plain = typedMap(collection.map("per_cpu"), spec);
  const index = new Uint8Array(4);
  assertEquals(plain.getPerCpu(index)?.length, possibleCpus());
  plain.setPerCpu(
    index,
    Array.from({ length: possibleCpus() }, (_, cpu) => new Uint8Array(12).fill(cpu + 1)),
  );
  assertEquals(plain.getPerCpu(index)?.[0], new Uint8Array(12).fill(1));
  assertThrows(() => plain.get(index), TypeError, "one per CPU, expected getPerCpu()");
  assertThrows(
    () => new TypedMap(collection.map("per_cpu"), { key: undefined, value: layout }),
    RangeError,
    'Cannot use value type of "per_cpu": 16 bytes, expected 12',
  );
});

kernelTest("typedMap() names the map it does not know", () => {
  const spec = fixture("tc.bpf.o");
  using collection = loadCollection(spec, { only: ["trie"] });
  assertThrows(() => typedMap(collection.map("trie"), spec, "tree"), TypeError, 'map "tree"');
});
