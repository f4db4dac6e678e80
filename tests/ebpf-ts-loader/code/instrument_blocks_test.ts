import { assert, assertEquals, assertThrows } from "@std/assert";
import { cloneSpec, instrumentBlocks, loadCollection, MapFlags } from "ebpf-ts-loader";
import { fixture } from "../fixtures.ts";
import { bpffsMissing, kernelTest, packet, uniqueBpffsPath } from "../kernel.ts";
import { EXIT, goto, ifEqual, program, set } from "./_program.ts";

/** A specification with one program, of `slots`. */
function specOf(...slots: Parameters<typeof program>[0]) {
  return { ...fixture("tc.bpf.o"), programs: new Map([["made", program(slots)]]) };
}

Deno.test("instrumentBlocks() begins blocks where jumps lead to, and behind them", () => {
  const { blocks } = instrumentBlocks(
    specOf(set(0), ifEqual(1, 0, 2), set(0, 1), goto(0), set(0, 2), EXIT, set(0), EXIT),
  );
  assertEquals(blocks.map(({ instruction, counter }) => [instruction, counter]), [
    [0, 0],
    [2, 1],
    [4, 2],
    [6, 3],
  ]);
});

Deno.test("instrumentBlocks() takes a later place where no register is free, or none", () => {
  const readAll = [...Array(10).keys()].map((register) => [0x7b, 10, register, -8, 0] as const);
  const busy = instrumentBlocks(specOf(goto(0), ...readAll, set(0), EXIT));
  assertEquals(busy.blocks.map(({ counter }) => counter), [undefined, 0]);
  const references = busy.spec.programs.get("made")?.references;
  assertEquals(references?.map(({ instruction, valueOffset }) => [instruction, valueOffset]), [
    [2, 0],
  ]);
});

Deno.test("instrumentBlocks() gives every block of a program a byte of its own", () => {
  const plain = fixture("code.bpf.o");
  const { spec, map, blocks } = instrumentBlocks(plain);
  const counters = blocks.map(({ counter }) => counter);
  assertEquals(counters, blocks.map((_, i) => i));
  assertEquals(new Set(blocks.map(({ program }) => program)), new Set(plain.programs.keys()));
  assertEquals(spec.maps.get(map)?.valueSize, blocks.length);
  assertEquals(spec.maps.get(map)?.flags, MapFlags.MMAPABLE);
  assertEquals(plain.maps.has(map), false);
  for (const { program, function: name, source } of blocks) {
    assert(plain.programs.get(program)?.functions.some((f) => f.name === name));
    assert(source !== undefined && source.line > 0);
  }
});

Deno.test("instrumentBlocks() leaves the specification alone that it is given", () => {
  const plain = fixture("code.bpf.o");
  const { programs } = cloneSpec(plain);
  instrumentBlocks(plain);
  assertEquals(plain.programs, programs);
});

Deno.test("instrumentBlocks() refuses a name that a map has", () => {
  assertThrows(
    () => instrumentBlocks(fixture("tc.bpf.o"), { map: "flows" }),
    TypeError,
    'Cannot add map "flows": in "tc.bpf.o" already, expected another name',
  );
});

/** Programs that nothing enters: the kernel lacks a function, or forbids their type here. */
const NOT_LOADED = ["missing_kfunc", "trace"];

for (const file of ["tc", "core", "externs", "links", "maps", "variables", "readers"]) {
  kernelTest(`instrumentBlocks() of ${file}.bpf.o passes the verifier`, () => {
    const { spec, blocks } = instrumentBlocks(fixture(`${file}.bpf.o`));
    const only = [...spec.programs.keys()].filter((name) => !NOT_LOADED.includes(name));
    using collection = loadCollection(spec, { only });
    assertEquals(only.map((name) => collection.program(name).name), only);
    assertEquals(blocks.filter(({ counter }) => counter === undefined), []);
  });
}

for (const file of ["code", "sections_apart"]) {
  kernelTest(
    `instrumentBlocks() of ${file}.bpf.o changes no result, and notes what has run`,
    () => {
      const { spec, map, blocks } = instrumentBlocks(fixture(`${file}.bpf.o`));
      const pinPath = uniqueBpffsPath("hits");
      Deno.mkdirSync(pinPath);
      using _folder = { [Symbol.dispose]: () => Deno.removeSync(pinPath, { recursive: true }) };
      using collection = loadCollection(spec, { pinPath });
      // callee() is called by the others; alone it returns no line.
      for (const name of [...spec.programs.keys()].filter((n) => n !== "callee")) {
        const before = collection.map(map).lookup(0);
        const { returnValue } = collection.program(name).testRun({ data: packet(60) });
        const tailCalled = name === "second" || name === "third";
        if (!tailCalled) assertEquals(returnValue, 0, `line ${returnValue} of ${file}.bpf.c`);
        const after = collection.map(map).lookup(0);
        const entered = blocks.find((block) => block.program === name)?.counter ?? -1;
        assertEquals([before?.[entered], after?.[entered]], [before?.[entered] ?? 0, 1]);
      }
      const hits = collection.map(map).lookup(0) ?? new Uint8Array(0);
      assert(hits.every((byte) => byte <= 1));
      // What returns the line of a failure has not run.
      assert(hits.some((byte) => byte === 1) && hits.some((byte) => byte === 0));
    },
    { unless: bpffsMissing },
  );
}

kernelTest("instrumentBlocks() tells the ways of a condition apart", () => {
  const { spec, map } = instrumentBlocks(
    specOf(set(0, 1), [0x61, 1, 1, 0, 0], ifEqual(1, 60, 1), set(0, 2), EXIT),
  );
  using collection = loadCollection({ ...spec, kernelBtf: undefined, btf: undefined }, {
    only: ["made", map],
  });
  const run = (length: number) => {
    collection.map(map).update(0, new Uint8Array(3));
    const { returnValue } = collection.program("made").testRun({ data: packet(length) });
    return [returnValue, ...collection.map(map).lookup(0) ?? []];
  };
  assertEquals(run(60), [1, 1, 0, 1]);
  assertEquals(run(61), [2, 1, 1, 1]);
});
