import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Btf,
  kernelTypes,
  loadCollection,
  ObjectFormatError,
  type ProgramSpec,
  relocateCore,
  VerifierError,
} from "ebpf-ts-loader";
import { fixture } from "../fixtures.ts";
import { kernelTest, packet } from "../kernel.ts";
import { libbpfMissing, LibbpfPrograms } from "../libbpf/compare.ts";

function mustBtf(name: string): Btf {
  const { btf } = fixture(name);
  assert(btf);
  return btf;
}

function mustProgram(name: string): ProgramSpec {
  const program = fixture("core_all.bpf.o").programs.get(name);
  assert(program);
  return program;
}

const basicId = (name: string) => mustBtf(name).find("struct", "basic")?.id ?? 0;

/** What each program of core_all.bpf.c returns with the types of core_target.bpf.c. */
const ANSWERS: Readonly<Record<string, number>> = {
  offset: 24,
  offset_of_element: 24 + 16,
  offset_by_flavor: 24,
  offset_in_anonymous: 20,
  offset_in_nested: 56,
  offset_in_items: 56,
  offset_in_tail: 88,
  offset_in_union: 0,
  offset_by_one_flavor: 4,
  size: 8,
  size_of_array: 32,
  exists: 1,
  exists_gone: 0,
  exists_wrong: 0,
  exists_element: 0,
  exists_nobody: 0,
  is_signed: 1,
  is_unsigned: 0,
  bits_offset: 4,
  bits_size: 4,
  bits_lshift: 34,
  bits_rshift: 44,
  wide_bits_offset: 8,
  wide_bits_lshift: 24,
  plain_lshift: 32,
  type_exists: 1,
  type_nobody: 0,
  typedef_exists: 1,
  callback_exists: 1,
  callback_differs: 0,
  type_size: 40,
  type_size_nobody: 0,
  type_matches: 1,
  type_matches_wrong: 0,
  callback_matches: 1,
  type_id_local: basicId("core_all.bpf.o"),
  type_id_target: basicId("core_target.bpf.o"),
  enum_exists: 1,
  enum_gone: 0,
  enum_value: 7,
  enum_flavor: 11,
  enum_high: 0x77665544,
  enum_negative: -5,
  guarded: -1,
};

for (const [name, answer] of Object.entries(ANSWERS)) {
  kernelTest(`relocateCore() answers ${name} with ${answer}`, () => {
    using collection = loadCollection(fixture("core_all.bpf.o"), {
      only: [name],
      coreBtf: mustBtf("core_target.bpf.o"),
    });
    assertEquals(collection.program(name).testRun({ data: packet() }).returnValue | 0, answer);
  });
}

kernelTest("relocateCore() makes loads and stores move what the target has", () => {
  const coreBtf = mustBtf("core_target.bpf.o");
  using collection = loadCollection(fixture("core_all.bpf.o"), {
    only: ["load", "store"],
    coreBtf,
  });
  const value = new Uint8Array(64);
  new DataView(value.buffer).setBigUint64(16, 0x1122334455667788n, true);
  collection.map("memory").update(0, value);
  const run = (name: string) => collection.program(name).testRun({ data: packet(60) }).returnValue;
  assertEquals([run("load"), run("store")], [0x55667788, 0]);
  const after = collection.map("memory").lookup(0);
  assert(after);
  // struct grown: pointer at 24, number at 32, shrunk at 40.
  assertEquals(new DataView(after.buffer).getBigUint64(40, true), 60n);
});

Deno.test("relocateCore() poisons what the target does not have, and says what", () => {
  const [local, target] = [mustBtf("core_all.bpf.o"), mustBtf("core_target.bpf.o")];
  const { instructions, poisoned } = relocateCore(mustProgram("unguarded"), local, target);
  assertEquals(instructions.slice(0, 8).toHex(), "850000001023ad0b");
  assertEquals(poisoned, [{ instruction: 0, relocation: "byte offset of struct basic.gone" }]);
});

kernelTest("loadCollection() names the field that a refused program needs", () => {
  const options = { only: ["unguarded"], coreBtf: mustBtf("core_target.bpf.o") };
  const message = 'Cannot load program "unguarded": EINVAL (instruction 0 needs the byte offset ' +
    "of struct basic.gone, which this kernel does not have), expected the verifier to accept it";
  const here = assertThrows(
    () => loadCollection(fixture("core_all.bpf.o"), options),
    VerifierError,
  );
  assertEquals(here.message, message);
  // Relocated by the kernel: no kernel has these structs.
  const there = assertThrows(
    () => loadCollection(fixture("core_all.bpf.o"), { only: ["unguarded"] }),
    VerifierError,
  );
  assertEquals(there.message, message);
});

kernelTest("loadCollection() refuses a signed load of another size", () => {
  assertThrows(
    () =>
      loadCollection(fixture("core_all.bpf.o"), {
        only: ["signed_load"],
        coreBtf: mustBtf("core_target.bpf.o"),
      }),
    VerifierError,
    "needs the byte offset of struct grown.number",
  );
});

kernelTest("relocateCore() gives the answers that the kernel gives", () => {
  const spec = fixture("core.bpf.o");
  using here = loadCollection(spec, { coreBtf: kernelTypes() });
  using there = loadCollection(spec);
  const run = ({ programs }: typeof here) =>
    [...programs.values()].map((each) => each.testRun({ data: packet() }).returnValue);
  assertEquals(run(here), run(there));
});

Deno.test("relocateCore() refuses an instruction that does not hold the object's value", () => {
  const program = mustProgram("offset");
  new DataView(program.instructions.buffer).setInt32(4, 77, true);
  const error = assertThrows(
    () => relocateCore(program, mustBtf("core_all.bpf.o"), mustBtf("core_target.bpf.o")),
    ObjectFormatError,
    "CO-RE relocation for the byte offset of struct basic.c",
  );
  assert(error.cause instanceof ObjectFormatError);
  assert(error.cause.message.includes("an instruction with 77, expected 8"), error.cause.message);
});

Deno.test("relocateCore() refuses candidates that disagree", () => {
  // The object has struct basic and struct basic___flavor, with `c` in different places.
  const both = mustBtf("core_all.bpf.o");
  const error = assertThrows(
    () => relocateCore(mustProgram("offset"), both, both),
    ObjectFormatError,
    "the byte offset of struct basic.c",
  );
  assert(error.cause instanceof ObjectFormatError);
  assert(error.cause.message.includes("of the target differ, expected one answer"));
});

kernelTest("relocateCore() makes the instructions that libbpf makes", () => {
  const spec = fixture("core_all.bpf.o");
  const [local, target] = [mustBtf("core_all.bpf.o"), mustBtf("core_target.bpf.o")];
  const path = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).pathname;
  const programs = [...spec.programs.values()].filter(({ autoload }) => autoload);
  using theirs = new LibbpfPrograms({
    object: path("core_all.bpf.o"),
    btf: path("core_target.bpf.o"),
    programs: programs.map(({ name }) => name),
  });
  for (const program of programs) {
    const { instructions } = relocateCore(program, local, target);
    const bound = withoutDescriptors(program, theirs.instructions.get(program.name) ?? "");
    assertEquals(instructions.toHex(), bound, program.name);
  }
}, { unless: libbpfMissing });

/** libbpf's instructions with the object's own words where it put map descriptors. */
function withoutDescriptors(program: ProgramSpec, hex: string): string {
  const bytes = Uint8Array.fromHex(hex);
  for (const { instruction } of program.references) {
    const at = instruction * 8;
    bytes.set(program.instructions.subarray(at, at + 16), at);
  }
  return bytes.toHex();
}
