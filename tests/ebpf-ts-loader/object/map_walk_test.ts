import { assert, assertEquals, assertThrows } from "@std/assert";
import { type BpfMap, createMap, MapFlags, type MapSpec, MapType } from "ebpf-ts-loader";
import { walkMap } from "../../../src/ebpf-ts-loader/object/map_walk.ts";
import { fixture } from "../fixtures.ts";
import { kernelTest } from "../kernel.ts";

const COUNT = 1000;

function make(changes: Partial<MapSpec>): BpfMap {
  const spec = fixture("tc.bpf.o").maps.get("flows");
  assert(spec);
  const plain = { ...spec, name: "test", keyTypeId: 0, valueTypeId: 0 };
  const map = createMap({ ...plain, keySize: 8, valueSize: 4, maxEntries: 2 * COUNT, ...changes });
  for (let number = 0; number < COUNT; number++) map.update(key(number), number);
  return map;
}

/** A trie's key of 32 bits; any other map takes it too. */
function key(number: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, 32, true);
  view.setUint32(4, number);
  return new Uint8Array(view.buffer);
}

const numberOf = (bytes: Uint8Array<ArrayBuffer>) => new DataView(bytes.buffer).getUint32(4);
const isOdd = (number: number) => number % 2 === 1;
const EVEN = Array.from({ length: COUNT / 2 }, (_, index) => 2 * index);

const TYPES = {
  HASH: {},
  LRU_HASH: { maxEntries: 4 * COUNT },
  LPM_TRIE: { flags: MapFlags.NO_PREALLOC },
} satisfies Record<string, Partial<MapSpec>>;

for (const [type, changes] of Object.entries(TYPES)) {
  const options = { ...changes, type: MapType[type as keyof typeof TYPES] };

  kernelTest(`BpfMap.keys() of a ${type} sees once what stays while others are removed`, () => {
    using map = make(options);
    const seen: number[] = [];
    for (const each of map.keys()) {
      seen.push(numberOf(each));
      // Removes odd keys all over the map, the ones just seen and those to come among them.
      const first = (seen.length * 7) % COUNT;
      for (let number = first; number < first + 10; number++) {
        if (isOdd(number)) map.delete(key(number));
      }
    }
    assertEquals(new Set(seen).size, seen.length, "no key twice");
    assertEquals(seen.filter((number) => !isOdd(number)).sort((a, b) => a - b), EVEN);
  });

  kernelTest(`BpfMap.entries() of a ${type} can be emptied on the way`, () => {
    using map = make(options);
    let sum = 0;
    for (const [each, value] of map.entries()) {
      sum += new DataView(value.buffer).getUint32(0, true);
      assert(map.delete(each));
    }
    assertEquals(sum, COUNT * (COUNT - 1) / 2);
    assertEquals([...map.keys()], []);
  });
}

kernelTest("BpfMap.keys() throws when the map is disposed meanwhile", () => {
  const map = make({});
  const keys = map.keys();
  keys.next();
  map[Symbol.dispose]();
  assertThrows(() => [...keys], TypeError, "closed");
});

Deno.test("walkMap() gives up on a walk that starts again for ever", () => {
  const map = {
    fd: -1,
    name: "m",
    type: MapType.LPM_TRIE,
    keySize: 1,
    valueSize: 1,
    maxEntries: 4,
  };
  const keys = walkMap(map, () => Uint8Array.of(1));
  assertEquals(keys.next().value?.key, Uint8Array.of(1));
  assertThrows(() => keys.next(), Error, 'Cannot iterate map "m": 16 keys seen again');
});
