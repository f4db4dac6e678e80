import { assertEquals, assertThrows } from "@std/assert";
import { insertInstructions, type Insertion } from "ebpf-ts-loader";
import {
  callFunction,
  code,
  EXIT,
  goto,
  gotoLong,
  ifEqual,
  loadMap,
  program,
  set,
  takeAddress,
  words,
} from "./_program.ts";

const TWO: Insertion = { instructions: code([set(3), set(4)]) };

Deno.test("insertInstructions() makes jumps lead to what is inserted before their target", () => {
  const longer = insertInstructions(
    program([ifEqual(1, 0, 1), set(0, 1), set(0, 2), goto(-2), gotoLong(-3), EXIT]),
    new Map([[2, TWO]]),
  );
  assertEquals(
    longer.instructions,
    code([
      ifEqual(1, 0, 1),
      set(0, 1),
      set(3),
      set(4),
      set(0, 2),
      goto(-4),
      gotoLong(-5),
      EXIT,
    ]),
  );
});

Deno.test("insertInstructions() makes calls and addresses of functions begin with what is inserted", () => {
  const longer = insertInstructions(
    program([callFunction(3), ...takeAddress(2, 2), EXIT, set(0), EXIT], {
      functions: [{ name: "made", instruction: 0 }, { name: "callee", instruction: 4 }],
    }),
    new Map([[0, TWO], [4, TWO]]),
  );
  assertEquals(
    longer.instructions,
    code([
      set(3),
      set(4),
      callFunction(3),
      ...takeAddress(2, 2),
      EXIT,
      set(3),
      set(4),
      set(0),
      EXIT,
    ]),
  );
  assertEquals(longer.functions.map(({ instruction }) => instruction), [0, 6]);
});

Deno.test("insertInstructions() moves references, records and relocations with their instructions", () => {
  const reference = { map: "flows", valueOffset: undefined };
  const longer = insertInstructions(
    program([set(0), ...loadMap(1), set(2), EXIT], {
      references: [{ instruction: 1, ...reference }],
      externs: [{ instruction: 3, name: "symbol" }],
      functionInfo: words(0, 7),
      lineInfo: words(0, 1, 2, 3, 3, 4, 5, 6),
      coreRelocations: words(3 * 8, 1, 2, 3),
    }),
    new Map([
      [0, { instructions: code(loadMap(6)), references: [{ instruction: 0, ...reference }] }],
      [3, TWO],
    ]),
  );
  assertEquals(longer.references, [
    { instruction: 0, ...reference },
    { instruction: 3, ...reference },
  ]);
  assertEquals(longer.externs, [{ instruction: 7, name: "symbol" }]);
  assertEquals(longer.functionInfo, words(0, 7));
  assertEquals(longer.lineInfo, words(0, 1, 2, 3, 5, 4, 5, 6));
  assertEquals(longer.coreRelocations, words(7 * 8, 1, 2, 3));
});

Deno.test("insertInstructions() leaves the program alone that it is given", () => {
  const before = program([ifEqual(1, 0, 1), set(0, 1), EXIT], { lineInfo: words(2, 0, 0, 0) });
  const copy = structuredClone(before);
  insertInstructions(before, new Map([[1, TWO]]));
  assertEquals(before, copy);
});

Deno.test("insertInstructions() of nothing changes nothing", () => {
  const before = program([ifEqual(1, 0, 1), ...loadMap(1), EXIT]);
  assertEquals(insertInstructions(before, new Map()), before);
});

Deno.test("insertInstructions() refuses places inside and behind instructions", () => {
  const short = program([...loadMap(1), EXIT]);
  for (const index of [-1, 1, 3, 0.5]) {
    assertThrows(
      () => insertInstructions(short, new Map([[index, TWO]])),
      RangeError,
      `Cannot insert into program "made": no instruction begins at ${index}, expected one`,
    );
  }
  assertThrows(
    () => insertInstructions(short, new Map([[0, { instructions: new Uint8Array(9) }]])),
    RangeError,
    'Cannot insert into program "made": 9 bytes, expected a multiple of 8',
  );
});

Deno.test("insertInstructions() refuses a jump that gets too long, unless it is a long one", () => {
  const many = { instructions: code(Array.from({ length: 40_000 }, () => set(3))) };
  assertThrows(
    () => insertInstructions(program([goto(1), set(0), EXIT]), new Map([[1, many]])),
    RangeError,
    'Cannot insert into program "made": a jump over 40001 instructions, expected at most 32767',
  );
  const { instructions } = insertInstructions(
    program([gotoLong(1), set(0), EXIT]),
    new Map([[1, many]]),
  );
  assertEquals(instructions.subarray(0, 8), code([gotoLong(40_001)]));
});
