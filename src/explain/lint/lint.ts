import type { ClusterObject } from "../../cluster/object.ts";
import type { CompiledCluster } from "../compiled_cluster.ts";
import { blocksOfPods } from "./blocks_of_pods.ts";
import { type Finding, LintContext } from "./finding.ts";
import { neverDecides } from "./never_decides.ts";
import { noDns } from "./no_dns.ts";
import { portNames } from "./port_names.ts";
import { selectsNothing } from "./selects_nothing.ts";
import { servicePorts } from "./service_ports.ts";

/** Each takes the cluster and tells what is odd. */
const LINTS = [selectsNothing, neverDecides, servicePorts, blocksOfPods, portNames, noDns];

/** Looks for what the authors of valid policies probably did not mean. */
export function* lint(
  cluster: CompiledCluster,
  objects: readonly ClusterObject[],
): Generator<Finding> {
  for (const { message } of cluster.snapshot.problems) yield { kind: "conflict", text: message };
  const context = new LintContext(cluster, objects);
  // Of policies alone nothing can be said.
  if (cluster.snapshot.endpoints.length === 0) return;
  for (const one of LINTS) yield* one(context);
}
