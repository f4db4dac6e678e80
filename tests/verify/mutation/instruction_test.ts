import { assertEquals } from "@std/assert";
import {
  hasImmediate,
  instructionsOf,
  invertedOpcode,
  jumpTarget,
} from "../../../src/verify/mutation/instruction.ts";

/** Opcode, registers (source << 4 | destination), offset, immediate. */
function code(...slots: readonly [number, number, number, number][]): Uint8Array {
  const bytes = new Uint8Array(slots.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [i, [opcode, registers, offset, immediate]] of slots.entries()) {
    view.setUint8(i * 8, opcode);
    view.setUint8(i * 8 + 1, registers);
    view.setInt16(i * 8 + 2, offset, true);
    view.setInt32(i * 8 + 4, immediate, true);
  }
  return bytes;
}

function mustRead(...slot: [number, number, number, number]) {
  const [instruction] = instructionsOf(code(slot));
  if (instruction === undefined) throw new Error("Cannot read instruction");
  return instruction;
}

Deno.test("instructionsOf() takes both slots of a 64-bit load as one instruction", () => {
  const read = [...instructionsOf(code([0x18, 1, 0, 7], [0, 0, 0, 0], [0x95, 0, 0, 0]))];
  assertEquals(read.map(({ index, opcode }) => [index, opcode]), [[0, 0x18], [2, 0x95]]);
});

const INVERSIONS: readonly [name: string, opcode: number, opposite: number | undefined][] = [
  ["== immediate", 0x15, 0x55],
  ["!= immediate", 0x55, 0x15],
  ["> register", 0x2d, 0xbd],
  ["<= register", 0xbd, 0x2d],
  [">= immediate, 32 bits", 0x36, 0xa6],
  ["signed >", 0x65, 0xd5],
  ["signed <", 0xc5, 0x75],
  ["& (no opposite)", 0x45, undefined],
  ["goto", 0x05, undefined],
  ["call", 0x85, undefined],
  ["exit", 0x95, undefined],
  ["add", 0x07, undefined],
];

for (const [name, opcode, opposite] of INVERSIONS) {
  Deno.test(`invertedOpcode() of ${name}`, () => {
    assertEquals(invertedOpcode(mustRead(opcode, 1, 3, 0)), opposite);
  });
}

const IMMEDIATES: readonly [name: string, opcode: number, registers: number, has: boolean][] = [
  ["add immediate", 0x07, 1, true],
  ["add register", 0x0f, 0x21, false],
  ["negate", 0x87, 1, false],
  ["byte swap", 0xd7, 1, false],
  ["store immediate", 0x7a, 10, true],
  ["store register", 0x7b, 0x1a, false],
  ["compare with immediate", 0x15, 1, true],
  ["compare with register", 0x1d, 0x21, false],
  ["64-bit constant", 0x18, 1, true],
  ["map", 0x18, 0x11, false],
  ["call", 0x85, 0, false],
];

for (const [name, opcode, registers, has] of IMMEDIATES) {
  Deno.test(`hasImmediate() of ${name}`, () => {
    assertEquals(hasImmediate(mustRead(opcode, registers, 0, 1)), has);
  });
}

Deno.test("jumpTarget() counts from the next instruction", () => {
  assertEquals(jumpTarget(mustRead(0x15, 1, 3, 0)), 4);
  assertEquals(jumpTarget(mustRead(0x05, 0, -1, 0)), 0);
  assertEquals(jumpTarget(mustRead(0x06, 0, 0, 9)), 10);
  assertEquals(jumpTarget(mustRead(0x95, 0, 0, 0)), undefined);
});
