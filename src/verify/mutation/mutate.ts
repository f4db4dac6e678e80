/**
 * The mutation score: how many small faults, in the programs and in the policy images, the
 * packets of `verify` notice. That verify can fail is part of what it proves.
 *
 * @module
 */
import { DatapathMemory } from "../../datapath/datapath_memory.ts";
import type { WasmSource } from "../../datapath/wasm.ts";
import { type ImageMutant, runImageMutants } from "./image_run.ts";
import { Bench } from "./laboratory.ts";
import type { ProgramMutant } from "./mutant.ts";
import { packetSets } from "./packet_set.ts";
import { runProgramMutants } from "./program_run.ts";
import { reasonOfImageMutant, SurvivorReasons } from "./reason.ts";
import type { Reason } from "./reason_row.ts";

/** A mutant that no packet noticed. */
export interface Survivor {
  /** Where and what: `policy_decide+66 immediate+1`, or `image of policy 1, byte 16530`. */
  readonly name: string;
  /** `image.h:139`, or the part of the image. */
  readonly place: string;
  /** The line of C, if it is a mutant of a program. */
  readonly line: string;
  readonly reason: Reason | undefined;
}

/** What {@linkcode measureMutation} found. */
export interface MutationReport {
  /**
   * Mutants that a packet could notice: in code that packets reach, or in bytes that lookups
   * read, and not equivalent to the original.
   */
  readonly reachable: number;
  readonly killed: number;
  readonly survived: readonly Survivor[];
  /** Killed per cent of the reachable mutants. */
  readonly score: number;
  /** Survivors of which it is known that no packet can tell them from the original. */
  readonly equivalent: readonly Survivor[];
  /** Mutants that the kernel would not load. */
  readonly refused: number;
  /** Mutants in code that no packet reaches, by function and line. */
  readonly unreached: readonly { readonly function: string; readonly place: string }[];
  readonly unreachedCount: number;
}

/**
 * Tries every mutant in the kernel. Needs root and Linux 5.10; takes minutes.
 *
 * @param wasm The emulator's module: it builds the images and the tables.
 */
export async function measureMutation(
  wasm: WasmSource,
  onProgress: (stage: "programs" | "images", done: number, total: number) => void = () => {},
): Promise<MutationReport> {
  // Unmerged profiles take both ways through the lookup, merged ones only one.
  const memory = new DatapathMemory(wasm, { mergeMode: "unmerged" });
  const bench = new Bench(memory, packetSets());
  const programs = await runProgramMutants(bench, (d, t) => onProgress("programs", d, t));
  const images = await runImageMutants(bench, (d, t) => onProgress("images", d, t));
  const reasons = new SurvivorReasons();
  const all = [
    ...programs.survived.map((mutant) => programSurvivor(mutant, reasons)),
    ...images.survived.map(imageSurvivor),
  ];
  const killed = programs.killed + images.killed;
  const survived = all.filter(({ reason }) => !reason?.equivalent);
  const reachable = killed + survived.length;
  return {
    reachable,
    killed,
    survived,
    score: Math.round(killed / reachable * 10_000) / 100,
    equivalent: all.filter(({ reason }) => reason?.equivalent),
    refused: programs.refused,
    unreached: linesOf(programs.unreached),
    unreachedCount: programs.unreached.length,
  };
}

function programSurvivor(mutant: ProgramMutant, reasons: SurvivorReasons): Survivor {
  return {
    name: `${mutant.function}+${mutant.offset} ${mutant.kind}`,
    place: mutant.place,
    line: mutant.line,
    reason: reasons.of(mutant),
  };
}

function imageSurvivor(mutant: ImageMutant): Survivor {
  return {
    name: `image of policy ${mutant.policy}, byte ${mutant.offset} bit ${mutant.bit}`,
    place: mutant.part,
    line: "",
    reason: reasonOfImageMutant(mutant),
  };
}

function linesOf(mutants: readonly ProgramMutant[]): { function: string; place: string }[] {
  const lines = new Map(mutants.map((m) => [`${m.function} ${m.place}`, m]));
  return [...lines.values()].map((m) => ({ function: m.function, place: m.place }));
}
