import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  createMap,
  loadCollection,
  MapFlags,
  MapType,
  MismatchError,
  openPinnedMap,
  openPinnedProgram,
  openPinnedTcx,
  prepare,
  requireCompatible,
  unpin,
} from "ebpf-ts-loader";
import { SyscallError } from "ebpf-ts-loader/sys";
import { fixture } from "../fixtures.ts";
import { bpffsMissing, kernelTest, packet, uniqueBpffsPath } from "../kernel.ts";

const FOLDER = uniqueBpffsPath("pins");

function pinTest(name: string, body: () => void): void {
  const inFolder = () => {
    Deno.mkdirSync(FOLDER);
    try {
      body();
    } finally {
      Deno.removeSync(FOLDER, { recursive: true });
    }
  };
  kernelTest(name, inFolder, { unless: bpffsMissing });
}

pinTest("BpfMap.pin() keeps a map until unpin()", () => {
  const path = `${FOLDER}/counters`;
  const spec = fixture("tc.bpf.o");
  {
    using collection = loadCollection(spec, { only: ["counters"] });
    collection.map("counters").update(2, new Uint8Array(8).fill(1));
    collection.map("counters").pin(path);
    const again = assertThrows(() => collection.map("counters").pin(path), SyscallError);
    assertEquals(again.code, "EEXIST");
  }
  using map = openPinnedMap(path);
  assertEquals(map.lookup(2)?.at(0), 1);
  const counters = spec.maps.get("counters");
  assert(counters);
  requireCompatible(map, counters);
  assertThrows(
    () => requireCompatible(map, { ...counters, maxEntries: 128, keySize: 8 }),
    MismatchError,
    "keySize is 4, maxEntries is 4, expected keySize 8, maxEntries 128",
  );
  assertEquals([unpin(path), unpin(path)], [true, false]);
});

pinTest("maps declared to be pinned by name are shared between loads", () => {
  const spec = fixture("tc.bpf.o");
  const counters = spec.maps.get("counters");
  assert(counters);
  counters.pinByName = true;
  for (let round = 0; round < 2; round++) {
    using template = prepare(spec, { only: ["from_container"], pinPath: FOLDER });
    using instance = template.instantiate();
    instance.program("from_container").testRun({ data: packet() });
  }
  using map = openPinnedMap(`${FOLDER}/counters`);
  assertEquals(map.lookup(1)?.at(0), 2);
  counters.maxEntries = 8;
  assertThrows(() => prepare(spec, { pinPath: FOLDER }), MismatchError, "maxEntries is 4");
});

pinTest("a pin that differs in everything is told every difference", () => {
  const spec = fixture("maps.bpf.o").maps.get("bloom");
  assert(spec);
  const path = `${FOLDER}/bloom`;
  {
    using map = createMap(spec);
    map.pin(path);
  }
  using map = openPinnedMap(path);
  requireCompatible(map, spec);
  const other = {
    ...spec,
    type: MapType.ARRAY,
    keySize: 8,
    valueSize: 16,
    maxEntries: 1,
    flags: MapFlags.MMAPABLE,
    mapExtra: 0n,
    frozen: true,
  };
  const error = assertThrows(() => requireCompatible(map, other), MismatchError);
  assertEquals(
    error.message,
    'Cannot reuse map "bloom": type is BLOOM_FILTER, keySize is 0, valueSize is 4, maxEntries is ' +
      "100, flags is 0x0, mapExtra is 3, frozen is false, expected type ARRAY, keySize 8, " +
      "valueSize 16, maxEntries 1, flags 0x400, mapExtra 0, frozen true",
  );
  assertEquals(error.differences[3], { field: "maxEntries", actual: 100, expected: 1 });
});

pinTest("requireCompatible() knows what the kernel adds by itself", () => {
  const spec = fixture("maps.bpf.o").maps.get("bloom");
  assert(spec);
  const devmap = { ...spec, name: "d", type: MapType.DEVMAP, keySize: 4, mapExtra: 0n };
  const bloom = { ...spec, mapExtra: 0n };
  for (const each of [devmap, bloom]) {
    using map = createMap(each);
    map.pin(`${FOLDER}/${each.name}`);
    using again = openPinnedMap(`${FOLDER}/${each.name}`);
    requireCompatible(again, each);
  }
});

pinTest("openPinnedProgram() opens programs, and no pin is taken for another kind", () => {
  using collection = loadCollection(fixture("tc.bpf.o"), { only: ["tail_target", "counters"] });
  collection.program("tail_target").pin(`${FOLDER}/program`);
  collection.map("counters").pin(`${FOLDER}/map`);
  using program = openPinnedProgram(`${FOLDER}/program`);
  assertEquals(program.testRun({ data: packet() }).returnValue, 77);
  assertThrows(
    () => openPinnedProgram(`${FOLDER}/map`),
    TypeError,
    `Cannot open pinned program "${FOLDER}/map": a map, expected a program`,
  );
  assertThrows(() => openPinnedMap(`${FOLDER}/program`), TypeError, "a program, expected a map");
  assertThrows(() => openPinnedTcx(`${FOLDER}/map`), TypeError, "a map, expected a link");
});

pinTest("a pin that cannot be made says what would help", () => {
  using collection = loadCollection(fixture("tc.bpf.o"), { only: ["counters"] });
  const map = collection.map("counters");
  map.pin(`${FOLDER}/taken`);
  const refusal = (path: string) => assertThrows(() => map.pin(path), SyscallError).message;
  assertEquals(
    [`${FOLDER}/a.b`, `${FOLDER}/taken`, `${FOLDER}/no/where`, "/tmp/no_bpffs"].map(refusal),
    [
      `Cannot pin object at "${FOLDER}/a.b": EPERM from BPF_OBJ_PIN, expected a name without "."`,
      `Cannot pin object at "${FOLDER}/taken": EEXIST from BPF_OBJ_PIN, expected a path that is free`,
      `Cannot pin object at "${FOLDER}/no/where": ENOENT from BPF_OBJ_PIN, ` +
      `expected the folder "${FOLDER}/no" to exist`,
      'Cannot pin object at "/tmp/no_bpffs": EPERM from BPF_OBJ_PIN, ' +
      'expected a path in a BPF file system ("mount -t bpf bpf /sys/fs/bpf")',
    ],
  );
  assertThrows(() => map.pin(`${FOLDER}/a\0b`), TypeError, "without NUL");
});
