import { DatapathMemory } from "../datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../datapath/emulator_file.ts";
import { CompiledCluster } from "../explain/compiled_cluster.ts";
import { PolicyTables } from "../explain/policy_tables.ts";
import type { ClusterInput } from "./cluster_flags.ts";

/** A compiled cluster and its policies as tables in the emulator's memory. */
export interface CompiledInput extends Disposable {
  readonly cluster: CompiledCluster;
  readonly tables: PolicyTables;
}

/** Compiles what a command has read. */
export async function compileInput({ objects }: ClusterInput): Promise<CompiledInput> {
  const cluster = await CompiledCluster.compile(objects);
  const memory = new DatapathMemory(await readEmulatorWasm());
  const tables = new PolicyTables(memory, (identity) => cluster.slotOf(identity));
  return {
    cluster,
    tables,
    [Symbol.dispose]: () => {
      tables[Symbol.dispose]();
      cluster[Symbol.dispose]();
    },
  };
}
