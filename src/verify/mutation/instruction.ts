/**
 * BPF instructions as bytes (RFC 9669): just enough to find what can be mutated.
 *
 * ```text
 *   ┌ opcode u8 ┬ src:4 dst:4 ┬ offset s16 ┬ immediate s32 ┐
 * ```
 *
 * @module
 */

/** Bytes of an instruction. A 64-bit load takes two. */
export const INSTRUCTION_BYTES = 8;

const CLASS = { ST: 2, ALU: 4, JMP: 5, JMP32: 6, ALU64: 7 } as const;
const SOURCE_REGISTER = 0x08;
/** Opcode bits that say what an arithmetic or jump instruction does. */
const CODE = 0xf0;
const ALU_NEG = 0x80;
const ALU_END = 0xd0;
const JUMP = { ALWAYS: 0x00, CALL: 0x80, EXIT: 0x90 } as const;
const LOAD_64 = 0x18;
const TAIL_CALL = 12;

/** Conditions and their opposites; JSET has none. */
const OPPOSITES: readonly (readonly [number, number])[] = [
  [0x10, 0x50], // ==, !=
  [0x20, 0xb0], // >, <=
  [0x30, 0xa0], // >=, <
  [0x60, 0xd0], // signed >, <=
  [0x70, 0xc0], // signed >=, <
];

/** One instruction, as read. */
export interface Instruction {
  /** Position, counted in slots of 8 bytes. */
  readonly index: number;
  readonly opcode: number;
  readonly sourceRegister: number;
  /** Relative to the next instruction, in slots. */
  readonly offset: number;
  readonly immediate: number;
}

/** Reads every instruction; the second slot of a 64-bit load is part of the first. */
export function* instructionsOf(bytes: Uint8Array): Generator<Instruction> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let index = 0; index * INSTRUCTION_BYTES < bytes.length; index++) {
    const at = index * INSTRUCTION_BYTES;
    const opcode = view.getUint8(at);
    yield {
      index,
      opcode,
      sourceRegister: view.getUint8(at + 1) >> 4,
      offset: view.getInt16(at + 2, true),
      immediate: view.getInt32(at + 4, true),
    };
    if (opcode === LOAD_64) index++;
  }
}

function isJump({ opcode }: Instruction): boolean {
  return (opcode & 7) === CLASS.JMP || (opcode & 7) === CLASS.JMP32;
}

/** Tells whether an instruction jumps or not, depending on a condition. */
export function isConditional(instruction: Instruction): boolean {
  const code = instruction.opcode & CODE;
  return isJump(instruction) && code !== JUMP.ALWAYS && code !== JUMP.CALL && code !== JUMP.EXIT;
}

/** The opcode of a conditional jump with the opposite condition, if there is one. */
export function invertedOpcode(instruction: Instruction): number | undefined {
  if (!isConditional(instruction)) return undefined;
  const code = instruction.opcode & CODE;
  const pair = OPPOSITES.find((both) => both.includes(code));
  const other = pair?.find((c) => c !== code);
  return other === undefined ? undefined : instruction.opcode & ~CODE | other;
}

/** Tells whether an instruction computes with its immediate, or stores or compares it. */
export function hasImmediate(instruction: Instruction): boolean {
  const { opcode, sourceRegister } = instruction;
  // Other source registers mark maps and functions.
  if (opcode === LOAD_64) return sourceRegister === 0;
  const kind = opcode & 7;
  if (kind === CLASS.ST) return true;
  if ((opcode & SOURCE_REGISTER) !== 0) return false;
  if (isJump(instruction)) return isConditional(instruction);
  if (kind !== CLASS.ALU && kind !== CLASS.ALU64) return false;
  return (opcode & CODE) !== ALU_NEG && (opcode & CODE) !== ALU_END;
}

/** Where control can go from here other than to the next instruction. */
export function jumpTarget(instruction: Instruction): number | undefined {
  const code = instruction.opcode & CODE;
  if (!isJump(instruction) || code === JUMP.CALL || code === JUMP.EXIT) return undefined;
  // `gotol` keeps its distance in the immediate.
  const long = (instruction.opcode & 7) === CLASS.JMP32 && code === JUMP.ALWAYS;
  return instruction.index + 1 + (long ? instruction.immediate : instruction.offset);
}

/** Tells whether the next instruction may be left out: after jumps, exits and tail calls. */
export function endsBlock(instruction: Instruction): boolean {
  if (!isJump(instruction)) return false;
  if ((instruction.opcode & CODE) !== JUMP.CALL) return true;
  return instruction.sourceRegister === 0 && instruction.immediate === TAIL_CALL;
}
