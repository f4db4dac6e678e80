import {
  type Btf,
  cloneProgram,
  type ProgramSpec,
  type SourceLine,
  SourceLines,
} from "ebpf-ts-loader";
import { hasImmediate, INSTRUCTION_BYTES, instructionsOf, invertedOpcode } from "./instruction.ts";

/** What is changed: the condition of a jump, or an immediate by one. */
export type MutationKind = "inverted" | "immediate+1" | "immediate-1";

/** One small change of one program. */
export interface ProgramMutant {
  readonly program: string;
  /** The function it is in. */
  readonly function: string;
  /** Position in the program, in slots. */
  readonly instruction: number;
  /** Position in its function. */
  readonly offset: number;
  readonly kind: MutationKind;
  /** The C that it was compiled from, without white space around; may be empty. */
  readonly line: string;
  /** `policy.h:61`, or empty. */
  readonly place: string;
}

/**
 * Every mutant of the programs. A function that several programs share is mutated in the
 * first of them only.
 */
export function* programMutants(
  programs: Iterable<ProgramSpec>,
  btf: Btf | undefined,
): Generator<ProgramMutant> {
  const seen = new Set<string>();
  for (const program of programs) {
    const lines = new SourceLines(program, btf);
    const references = new Set(program.references.map(({ instruction }) => instruction));
    const own = new Set(
      program.functions.map(({ name }) => name).filter((name) => !seen.has(name)),
    );
    for (const name of own) seen.add(name);
    for (const instruction of instructionsOf(program.instructions)) {
      const { index } = instruction;
      const within = program.functions.findLast((f) => f.instruction <= index);
      if (within === undefined || !own.has(within.name)) continue;
      const mutant = (kind: MutationKind): ProgramMutant => ({
        program: program.name,
        function: within.name,
        instruction: index,
        offset: index - within.instruction,
        kind,
        ...lineOf(lines.at(index)),
      });
      if (invertedOpcode(instruction) !== undefined) yield mutant("inverted");
      if (!hasImmediate(instruction) || references.has(index)) continue;
      yield mutant("immediate+1");
      yield mutant("immediate-1");
    }
  }
}

function lineOf(source: SourceLine | undefined): { line: string; place: string } {
  if (source === undefined) return { line: "", place: "" };
  return { line: source.text, place: `${source.file.split("/").at(-1)}:${source.line}` };
}

/** A copy of the program with the mutant's change. */
export function mutated(program: ProgramSpec, mutant: ProgramMutant): ProgramSpec {
  const copy = cloneProgram(program);
  const view = new DataView(copy.instructions.buffer);
  const at = mutant.instruction * INSTRUCTION_BYTES;
  if (mutant.kind === "inverted") {
    const [instruction] = instructionsOf(copy.instructions.subarray(at, at + INSTRUCTION_BYTES));
    const opcode = instruction && invertedOpcode(instruction);
    if (opcode !== undefined) view.setUint8(at, opcode);
    return copy;
  }
  const step = mutant.kind === "immediate+1" ? 1 : -1;
  view.setInt32(at + 4, view.getInt32(at + 4, true) + step, true);
  return copy;
}
