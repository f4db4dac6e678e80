import type { ClusterObject } from "../cluster/object.ts";
import { readFiles } from "../cluster/read_files.ts";
import { type ManifestText, readObjects } from "../cluster/read_objects.ts";
import { DEATH_STAR } from "../cluster/scenarios/death_star.ts";
import { L7ConflictError } from "../policy/problems.ts";
import { makeScenario, type Scenario } from "../verify/scenario.ts";
import type { ScenarioOptions } from "../verify/scenario_options.ts";
import { BadInputError } from "./exit_code.ts";

/** A cluster as it was read. */
export interface LoadedCluster {
  readonly inputs: readonly ManifestText[];
  readonly objects: readonly ClusterObject[];
  /** What has been warned of. */
  readonly told: Set<string>;
}

/**
 * Reads the cluster that a command works on.
 *
 * @param paths Files, folders or `-`; without any, the built-in Death Star scenario.
 * @throws {BadInputError} If anything cannot be read: a verdict about half of a cluster
 *   would be a wrong one.
 */
export async function loadCluster(paths: readonly string[]): Promise<LoadedCluster> {
  return clusterOf(paths.length === 0 ? [DEATH_STAR] : await readAll(paths));
}

/** Reads a cluster and compiles it with every pod on one node; see {@linkcode loadCluster}. */
export async function loadScenario(paths: readonly string[]): Promise<Scenario> {
  return await scenarioOf(await loadCluster(paths));
}

/** Reads manifests whose text is there already. */
export function clusterOf(inputs: readonly ManifestText[]): LoadedCluster {
  const { objects, errors } = readObjects(inputs);
  refuse(errors);
  return { inputs, objects, told: new Set() };
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

async function readAll(paths: readonly string[]): Promise<readonly ManifestText[]> {
  const { inputs, errors } = await readFiles(paths);
  refuse(errors);
  return inputs;
}

function refuse(errors: readonly Error[]): void {
  const [first, ...others] = errors;
  if (first === undefined) return;
  const more = others.length === 0 ? "" : ` (and ${others.length} more errors)`;
  const [head = "", ...rest] = first.message.split("\n");
  throw new BadInputError([head + more, ...rest].join("\n"), { cause: first });
}
