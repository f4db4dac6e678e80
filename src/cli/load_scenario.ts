import type { ClusterObject } from "../cluster/object.ts";
import { readFiles } from "../cluster/read_files.ts";
import type { ManifestText } from "../cluster/read_objects.ts";
import type { ManifestError } from "../cluster/manifest_error.ts";
import { DEATH_STAR } from "../cluster/scenarios/death_star.ts";
import { L7ConflictError } from "../policy/problems.ts";
import { makeScenario, type Scenario } from "../verify/scenario.ts";
import type { ScenarioOptions } from "../verify/scenario_options.ts";
import { type ClusterInput, readManifests } from "./cluster_flags.ts";
import { BadInputError } from "./exit_code.ts";

/** A cluster as it was read. What could not be read is on standard error already. */
export interface LoadedCluster extends ClusterInput {
  readonly inputs: readonly ManifestText[];
  readonly objects: readonly ClusterObject[];
  /** What has been warned of. */
  readonly told: Set<string>;
}

/**
 * Reads the cluster that a command works on. What is wrong is told on standard error, one line
 * each, and left out.
 *
 * @param paths Files, folders or `-`; without any, the built-in Death Star scenario.
 * @throws {BadInputError} If nothing is left.
 */
export async function loadCluster(paths: readonly string[]): Promise<LoadedCluster> {
  if (paths.length === 0) return clusterOf([DEATH_STAR]);
  const { inputs, errors } = await readFiles(paths);
  return clusterOf(inputs, errors);
}

/** Reads a cluster and compiles it with every pod on one node; see {@linkcode loadCluster}. */
export async function loadScenario(
  paths: readonly string[],
): Promise<{ readonly scenario: Scenario } & Pick<LoadedCluster, "refused">> {
  const cluster = await loadCluster(paths);
  return { scenario: await scenarioOf(cluster), refused: cluster.refused };
}

/** Reads manifests whose text is there already; see {@linkcode loadCluster}. */
export function clusterOf(
  inputs: readonly ManifestText[],
  unreadable: readonly ManifestError[] = [],
): LoadedCluster {
  const options = { namespace: "default", lenient: false };
  const { objects, refused } = readManifests(inputs, options, unreadable);
  if (refused && objects.length === 0) {
    throw new BadInputError('Cannot use "manifests": all refused, expected at least one object');
  }
  return { inputs, objects, refused, told: new Set() };
}

/**
 * Compiles a cluster. Rules that lose against others are told of on standard error, once.
 *
 * @throws {BadInputError} If the cluster contradicts itself in a way that no packet can follow.
 */
export async function scenarioOf(
  { inputs, objects, told }: LoadedCluster,
  options: ScenarioOptions = {},
): Promise<Scenario> {
  const scenario = await makeScenario(inputs, objects, options);
  const { problems } = scenario.snapshot;
  refuse(problems.filter((problem) => !(problem instanceof L7ConflictError)));
  for (const { message } of problems) {
    if (!told.has(message)) console.error(`warning: ${message}`);
    told.add(message);
  }
  return scenario;
}

function refuse(errors: readonly Error[]): void {
  const [first, ...others] = errors;
  if (first === undefined) return;
  const more = others.length === 0 ? "" : ` (and ${others.length} more errors)`;
  const [head = "", ...rest] = first.message.split("\n");
  throw new BadInputError([head + more, ...rest].join("\n"), { cause: first });
}
