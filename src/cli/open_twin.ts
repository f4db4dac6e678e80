import { DatapathMemory } from "../datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../datapath/emulator_file.ts";
import type { ClusterObject, Pod } from "../cluster/object.ts";
import type { Answer, Question, Twin } from "../explain/answer.ts";
import { CompiledCluster } from "../explain/compiled_cluster.ts";
import { EmulatorTwin } from "../explain/emulator_twin.ts";
import { SpecTwin } from "../explain/spec_twin.ts";
import { BadInputError } from "./exit_code.ts";

/** Which twin answers. */
export type TwinKind = Twin["kind"];

/** Names of {@linkcode TwinKind}. */
export const TWIN_KINDS: readonly TwinKind[] = ["spec", "emulator"];

/** A twin of a cluster to which supposed pods can be added. */
export interface OpenTwin extends Disposable {
  readonly kind: TwinKind;
  /** Adds pods that questions will name. */
  add(pods: readonly Pod[]): Promise<void>;
  answer(questions: readonly Question[]): Promise<readonly Answer[]>;
}

/** Opens a twin of a cluster. */
export async function openTwin(
  kind: TwinKind,
  objects: readonly ClusterObject[],
): Promise<OpenTwin> {
  if (kind === "spec") {
    const twin = new SpecTwin(objects);
    return {
      kind,
      add: () => Promise.resolve(),
      answer: (questions) => twin.answer(questions),
      [Symbol.dispose]: () => twin[Symbol.dispose](),
    };
  }
  const cluster = await CompiledCluster.compile(objects);
  const twin = new EmulatorTwin(cluster, new DatapathMemory(await readEmulatorWasm()));
  return {
    kind,
    add: (pods) => cluster.add(pods),
    answer: (questions) => limited(() => twin.answer(questions)),
    [Symbol.dispose]: () => {
      twin[Symbol.dispose]();
      cluster[Symbol.dispose]();
    },
  };
}

/** A policy that exceeds a limit of the tables cannot be asked about there. */
async function limited<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new BadInputError(`${cause.message} (--datapath spec knows no limits)`, { cause });
  }
}
