/**
 * Is an instruction reached? A copy of the program that leaves its function there with a
 * strange result shows it: if nothing observable changes, no packet gets there.
 *
 * @module
 */
import { cloneProgram, type ProgramSpec } from "ebpf-ts-loader";
import {
  endsBlock,
  INSTRUCTION_BYTES,
  instructionsOf,
  isLocalCall,
  jumpTarget,
} from "./instruction.ts";

/** First instructions of the blocks that control enters as a whole, ascending. */
export function blockStarts(program: ProgramSpec): number[] {
  const starts = new Set(program.functions.map(({ instruction }) => instruction));
  const count = program.instructions.length / INSTRUCTION_BYTES;
  for (const instruction of instructionsOf(program.instructions)) {
    const target = jumpTarget(instruction);
    if (target !== undefined) starts.add(target);
    if (endsBlock(instruction) && instruction.index + 1 < count) starts.add(instruction.index + 1);
  }
  return [...starts].sort((a, b) => a - b);
}

/** A verdict that no program gives. */
const STRANGE = 77;

type Encoded = readonly [opcode: number, registers: number, immediate: number];

/** if r10 != 0: always so, but the verifier does not know it and walks on as well. */
const ALWAYS: Encoded = [0x55, 0x0a, 0];
/** r0 = STRANGE; exit. */
const TRAP: readonly Encoded[] = [[0xb7, 0x00, STRANGE], [0x95, 0x00, 0]];

/**
 * A copy of the program that goes from `block` straight to a strange exit. A condition
 * leads there: behind a plain jump the rest would be unreachable code, which the verifier
 * refuses (kernel/bpf/verifier.c, check_cfg).
 */
export function trapped(program: ProgramSpec, block: number): ProgramSpec {
  const next = program.functions.find(({ instruction }) => instruction > block);
  const end = next?.instruction ?? program.instructions.length / INSTRUCTION_BYTES;
  const copy = cloneProgram(program);
  /** Where an instruction ends up. */
  const moved = (i: number) => i + (i >= block ? 1 : 0) + (i >= end ? TRAP.length : 0);
  /** Where a jump to it must go: through the condition. */
  const entry = (i: number) => i === block ? i : moved(i);
  const bytes = new Uint8Array(copy.instructions.length + (TRAP.length + 1) * INSTRUCTION_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [start, stop] of [[0, block], [block, end], [end, Infinity]] as const) {
    const part = copy.instructions.subarray(start * INSTRUCTION_BYTES, stop * INSTRUCTION_BYTES);
    if (part.length > 0) bytes.set(part, moved(start) * INSTRUCTION_BYTES);
  }
  for (const instruction of instructionsOf(copy.instructions)) {
    const from = moved(instruction.index);
    const target = jumpTarget(instruction);
    if (target !== undefined) setJump(view, from, entry(target) - from - 1);
    if (!isLocalCall(instruction)) continue;
    const callee = instruction.index + 1 + instruction.immediate;
    view.setInt32(from * INSTRUCTION_BYTES + 4, entry(callee) - from - 1, true);
  }
  const trap = end + 1;
  encode(view, block, ALWAYS);
  setJump(view, block, trap - block - 1);
  for (const [i, instruction] of TRAP.entries()) encode(view, trap + i, instruction);
  return {
    ...copy,
    instructions: bytes,
    references: copy.references.map((r) => ({ ...r, instruction: moved(r.instruction) })),
    functions: copy.functions.map((f) => ({ ...f, instruction: entry(f.instruction) })),
    functionInfo: withIndexes(copy.functionInfo, FUNCTION_RECORD_BYTES, entry),
    lineInfo: withIndexes(copy.lineInfo, LINE_RECORD_BYTES, entry),
  };
}

const GOTO_LONG = 0x06;

function setJump(view: DataView, at: number, distance: number): void {
  const byte = at * INSTRUCTION_BYTES;
  if (view.getUint8(byte) === GOTO_LONG) view.setInt32(byte + 4, distance, true);
  else view.setInt16(byte + 2, distance, true);
}

function encode(view: DataView, at: number, [opcode, registers, immediate]: Encoded): void {
  view.setUint8(at * INSTRUCTION_BYTES, opcode);
  view.setUint8(at * INSTRUCTION_BYTES + 1, registers);
  view.setInt32(at * INSTRUCTION_BYTES + 4, immediate, true);
}

const FUNCTION_RECORD_BYTES = 8;
const LINE_RECORD_BYTES = 16;

/** Records that begin with an instruction index, with other indexes. */
function withIndexes(
  records: Uint8Array,
  size: number,
  to: (instruction: number) => number,
): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(records);
  const view = new DataView(copy.buffer);
  for (let at = 0; at < copy.length; at += size) {
    view.setUint32(at, to(view.getUint32(at, true)), true);
  }
  return copy;
}
