import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  loadCollection,
  MismatchError,
  openPinnedMap,
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

pinTest("pins refuse names the kernel refuses", () => {
  using collection = loadCollection(fixture("tc.bpf.o"), { only: ["counters"] });
  const map = collection.map("counters");
  assertEquals(assertThrows(() => map.pin(`${FOLDER}/a.b`), SyscallError).code, "EPERM");
  assertThrows(() => map.pin(`${FOLDER}/a\0b`), TypeError, "without NUL");
});
