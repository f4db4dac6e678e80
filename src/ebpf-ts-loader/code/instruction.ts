/**
 * BPF instructions as bytes (RFC 9669).
 *
 * ```text
 *   ┌ opcode u8 ┬ src:4 dst:4 ┬ offset s16 ┬ immediate s32 ┐
 * ```
 *
 * @module
 */

/** Bytes of an instruction slot. A 64-bit load takes two. */
export const INSTRUCTION_BYTES = 8;

/** One instruction, as read. */
export interface Instruction {
  /** Position, counted in slots of 8 bytes. */
  readonly index: number;
  readonly opcode: number;
  readonly destination: number;
  readonly source: number;
  readonly offset: number;
  /** The first slot's, for a 64-bit load. */
  readonly immediate: number;
}

/** `opcode & OPCODE.CLASS`, and what the classes say. */
export const OPCODE = {
  CLASS: 0x07,
  LD: 0,
  LDX: 1,
  ST: 2,
  STX: 3,
  ALU: 4,
  JMP: 5,
  JMP32: 6,
  ALU64: 7,
  /** The other operand is the source register, not the immediate. */
  REGISTER: 0x08,
  /** What an arithmetic or jump instruction does. */
  CODE: 0xf0,
  MOVE: 0xb0,
  GOTO: 0x00,
  CALL: 0x80,
  EXIT: 0x90,
  MAY_GOTO: 0xe0,
  /** How a load or store finds its operand. */
  MODE: 0xe0,
  ATOMIC: 0xc0,
  LOAD_64: 0x18,
} as const;

/** Meanings of the source register of calls and 64-bit loads. */
const PSEUDO = { CALL: 1, FUNCTION: 4 } as const;
const TAIL_CALL = 12;

/** Reads every instruction; the second slot of a 64-bit load is part of the first. */
export function* instructionsOf(bytes: Uint8Array): Generator<Instruction> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = Math.floor(bytes.length / INSTRUCTION_BYTES);
  for (let index = 0; index < count; index++) {
    const at = index * INSTRUCTION_BYTES;
    const opcode = view.getUint8(at);
    const registers = view.getUint8(at + 1);
    yield {
      index,
      opcode,
      destination: registers & 0xf,
      source: registers >> 4,
      offset: view.getInt16(at + 2, true),
      immediate: view.getInt32(at + 4, true),
    };
    if (opcode === OPCODE.LOAD_64) index++;
  }
}

/** Slots that an instruction takes. */
export function slotsOf({ opcode }: Instruction): number {
  return opcode === OPCODE.LOAD_64 ? 2 : 1;
}

/** Tells whether an instruction is a jump, a call or an exit. */
export function isJump({ opcode }: Instruction): boolean {
  const kind = opcode & OPCODE.CLASS;
  return kind === OPCODE.JMP || kind === OPCODE.JMP32;
}

/** Tells whether this calls a helper, a kernel function or another function of the program. */
export function isCall(instruction: Instruction): boolean {
  return isJump(instruction) && (instruction.opcode & OPCODE.CODE) === OPCODE.CALL;
}

/** Tells whether control never goes on behind this instruction. */
export function isLast(instruction: Instruction): boolean {
  const code = instruction.opcode & OPCODE.CODE;
  return isJump(instruction) && (code === OPCODE.GOTO || code === OPCODE.EXIT);
}

/** Tells whether a jump keeps its distance in the immediate: `gotol`. */
export function isLongJump({ opcode }: Instruction): boolean {
  return opcode === OPCODE.JMP32 + OPCODE.GOTO;
}

/** Where control can go from here other than to the next instruction, calls left out. */
export function jumpTarget(instruction: Instruction): number | undefined {
  const code = instruction.opcode & OPCODE.CODE;
  if (!isJump(instruction) || code === OPCODE.CALL || code === OPCODE.EXIT) return undefined;
  const distance = isLongJump(instruction) ? instruction.immediate : instruction.offset;
  return instruction.index + 1 + distance;
}

/** The first instruction of the function that this calls, or whose address it takes. */
export function functionTarget(instruction: Instruction): number | undefined {
  const { index, opcode, source, immediate } = instruction;
  const calls = opcode === (OPCODE.JMP | OPCODE.CALL) && source === PSEUDO.CALL;
  const takes = opcode === OPCODE.LOAD_64 && source === PSEUDO.FUNCTION;
  return calls || takes ? index + 1 + immediate : undefined;
}

/** Tells whether the next instruction may be left out: after jumps, exits and tail calls. */
export function endsBlock(instruction: Instruction): boolean {
  if (!isJump(instruction)) return false;
  if (!isCall(instruction)) return true;
  return instruction.source === 0 && instruction.immediate === TAIL_CALL;
}
