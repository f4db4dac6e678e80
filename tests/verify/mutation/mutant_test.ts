import { assertEquals, assertNotEquals } from "@std/assert";
import { readBpfObject } from "../../../src/datapath/bpf_objects.ts";
import { blockStarts, trapped } from "../../../src/verify/mutation/trap.ts";
import { mutated, programMutants } from "../../../src/verify/mutation/mutant.ts";

const spec = readBpfObject("datapath");
const mutants = [...programMutants(spec.programs.values(), spec.btf)];

Deno.test("programMutants() names the function and the line of every mutant", () => {
  assertEquals(mutants.filter((m) => m.function === "" || m.line === "" || m.place === ""), []);
});

Deno.test("programMutants() mutates a function that programs share once", () => {
  const programs = new Set(mutants.filter((m) => m.function === "drop").map((m) => m.program));
  assertEquals(programs.size, 1);
});

Deno.test("mutated() changes one instruction of a copy", () => {
  for (const mutant of mutants.filter((_, i) => i % 50 === 0)) {
    const program = spec.programs.get(mutant.program);
    if (program === undefined) throw new Error(`Cannot find "${mutant.program}"`);
    const before = program.instructions.slice();
    const { instructions } = mutated(program, mutant);
    assertEquals(program.instructions, before);
    const changed = new Set(
      [...instructions.keys()].filter((i) => instructions[i] !== before[i]).map((i) => i >> 3),
    );
    assertEquals([...changed], [mutant.instruction]);
  }
});

Deno.test("trapped() adds three instructions and moves every index behind them", () => {
  const program = spec.programs.get("from_container");
  if (program === undefined) throw new Error("Cannot find from_container");
  const starts = blockStarts(program);
  assertNotEquals(starts.length, 0);
  for (const block of starts.filter((_, i) => i % 20 === 0)) {
    const copy = trapped(program, block);
    assertEquals(copy.instructions.length, program.instructions.length + 3 * 8);
    // References still stand at 64-bit loads.
    assertEquals(
      copy.references.filter(({ instruction }) => copy.instructions[instruction * 8] !== 0x18),
      [],
    );
    const records = new DataView(copy.functionInfo.buffer, copy.functionInfo.byteOffset);
    const functions = copy.functions.map((_, i) => records.getUint32(i * 8, true));
    assertEquals(functions, copy.functions.map(({ instruction }) => instruction));
  }
});
