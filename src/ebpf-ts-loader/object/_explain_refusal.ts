import type { Btf } from "../btf/btf.ts";
import { coreRelocations, describeRelocation } from "../core/relocation.ts";
import { ObjectFormatError } from "../errors.ts";
import type { ProgramSpec } from "../spec/collection_spec.ts";
import { MISSING_FUNCTION } from "./_bind_instructions.ts";

// "12: (85) call unknown#195896080": what libbpf, the kernel and this package poison with.
const POISONED_CALL = /^(\d+): \(85\) call unknown#(\d+)/;
const CORE_POISON = 0xbad2310;

/** What is known about the instructions of a program besides themselves. */
export interface Explanations {
  /** Types that the program's CO-RE records refer to. */
  readonly btf: Btf | undefined;
  /** Relocations that were poisoned before the kernel saw them, by instruction. */
  readonly poisoned: ReadonlyMap<number, string>;
}

/**
 * The reason behind a verifier log that ends at a poisoned instruction, as a sentence; undefined
 * if it ends elsewhere.
 */
export function explainRefusal(
  log: string,
  spec: ProgramSpec,
  { btf, poisoned }: Explanations,
): string | undefined {
  const call = log.split("\n").map((line) => POISONED_CALL.exec(line)).findLast((each) => each);
  if (!call) return undefined;
  const [instruction, helper] = [Number(call[1]), Number(call[2])];
  if (helper === CORE_POISON) {
    const relocation = poisoned.get(instruction) ?? relocationAt(spec, instruction, btf);
    return relocation &&
      `instruction ${instruction} needs the ${relocation}, which this kernel does not have`;
  }
  if (helper < MISSING_FUNCTION) return undefined;
  const name = spec.externs.find((each) => each.instruction === instruction)?.name;
  return name &&
    `instruction ${instruction} calls the weak function ${name}, which this kernel does not have`;
}

function relocationAt(
  spec: ProgramSpec,
  instruction: number,
  btf: Btf | undefined,
): string | undefined {
  if (!btf) return undefined;
  try {
    const found = coreRelocations(spec.coreRelocations, btf)
      .find((each) => each.instruction === instruction);
    return found && describeRelocation(found, btf);
  } catch (error) {
    // Records may be changed by the caller; an explanation is not worth a second error.
    if (error instanceof ObjectFormatError) return undefined;
    throw error;
  }
}
