import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  cloneSpec,
  MapFlags,
  type MapSpec,
  MapType,
  ObjectFormatError,
  parseObject,
  ProgramType,
} from "ebpf-ts-loader";
import { fixture, fixtureBytes } from "../fixtures.ts";

function mustMap(name: string): MapSpec {
  const map = fixture("tc.bpf.o").maps.get(name);
  assert(map);
  return map;
}

function shape({ type, keySize, valueSize, maxEntries, flags }: MapSpec): number[] {
  return [type, keySize, valueSize, maxEntries, flags];
}

Deno.test("parseObject() reads the maps of .maps and global data", () => {
  const shapes = [...fixture("tc.bpf.o").maps].map(([name, map]) => [name, ...shape(map)]);
  const data = MapFlags.MMAPABLE;
  assertEquals(shapes, [
    ["inner_a", MapType.ARRAY, 4, 4, 1, 0],
    ["inner_b", MapType.ARRAY, 4, 4, 1, 0],
    ["outer", MapType.ARRAY_OF_MAPS, 4, 4, 4, 0],
    ["jumps", MapType.PROG_ARRAY, 4, 4, 2, 0],
    ["events", MapType.RINGBUF, 0, 0, 4096, 0],
    ["flows", MapType.HASH, 8, 16, 128, 0],
    ["counters", MapType.ARRAY, 4, 8, 4, data],
    ["per_cpu", MapType.PERCPU_ARRAY, 4, 12, 2, 0],
    ["trie", MapType.LPM_TRIE, 8, 4, 16, MapFlags.NO_PREALLOC],
    ["outer_hash", MapType.HASH_OF_MAPS, 8, 4, 64, 0],
    [".rodata", MapType.ARRAY, 4, 16, 1, data | MapFlags.RDONLY_PROG],
    [".data", MapType.ARRAY, 4, 8, 1, data],
    [".bss", MapType.ARRAY, 4, 4, 1, data],
    [".rodata.cst16", MapType.ARRAY, 4, 16, 1, data | MapFlags.RDONLY_PROG],
  ]);
});

Deno.test("parseObject() reads inner maps and slot initialisers", () => {
  const outer = mustMap("outer");
  assert(outer.inner);
  assertEquals(shape(outer.inner), [MapType.ARRAY, 4, 4, 1, 0]);
  assertEquals(outer.slots, [
    { kind: "map", name: "inner_a", index: 0 },
    { kind: "map", name: "inner_b", index: 2 },
  ]);
  assertEquals(mustMap("jumps").slots, [{ kind: "program", name: "tail_target", index: 1 }]);
});

Deno.test("parseObject() reads initial values of global data", () => {
  assertEquals(mustMap(".data").contents, new Uint8Array([5, 0, 0, 0, 0, 0, 0, 0]));
  assertEquals(mustMap(".bss").contents, new Uint8Array(4));
  assertEquals([mustMap(".rodata").frozen, mustMap(".data").frozen], [true, false]);
});

Deno.test("parseObject() appends reachable functions in the order of the calls", () => {
  const program = fixture("tc.bpf.o").programs.get("from_container");
  assert(program);
  assertEquals(program.functions.map((each) => each.name), ["from_container", "count", "scale"]);
  const view = new DataView(program.instructions.buffer);
  const starts = new Set(program.functions.map((each) => each.instruction));
  for (let index = 0; index < program.instructions.length / 8; index++) {
    if (view.getUint8(index * 8) !== 0x85 || view.getUint8(index * 8 + 1) !== 0x10) continue;
    assert(starts.has(index + 1 + view.getInt32(index * 8 + 4, true)), `call at ${index}`);
  }
  const infos = new DataView(program.functionInfo.buffer);
  assertEquals(
    program.functions.map((_, index) => infos.getUint32(index * 8, true)),
    program.functions.map((each) => each.instruction),
  );
});

Deno.test("parseObject() names what instructions refer to", () => {
  const program = fixture("tc.bpf.o").programs.get("emit");
  assert(program);
  assertEquals(program.references.map(({ map, valueOffset }) => [map, valueOffset]).sort(), [
    [".data", 0],
    [".rodata", 0],
    ["events", undefined],
  ]);
});

Deno.test("parseObject() takes program types from section names", () => {
  const { programs } = fixture("tc.bpf.o");
  const types = [...programs.values()].map((each) => [each.name, each.section, each.type]);
  assertEquals(types.length, 7);
  assert(types.every(([, , type]) => type === ProgramType.SCHED_CLS));
  assertEquals(programs.get("from_container")?.expectedAttachType, 0);
  assertEquals(programs.get("ingress")?.expectedAttachType, 46);
  const { programs: refused } = fixture("refused.bpf.o");
  assertEquals(refused.get("wild_read")?.autoload, false);
  assertEquals(refused.get("fine")?.autoload, true);
});

Deno.test("parseObject() is deterministic and does not depend on the input afterwards", () => {
  const bytes = fixtureBytes("tc.bpf.o");
  const first = parseObject(bytes, "x");
  const second = parseObject(fixtureBytes("tc.bpf.o"), "x");
  bytes.fill(0xff);
  assertEquals(first.programs, second.programs);
  assertEquals(first.maps, second.maps);
  assertEquals(first.kernelBtf, second.kernelBtf);
});

Deno.test("parseObject() fills data section sizes and offsets into the kernel's BTF", () => {
  const { btf, kernelBtf } = fixture("tc.bpf.o");
  const rodata = btf?.find("dataSection", ".rodata");
  assert(btf && kernelBtf && rodata);
  const view = new DataView(kernelBtf.buffer, btf.recordOffset(rodata.id));
  assertEquals(rodata.size, 0);
  assertEquals(view.getUint32(8, true), 16);
  const offsets = rodata.variables.map((_, index) => view.getUint32(16 + index * 12, true));
  assertEquals(offsets, [0, 4, 8]);
});

Deno.test("cloneSpec() copies what a caller may change", () => {
  const spec = fixture("tc.bpf.o");
  const copy = cloneSpec(spec);
  copy.programs.get("emit")?.instructions.fill(0);
  copy.maps.get(".rodata")?.contents?.fill(9);
  assertEquals(spec.programs, fixture("tc.bpf.o").programs);
  assertEquals(spec.maps, fixture("tc.bpf.o").maps);
});

const REFUSED: {
  description: string;
  change: (bytes: Uint8Array) => Uint8Array;
  message: string;
}[] = [
  { description: "an empty file", change: () => new Uint8Array(), message: "0 bytes" },
  { description: "half a file", change: (b) => b.subarray(0, b.length / 2), message: "within" },
  { description: "text", change: () => new Uint8Array(100).fill(65), message: "magic" },
  {
    description: "another machine",
    change: (b) => b.with(18, 62).with(19, 0),
    message: "machine 62, expected BPF (247)",
  },
  {
    description: "numbers of another order than the header says",
    change: (b) => b.with(5, 2),
    message: "machine 63232, expected BPF (247)",
  },
  {
    description: "an unknown byte order",
    change: (b) => b.with(5, 3),
    message: "byte order 3, expected 1 (little) or 2 (big)",
  },
  {
    description: "names outside the section table",
    change: (b) => b.with(62, 0xff).with(63, 0xff),
    message: "expected a section with the names",
  },
];

for (const { description, change, message } of REFUSED) {
  Deno.test(`parseObject() refuses ${description}`, () => {
    const bytes = change(fixtureBytes("tc.bpf.o"));
    const error = assertThrows(() => parseObject(bytes, "x.o"), ObjectFormatError, message);
    assert(error.message.startsWith('Cannot read "x.o'));
    assert(!error.message.includes("\n"));
  });
}

Deno.test("parseObject() refuses two data sections of one name", () => {
  const bytes = fixtureBytes("tc.bpf.o");
  // ".rodata.cst16" becomes ".rodata" by ending its name early.
  const text = new TextDecoder("latin1").decode(bytes);
  const at = text.indexOf(".rodata.cst16");
  bytes[at + ".rodata".length] = 0;
  assertThrows(() => parseObject(bytes, "x.o"), ObjectFormatError, 'section ".rodata" twice');
});
