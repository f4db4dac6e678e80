import { type Instruction, isCall, isJump, OPCODE } from "./instruction.ts";

/** Bit of the register that functions return their result in. */
export const RESULT = 1;
/** Bits of r1 to r5, which a call may read. */
export const ARGUMENTS = 0b0011_1110;
/** Bits of r0 to r5, which a call overwrites. */
export const SCRATCH = RESULT | ARGUMENTS;
/** The context in instructions of old packet filters. */
const FILTER_CONTEXT = 1 << 6;

/** What an instruction does to registers; bit n stands for register n. */
export interface Effect {
  /** It may read these. A call is taken to read every argument register. */
  readonly reads: number;
  /** It writes these for sure. */
  readonly writes: number;
  /** It calls something. */
  readonly isCall: boolean;
}

/** Tells which registers an instruction reads and writes. */
export function effectOf(instruction: Instruction): Effect {
  const { opcode } = instruction;
  const destination = 1 << instruction.destination;
  const source = 1 << instruction.source;
  switch (opcode & OPCODE.CLASS) {
    case OPCODE.LD:
      if (opcode === OPCODE.LOAD_64) return effect(0, destination);
      return { reads: FILTER_CONTEXT | source, writes: SCRATCH, isCall: true };
    case OPCODE.LDX:
      return effect(source, destination);
    case OPCODE.ST:
      return effect(destination, 0);
    case OPCODE.STX:
      // What an atomic operation writes counts as read: that keeps it alive for longer, at most.
      return effect(destination | source | (isAtomic(opcode) ? RESULT : 0), 0);
    default:
      return isJump(instruction) ? jumpEffect(instruction) : arithmeticEffect(instruction);
  }
}

function effect(reads: number, writes: number): Effect {
  return { reads, writes, isCall: false };
}

function isAtomic(opcode: number): boolean {
  return (opcode & OPCODE.MODE) === OPCODE.ATOMIC;
}

function operand({ opcode, source }: Instruction): number {
  return (opcode & OPCODE.REGISTER) === 0 ? 0 : 1 << source;
}

function arithmeticEffect(instruction: Instruction): Effect {
  const writes = 1 << instruction.destination;
  const moves = (instruction.opcode & OPCODE.CODE) === OPCODE.MOVE;
  return effect(operand(instruction) | (moves ? 0 : writes), writes);
}

/** The register that holds the address of the function to call, if one does. */
function callee({ opcode, destination }: Instruction): number {
  return (opcode & OPCODE.REGISTER) === 0 ? 0 : 1 << destination;
}

function jumpEffect(instruction: Instruction): Effect {
  const destination = 1 << instruction.destination;
  if (isCall(instruction)) {
    return { reads: ARGUMENTS | callee(instruction), writes: SCRATCH, isCall: true };
  }
  switch (instruction.opcode & OPCODE.CODE) {
    case OPCODE.GOTO:
    case OPCODE.MAY_GOTO:
      return effect(0, 0);
    case OPCODE.EXIT:
      return effect(RESULT, 0);
    default:
      return effect(destination | operand(instruction), 0);
  }
}
