/**
 * Which registers are read later: by backward data flow, as compilers find them.
 *
 * @module
 */
import type { Btf } from "../btf/btf.ts";
import type { ProgramSpec } from "../spec/collection_spec.ts";
import {
  type Instruction,
  INSTRUCTION_BYTES,
  instructionsOf,
  isLast,
  jumpTarget,
  slotsOf,
} from "./instruction.ts";
import { readableRegisters } from "./readable_registers.ts";
import { effectOf } from "./register_effect.ts";

/**
 * For each slot, bit n is set if register n may be read, there or later, before it is written. A
 * call is taken to read every argument register that it finds readable, since what a helper reads
 * is written nowhere. The second slot of a 64-bit load has all bits set.
 *
 * @param btf Types of the program's object: tells more calls' arguments apart.
 */
export function liveRegisters(program: ProgramSpec, btf: Btf | undefined): Uint16Array {
  const live = new Uint16Array(program.instructions.length / INSTRUCTION_BYTES).fill(0xffff);
  const readable = readableRegisters(program, btf);
  const backwards = [...instructionsOf(program.instructions)].map((instruction) => {
    const { reads, writes, isCall } = effectOf(instruction);
    const known = isCall ? readable[instruction.index] ?? 0 : reads;
    return { instruction, reads: reads & known, kept: ~writes };
  }).reverse();
  for (const { instruction } of backwards) live[instruction.index] = 0;
  for (let changed = true; changed;) {
    changed = false;
    for (const { instruction, reads, kept } of backwards) {
      const before = afterwards(instruction, live) & kept | reads;
      if (before === live[instruction.index]) continue;
      live[instruction.index] = before;
      changed = true;
    }
  }
  return live;
}

/** What may be read behind an instruction, whichever way control goes. */
function afterwards(instruction: Instruction, live: Uint16Array): number {
  const target = jumpTarget(instruction);
  const next = isLast(instruction) ? 0 : live[instruction.index + slotsOf(instruction)] ?? 0;
  return next | (target === undefined ? 0 : live[target] ?? 0);
}
