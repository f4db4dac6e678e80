/**
 * Is an instruction reached? A copy of the program that leaves its function there with a
 * strange result shows it: if nothing observable changes, no packet gets there.
 *
 * @module
 */
import { insertInstructions, type ProgramSpec } from "ebpf-ts-loader";
import { endsBlock, INSTRUCTION_BYTES, instructionsOf, jumpTarget } from "./instruction.ts";

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

/**
 * Leaves with a strange result. Behind a plain exit the rest would be unreachable code, which
 * the verifier refuses (kernel/bpf/verifier.c, check_cfg): a condition that never holds, which
 * it does not know, goes round it.
 */
const TRAP = {
  // deno-fmt-ignore
  instructions: Uint8Array.of(
    0x15, 0x0a, 2, 0, 0, 0, 0, 0, // if r10 == 0, go on behind the exit
    0xb7, 0x00, 0, 0, STRANGE, 0, 0, 0, // r0 = STRANGE
    0x95, 0x00, 0, 0, 0, 0, 0, 0, // exit
  ),
};

/** A copy of the program that goes from `block` straight to a strange exit. */
export function trapped(program: ProgramSpec, block: number): ProgramSpec {
  return insertInstructions(program, new Map([[block, TRAP]]));
}
