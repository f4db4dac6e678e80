import { type ProgramSpec, VerifierError } from "ebpf-ts-loader";
import { SyscallError } from "ebpf-ts-loader/sys";
import { type Bench, type Circumstances, Laboratory } from "./laboratory.ts";
import { readBpfObject } from "../../datapath/bpf_objects.ts";
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

/** Every mutant is tried on all of them: each node gets packets to code of its own. */
const NODES: readonly Circumstances[] = [
  { node: "usual" },
  { node: "audited" },
  { node: "aggregating" },
];

/**
 * A mutated mask of events shows only where the rest is off, a null address where it is one, a
 * lookup that fails where no other covers for it.
 */
const OTHER_CIRCUMSTANCES: readonly Circumstances[] = [
  { node: "aggregating", events: [] },
  { node: "aggregating", events: ["drop"] },
  { node: "aggregating", events: ["policy_verdict"] },
  { node: "aggregating", events: ["trace"] },
  { addresses: false },
  // Bits that are set in one of the two identities and not in the other.
  { identity: ROW_IDENTITY.LONG },
  { addressesIn: "blocks" },
  { addressesIn: "tables" },
];

type Fate = "killed" | "refused" | "unreached" | "survived";

/** Tries every mutant of every program against the packet sets of a bench. */
export async function runProgramMutants(
  bench: Bench,
  onProgress: (done: number, total: number) => void,
): Promise<ProgramFates> {
  const { programs, btf } = readBpfObject("datapath");
  const fates = new Map<ProgramMutant, Fate>(
    [...programMutants(programs.values(), btf)].map((mutant) => [mutant, "unreached"]),
  );
  const of = (...wanted: readonly Fate[]) =>
    [...fates].filter(([, fate]) => wanted.includes(fate)).map(([mutant]) => mutant);
  const rounds = NODES.length + OTHER_CIRCUMSTANCES.length;
  for (const [round, circumstances] of [...NODES, ...OTHER_CIRCUMSTANCES].entries()) {
    const left = of("survived", "unreached");
    const tried = await runRound(
      bench,
      circumstances,
      left,
      (done) =>
        onProgress(round * fates.size + done * fates.size / left.length, rounds * fates.size),
    );
    for (const [mutant, fate] of tried) {
      // What one round has not reached another may have; what has once run is not refused.
      if (fate === "unreached" || (fate === "refused" && fates.get(mutant) === "survived")) {
        continue;
      }
      fates.set(mutant, fate);
    }
  }
  return {
    killed: of("killed").length,
    refused: of("refused").length,
    unreached: of("unreached"),
    survived: of("survived"),
  };
}

async function runRound(
  bench: Bench,
  circumstances: Circumstances,
  mutants: readonly ProgramMutant[],
  onProgress: (done: number) => void,
): Promise<Map<ProgramMutant, Fate>> {
  const fates = new Map<ProgramMutant, Fate>();
  using workplace = await Workplace.open(bench, circumstances);
  const { programs } = workplace.laboratory.spec;
  const reaches = new Map([...programs].map(([name, spec]) => [name, new Reach(spec)]));
  for (const [done, mutant] of mutants.entries()) {
    onProgress(done);
    await workplace.tidy();
    const program = programs.get(mutant.program);
    const reached = reaches.get(mutant.program)?.reaches(mutant.instruction, workplace.laboratory);
    await workplace.tidy();
    const fate = program && reached && tryMutant(workplace.laboratory, program, mutant);
    fates.set(mutant, fate || "unreached");
  }
  return fates;
}

/** A laboratory that is replaced when a mutant has spoilt it. */
class Workplace implements Disposable {
  #laboratory: Laboratory;

  private constructor(
    laboratory: Laboratory,
    readonly bench: Bench,
    readonly circumstances: Circumstances,
  ) {
    this.#laboratory = laboratory;
  }

  static async open(bench: Bench, circumstances: Circumstances): Promise<Workplace> {
    return new Workplace(await Laboratory.open(bench, circumstances), bench, circumstances);
  }

  get laboratory(): Laboratory {
    return this.#laboratory;
  }

  async tidy(): Promise<void> {
    if (!this.#laboratory.isSpoilt) return;
    this.#laboratory[Symbol.dispose]();
    this.#laboratory = await Laboratory.open(this.bench, this.circumstances);
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
): Fate {
  if (!isAccepted(laboratory, mutated(program, mutant))) return "refused";
  return laboratory.isNoticed(likeliestFirst(laboratory.sets, mutant)) ? "killed" : "survived";
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
