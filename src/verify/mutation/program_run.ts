import { type ProgramSpec, VerifierError } from "ebpf-ts-loader";
import { SyscallError } from "ebpf-ts-loader/sys";
import { type Bench, type Constants, Laboratory } from "./laboratory.ts";
import { mutated, type ProgramMutant, programMutants } from "./mutant.ts";
import { ROW_IDENTITY } from "../row_identity.ts";
import type { PacketSet } from "./packet_set.ts";
import { blockStarts, trapped } from "./trap.ts";

/** Fates of the mutants of the programs. */
export interface ProgramFates {
  readonly killed: number;
  /** The kernel would not load them: no packet will ever meet them. */
  readonly refused: number;
  /** In code that no packet reached. */
  readonly unreached: readonly ProgramMutant[];
  readonly survived: readonly ProgramMutant[];
}

/** A mutated mask of events shows only where the rest is off, a null address where it is one. */
const OTHER_CONSTANTS: readonly Constants[] = [
  { events: [] },
  { events: ["drop"] },
  { events: ["policy_verdict"] },
  { events: ["trace"] },
  { addresses: false },
  // Bits that are set in one of the two identities and not in the other.
  { identity: ROW_IDENTITY.LONG },
];

/** Tries every mutant of every program against the packet sets of a bench. */
export async function runProgramMutants(
  bench: Bench,
  onProgress: (done: number, total: number) => void,
): Promise<ProgramFates> {
  const { killed, refused, unreached, survived } = await firstRound(bench, onProgress);
  let left = survived;
  for (const constants of OTHER_CONSTANTS) left = await anotherRound(bench, constants, left);
  return {
    killed: killed + survived.length - left.length,
    refused,
    unreached,
    survived: left,
  };
}

async function firstRound(
  bench: Bench,
  onProgress: (done: number, total: number) => void,
): Promise<ProgramFates> {
  const fates = { killed: 0, refused: 0 };
  const unreached: ProgramMutant[] = [];
  const survived: ProgramMutant[] = [];
  using workplace = await Workplace.open(bench);
  const { programs, btf } = workplace.laboratory.spec;
  const mutants = [...programMutants(programs.values(), btf)];
  const reaches = new Map([...programs].map(([name, spec]) => [name, new Reach(spec)]));
  for (const [done, mutant] of mutants.entries()) {
    onProgress(done, mutants.length);
    await workplace.tidy();
    const reached = reaches.get(mutant.program)?.reaches(mutant.instruction, workplace.laboratory);
    await workplace.tidy();
    const program = programs.get(mutant.program);
    if (program === undefined || !reached) {
      unreached.push(mutant);
      continue;
    }
    const fate = tryMutant(workplace.laboratory, program, mutant);
    if (fate === "survived") survived.push(mutant);
    else fates[fate]++;
  }
  return { ...fates, unreached, survived };
}

/** Tries survivors with other constants; returns those that survive again. */
async function anotherRound(
  bench: Bench,
  constants: Constants,
  mutants: readonly ProgramMutant[],
): Promise<ProgramMutant[]> {
  using workplace = await Workplace.open(bench, constants);
  const survived: ProgramMutant[] = [];
  for (const mutant of mutants) {
    await workplace.tidy();
    const { laboratory } = workplace;
    const program = laboratory.spec.programs.get(mutant.program);
    const sets = laboratory.sets.slice(0, PARSED_SETS);
    const killed = program !== undefined &&
      tryMutant(laboratory, program, mutant, sets) === "killed";
    if (!killed) survived.push(mutant);
  }
  return survived;
}

/** A laboratory that is replaced when a mutant has spoilt it. */
class Workplace implements Disposable {
  #laboratory: Laboratory;

  private constructor(
    laboratory: Laboratory,
    readonly bench: Bench,
    readonly constants: Constants | undefined,
  ) {
    this.#laboratory = laboratory;
  }

  static async open(bench: Bench, constants?: Constants): Promise<Workplace> {
    return new Workplace(await Laboratory.open(bench, constants), bench, constants);
  }

  get laboratory(): Laboratory {
    return this.#laboratory;
  }

  async tidy(): Promise<void> {
    if (!this.#laboratory.isSpoilt) return;
    this.#laboratory[Symbol.dispose]();
    this.#laboratory = await Laboratory.open(this.bench, this.constants);
  }

  [Symbol.dispose](): void {
    this.#laboratory[Symbol.dispose]();
  }
}

/** Sets that are not about policy alone come first. */
const PARSED_SETS = 2;

function tryMutant(
  laboratory: Laboratory,
  program: ProgramSpec,
  mutant: ProgramMutant,
  sets: readonly PacketSet[] = likeliestFirst(laboratory.sets, mutant),
): "killed" | "refused" | "survived" {
  if (!isAccepted(laboratory, mutated(program, mutant))) return "refused";
  return laboratory.isNoticed(sets) ? "killed" : "survived";
}

/** A mutant of the policy lookup is noticed by flows, any other by the packet table. */
function likeliestFirst(sets: readonly PacketSet[], mutant: ProgramMutant): PacketSet[] {
  const first = sets.slice(0, PARSED_SETS);
  const others = sets.slice(PARSED_SETS);
  return mutant.function === "policy_decide" ? [...others, ...first] : [...first, ...others];
}

function isAccepted(laboratory: Laboratory, program: ProgramSpec): boolean {
  try {
    laboratory.install(program);
    return true;
  } catch (error) {
    if (error instanceof VerifierError || error instanceof SyscallError) return false;
    throw error;
  }
}

/** Measures which blocks of a program are reached, each when it is first asked for. */
class Reach {
  readonly #program: ProgramSpec;
  readonly #starts: readonly number[];
  readonly #known = new Map<number, boolean>();

  constructor(program: ProgramSpec) {
    this.#program = program;
    this.#starts = blockStarts(program);
  }

  reaches(instruction: number, laboratory: Laboratory): boolean {
    const start = this.#starts.findLast((block) => block <= instruction) ?? 0;
    const known = this.#known.get(start);
    if (known !== undefined) return known;
    // A trap that the kernel refuses (it would leak a reference) proves nothing: try the mutants.
    const reached = !isAccepted(laboratory, trapped(this.#program, start)) ||
      laboratory.isNoticed(laboratory.sets);
    this.#known.set(start, reached);
    return reached;
  }
}
