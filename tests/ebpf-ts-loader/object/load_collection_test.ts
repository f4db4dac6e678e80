import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  cloneSpec,
  createMap,
  loadCollection,
  type MapSpec,
  MismatchError,
  ObjectFormatError,
  setVariable,
  VerifierError,
} from "ebpf-ts-loader";
import { SyscallError } from "ebpf-ts-loader/sys";
import { fixture } from "../fixtures.ts";
import { kernelTest, packet } from "../kernel.ts";

function mustMap(name: string): MapSpec {
  const spec = fixture("tc.bpf.o").maps.get(name);
  assert(spec);
  return spec;
}

kernelTest("loadCollection() loads and runs programs with subprograms and global data", () => {
  const spec = fixture("tc.bpf.o");
  setVariable(spec, "config_endpoint_id", 40);
  using collection = loadCollection(spec);
  const ctx = new Uint8Array(192);
  new DataView(ctx.buffer).setUint32(8, 2, true); // mark
  const result = collection.program("from_container").testRun({ data: packet(60), ctx });
  assertEquals([result.returnValue, result.data.length], [42, 60]);
  assertEquals(collection.map(".data").lookup(0)?.at(0), 65); // total: 5 + 60
  assertEquals(collection.map("counters").lookup(1)?.at(0), 1);
});

kernelTest("loadCollection() resolves function pointers, tail calls and inner maps", () => {
  using collection = loadCollection(fixture("tc.bpf.o"));
  const run = (name: string, ctx = new Uint8Array(192)) =>
    collection.program(name).testRun({ data: packet(), ctx });
  assertEquals(run("loops").returnValue, 45);
  const jumped = run("jump");
  assertEquals(jumped.returnValue, 77);
  assertEquals(jumped.ctx[48], 7); // cb[0]
  collection.map("inner_b").update(0, 123);
  assertEquals(run("nested").returnValue, 123);
});

kernelTest("loadCollection() gives constants of this load with variables", () => {
  const spec = fixture("tc.bpf.o");
  using first = loadCollection(spec, { variables: { config_endpoint_id: 5 } });
  using second = loadCollection(spec, { variables: { config_enabled: false } });
  const results = [first, second].map((collection) =>
    collection.program("from_container").testRun({ data: packet() }).returnValue
  );
  assertEquals(results, [5, 2]);
  assertEquals(spec.maps, fixture("tc.bpf.o").maps);
});

kernelTest("loadCollection() removes code that a constant makes dead", () => {
  const spec = fixture("tc.bpf.o");
  using enabled = loadCollection(spec, { only: ["from_container"] });
  using disabled = loadCollection(spec, {
    only: ["from_container"],
    variables: { config_enabled: false },
  });
  const length = (collection: typeof enabled) =>
    collection.program("from_container").info().translatedLength;
  assert(length(disabled) < length(enabled));
});

kernelTest("loadCollection() freezes .rodata", () => {
  using collection = loadCollection(fixture("tc.bpf.o"));
  const rodata = collection.map(".rodata");
  const error = assertThrows(() => rodata.update(0, new Uint8Array(16)), SyscallError);
  assertEquals(error.code, "EPERM");
});

kernelTest("loadCollection() with only makes what the named programs need", () => {
  using collection = loadCollection(fixture("tc.bpf.o"), { only: ["nested", "trie"] });
  assertEquals([...collection.programs.keys()], ["nested"]);
  assertEquals([...collection.maps.keys()].sort(), ["inner_a", "inner_b", "outer", "trie"]);
});

kernelTest("loadCollection() refuses names that are not there", () => {
  const spec = fixture("tc.bpf.o");
  assertThrows(
    () => loadCollection(spec, { only: ["nobody"] }),
    TypeError,
    'Cannot load program "nobody": not in "tc.bpf.o", expected one of tail_target',
  );
  assertThrows(() => loadCollection(spec, { variables: { nobody: 1 } }), TypeError, "nobody");
  using map = createMap(mustMap("counters"));
  assertThrows(() => loadCollection(spec, { maps: { nobody: map } }), TypeError, "nobody");
});

kernelTest("loadCollection() uses a replacement map and leaves it open", () => {
  using counters = createMap(mustMap("counters"));
  {
    using collection = loadCollection(fixture("tc.bpf.o"), { maps: { counters } });
    collection.program("from_container").testRun({ data: packet(), repeat: 3 });
  }
  assertEquals(counters.lookup(1)?.at(0), 3);
});

kernelTest("loadCollection() lists every difference of a replacement", () => {
  using counters = createMap({ ...mustMap("counters"), valueSize: 16, valueTypeId: 0, flags: 0 });
  const error = assertThrows(
    () => loadCollection(fixture("tc.bpf.o"), { maps: { counters } }),
    MismatchError,
    'Cannot reuse map "counters": valueSize is 16, flags is 0x0, ' +
      "expected valueSize 8, flags 0x400",
  );
  assertEquals(error.differences.map(({ field }) => field), ["valueSize", "flags"]);
});

kernelTest("loadCollection() says what the verifier refused, and leaks nothing", () => {
  const error = assertThrows(
    () => loadCollection(fixture("refused.bpf.o"), { only: ["fine", "wild_read"] }),
    VerifierError,
    'Cannot load program "wild_read": EACCES (',
  );
  assert(error.message.includes("invalid mem access"), error.message);
  assert(error.log.length > 2);
  assert(!error.message.includes("\n"));
});

kernelTest('loadCollection() leaves SEC("?…") programs out', () => {
  using collection = loadCollection(fixture("refused.bpf.o"));
  assertEquals([...collection.programs.keys()], ["fine"]);
});

kernelTest("loadCollection() reports BTF the kernel refuses", () => {
  const spec = fixture("tc.bpf.o");
  const rodata = spec.btf?.find("dataSection", ".rodata");
  assert(rodata && spec.kernelBtf && spec.btf);
  new DataView(spec.kernelBtf.buffer).setUint32(spec.btf.recordOffset(rodata.id) + 8, 1, true);
  assertThrows(() => loadCollection(spec), ObjectFormatError, "tc.bpf.o .BTF");
});

kernelTest("loadCollection() leaves CO-RE relocations to the kernel", () => {
  using collection = loadCollection(fixture("core.bpf.o"));
  const run = (name: string) => collection.program(name).testRun({ data: packet() }).returnValue;
  assert(run("ifindex_offset") > 8); // not the 4 of the fixture's declaration
  assertEquals(run("type_exists"), 0);
});

kernelTest("loadCollection() loads modified copies of a program", () => {
  const spec = cloneSpec(fixture("tc.bpf.o"));
  const target = spec.programs.get("tail_target");
  assert(target);
  const view = new DataView(target.instructions.buffer);
  const index = Array.from({ length: target.instructions.length / 8 }, (_, at) => at)
    .find((at) => view.getInt32(at * 8 + 4, true) === 77);
  assert(index !== undefined);
  view.setInt32(index * 8 + 4, 78, true);
  using collection = loadCollection(spec, { only: ["tail_target"] });
  assertEquals(collection.program("tail_target").testRun({ data: packet() }).returnValue, 78);
});

kernelTest("loadCollection() returns the verifier's log on request", () => {
  using collection = loadCollection(fixture("refused.bpf.o"), { logLevel: 4 });
  assert(collection.program("fine").verifierLog.includes("processed"));
});

kernelTest("Collection names what it does not have", () => {
  using collection = loadCollection(fixture("refused.bpf.o"));
  assertThrows(() => collection.map("x"), TypeError, "expected one of none");
  assertThrows(() => collection.program("x"), TypeError, "expected one of fine");
});

kernelTest("Collection refuses use after disposal", () => {
  const collection = loadCollection(fixture("tc.bpf.o"));
  const [map, program] = [collection.map("counters"), collection.program("loops")];
  program.testRun({ data: packet() });
  map.lookup(0);
  collection[Symbol.dispose]();
  assertThrows(() => map.lookup(0), TypeError, "closed");
  assertThrows(() => map.update(0, new Uint8Array(8)), TypeError, "closed");
  assertThrows(() => program.testRun({ data: packet() }), TypeError, "closed");
});

kernelTest("loadCollection() refuses sizes that a u32 would truncate", () => {
  const spec = cloneSpec(fixture("tc.bpf.o"));
  const flows = spec.maps.get("flows");
  assert(flows);
  for (const maxEntries of [2 ** 32 + 5, 1.5, -1, NaN]) {
    flows.maxEntries = maxEntries;
    assertThrows(() => loadCollection(spec), RangeError, "expected a u32");
  }
});
