import { DatapathMemory } from "../datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../datapath/emulator_file.ts";
import type { ClusterObject, Pod } from "../cluster/object.ts";
import type { Answer, Question, Twin } from "../explain/answer.ts";
import { CompiledCluster } from "../explain/compiled_cluster.ts";
import type { RuleDirection } from "../cluster/rule.ts";
import type { NearMiss } from "../explain/near_miss.ts";
import type { End } from "../explain/end_finder.ts";
import type { Policy } from "../policy/snapshot.ts";
import { EmulatorTwin } from "../explain/emulator_twin.ts";
import { SpecTwin } from "../explain/spec_twin.ts";
import { PacketTwin } from "../explain/packet_twin.ts";
import { tellProblems } from "./cluster_flags.ts";
import { Datapaths } from "./datapaths.ts";
import { BadInputError } from "./exit_code.ts";

/** Which twin answers. */
export type TwinKind = Twin["kind"];

/** Names of {@linkcode TwinKind}. */
export const TWIN_KINDS: readonly TwinKind[] = ["spec", "emulator", "kernel"];

/** A twin of a cluster to which supposed pods can be added. */
export interface OpenTwin extends Disposable {
  readonly kind: TwinKind;
  /** Adds pods that questions will name. */
  add(pods: readonly Pod[]): Promise<void>;
  answer(questions: readonly Question[]): Promise<readonly Answer[]>;
  /** The rule that came nearest to allowing what a side denies for want of a rule. */
  nearestMiss(question: Question, direction: RuleDirection): NearMiss | undefined;
  /** Ends of one class are treated alike, at both sides of a flow. */
  classOf(end: End): string;
  /** The policy of an end as the engine compiled it; `undefined` for what is no endpoint. */
  policyOf(end: End): Policy | undefined;
}

/** Opens a twin of a cluster. */
export async function openTwin(
  kind: TwinKind,
  objects: readonly ClusterObject[],
): Promise<OpenTwin> {
  const cluster = await CompiledCluster.compile(objects);
  tellProblems(cluster);
  using owned = new DisposableStack();
  const twin = owned.use(await MAKERS[kind](cluster, objects, owned));
  owned.use(cluster);
  const kept = owned.move();
  return {
    kind,
    add: (pods) => cluster.add(pods),
    answer: (questions) => limited(() => twin.answer(questions)),
    nearestMiss: (question, direction) => cluster.nearestMiss(question, direction),
    classOf: (end) => kind === "spec" ? end.name : cluster.classOf(end),
    policyOf: (end) => cluster.policyOf(end),
    [Symbol.dispose]: () => kept[Symbol.dispose](),
  };
}

type Maker = (
  cluster: CompiledCluster,
  objects: readonly ClusterObject[],
  owned: DisposableStack,
) => Twin | Promise<Twin>;

const MAKERS: Readonly<Record<TwinKind, Maker>> = {
  spec: (_cluster, objects) => new SpecTwin(objects),
  emulator: async (cluster) =>
    new EmulatorTwin(cluster, new DatapathMemory(await readEmulatorWasm())),
  kernel: async (cluster, _objects, owned) => {
    const { kernel, memory, reason } = owned.use(await Datapaths.open());
    if (kernel !== undefined) return new PacketTwin(cluster, kernel, memory);
    throw new BadInputError(`Cannot ask the kernel: ${reason}`);
  },
};

/** A policy that exceeds a limit of the tables cannot be asked about there. */
async function limited<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new BadInputError(`${cause.message} (--datapath spec knows no limits)`, { cause });
  }
}
