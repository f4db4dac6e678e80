import { assertEquals } from "@std/assert";
import { liveRegisters } from "../../../src/ebpf-ts-loader/code/live_registers.ts";
import { fixture } from "../fixtures.ts";
import {
  callFunction,
  callHelper,
  copy,
  EXIT,
  goto,
  ifEqual,
  loadMap,
  program,
  set,
  type Slot,
  words,
} from "./_program.ts";

/** Numbers of the registers that are live before each slot. */
function live(slots: readonly Slot[], callee?: number): number[][] {
  const functions = [0, ...callee === undefined ? [] : [callee]]
    .map((instruction) => ({ name: `at_${instruction}`, instruction }));
  return [...liveRegisters(program(slots, { functions }), undefined)].map((bits) =>
    Array.from({ length: 11 }, (_, i) => i).filter((i) => (bits & 1 << i) !== 0)
  );
}

const WHOLE = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

const ROWS: readonly {
  readonly description: string;
  readonly slots: readonly Slot[];
  readonly callee?: number;
  readonly expected: readonly (readonly number[])[];
}[] = [
  {
    description: "what exit returns",
    slots: [set(0), EXIT],
    expected: [[], [0]],
  },
  {
    description: "a copy's source, not what it overwrites",
    slots: [copy(0, 6), EXIT],
    expected: [[6], [0]],
  },
  {
    description: "both ways of a condition",
    slots: [ifEqual(1, 0, 2), copy(0, 6), EXIT, copy(0, 7), EXIT],
    expected: [[1, 6, 7], [6], [0], [7], [0]],
  },
  {
    description: "only the way that goto takes",
    slots: [goto(1), copy(0, 6), copy(0, 7), EXIT],
    expected: [[7], [6, 7], [7], [0]],
  },
  {
    description: "round a loop",
    slots: [set(6), copy(8, 7), ifEqual(6, 0, -2), set(0), EXIT],
    expected: [[7], [6, 7], [6, 7], [], [0]],
  },
  {
    description: "the arguments that a call finds",
    slots: [set(2), callHelper(7), EXIT],
    expected: [[1], [1, 2], [0]],
  },
  {
    description: "arguments that an earlier call has overwritten not again",
    slots: [callHelper(7), set(1), callHelper(7), set(0), EXIT],
    expected: [[1], [], [1], [], [0]],
  },
  {
    description: "any argument of a function whose prototype is not known",
    slots: [set(2), callFunction(1), EXIT, callHelper(7), EXIT],
    callee: 3,
    expected: [[1], [1, 2], [0], [1, 2, 3, 4, 5], [0]],
  },
  {
    description: "nothing that a 64-bit load overwrites, and all in its second slot",
    slots: [...loadMap(0), EXIT],
    expected: [[], WHOLE, [0]],
  },
  {
    description: "both operands of stores, and the result of atomic ones",
    slots: [[0x7b, 6, 7, 0, 0], [0x62, 8, 0, 0, 1], [0xdb, 6, 9, 0, 0xf1], EXIT],
    expected: [[0, 6, 7, 8, 9], [0, 6, 8, 9], [0, 6, 9], [0]],
  },
  {
    description: "the register that says what to call",
    slots: [[0x8d, 6, 0, 0, 0], EXIT],
    expected: [[1, 6], [0]],
  },
  {
    description: "the base of a load",
    slots: [[0x79, 0, 3, 0, 0], EXIT],
    expected: [[3], [0]],
  },
  {
    description: "what arithmetic reads and writes at once",
    slots: [[0x0f, 0, 6, 0, 0], [0xdc, 0, 0, 0, 16], EXIT],
    expected: [[0, 6], [0], [0]],
  },
];

for (const { description, slots, callee, expected } of ROWS) {
  Deno.test(`liveRegisters() has ${description}`, () => {
    assertEquals(live(slots, callee), expected.map((registers) => [...registers]));
  });
}

Deno.test("liveRegisters() takes the arguments of global functions from their prototypes", () => {
  const { btf } = fixture("tc.bpf.o");
  const global = btf?.find("function", "from_container")?.id ?? 0;
  const made = program([callFunction(1), EXIT, callHelper(7), EXIT], {
    functions: [{ name: "made", instruction: 0 }, { name: "callee", instruction: 2 }],
    functionInfo: words(0, global, 2, global),
  });
  assertEquals(liveRegisters(made, btf)[2], 0b10);
  assertEquals(liveRegisters(made, undefined)[2], 0b111110);
});
