/**
 * Which registers the verifier lets an instruction read: what a call overwrites is unreadable
 * until it is written again. By forward data flow.
 *
 * @module
 */
import type { Btf } from "../btf/btf.ts";
import { RECORD_SIZE } from "../btf/extension.ts";
import type { ProgramSpec } from "../spec/collection_spec.ts";
import {
  type Instruction,
  INSTRUCTION_BYTES,
  instructionsOf,
  isLast,
  jumpTarget,
  slotsOf,
} from "./instruction.ts";
import { ARGUMENTS, type Effect, effectOf, RESULT, SCRATCH } from "./register_effect.ts";

/** r1 alone: the context. */
const CONTEXT = 1 << 1;
const SAVED = 0b0111_1100_0000;
const MOST_ARGUMENTS = 5;
/** Linkage of functions that are not static. */
const GLOBAL = 1;

/**
 * For each slot, bit n is set if register n may be readable there, on some way from the begin of
 * its function.
 *
 * @param btf Tells how many arguments global functions have; otherwise it could be five.
 */
export function readableRegisters(program: ProgramSpec, btf: Btf | undefined): Uint16Array {
  const readable = new Uint16Array(program.instructions.length / INSTRUCTION_BYTES);
  for (const [start, registers] of entries(program, btf)) readable[start] = registers;
  const all = [...instructionsOf(program.instructions)].map((instruction) => ({
    instruction,
    effect: effectOf(instruction),
  }));
  for (let changed = true; changed;) {
    changed = false;
    for (const { instruction, effect } of all) {
      const after = afterwards(readable[instruction.index] ?? 0, effect);
      for (const next of successors(instruction)) {
        const before = readable[next] ?? 0;
        if ((before | after) === before || next >= readable.length) continue;
        readable[next] = before | after;
        changed = true;
      }
    }
  }
  return readable;
}

function afterwards(before: number, { reads, writes, isCall }: Effect): number {
  // What an atomic operation may write is among what it reads.
  return isCall ? before & ~SCRATCH | RESULT : before | reads | writes;
}

function* successors(instruction: Instruction): Generator<number> {
  const target = jumpTarget(instruction);
  if (target !== undefined && target >= 0) yield target;
  if (!isLast(instruction)) yield instruction.index + slotsOf(instruction);
}

/** What each function finds in registers when it begins. */
function entries(program: ProgramSpec, btf: Btf | undefined): Map<number, number> {
  const found = new Map(
    program.functions.map(({ instruction }) => [instruction, ARGUMENTS | SAVED]),
  );
  const { functionInfo } = program;
  const view = new DataView(functionInfo.buffer, functionInfo.byteOffset, functionInfo.byteLength);
  const records = Math.floor(functionInfo.length / RECORD_SIZE.functions);
  for (let i = 0; i < records; i++) {
    const start = view.getUint32(i * RECORD_SIZE.functions, true);
    const type = view.getUint32(i * RECORD_SIZE.functions + 4, true);
    if (found.has(start)) found.set(start, argumentsOf(type, btf) | SAVED);
  }
  found.set(0, CONTEXT | SAVED);
  return found;
}

/** Compilers change the arguments of static functions, and do not tell. */
function argumentsOf(id: number, btf: Btf | undefined): number {
  const type = btf?.type(id);
  if (type?.kind !== "function" || type.linkage !== GLOBAL) return ARGUMENTS;
  const prototype = btf?.type(type.type);
  if (prototype?.kind !== "prototype") return ARGUMENTS;
  const count = Math.min(prototype.parameters.length, MOST_ARGUMENTS);
  return ((1 << count) - 1) << 1;
}
