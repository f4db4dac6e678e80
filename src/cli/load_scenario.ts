import { type Feature, FEATURES } from "../cluster/not_yet.ts";
import { readFiles } from "../cluster/read_files.ts";
import { type ManifestText, readObjects } from "../cluster/read_objects.ts";
import { DEATH_STAR } from "../cluster/scenarios/death_star.ts";
import { makeScenario, type Scenario } from "../verify/scenario.ts";
import { BadInputError } from "./exit_code.ts";

/** What the classes of flows and the packets of verify and demo cover, of what can be gated. */
const COVERED: readonly Feature[] = ["entities"];
const NOT_COVERED: ReadonlySet<Feature> = new Set(FEATURES.filter((f) => !COVERED.includes(f)));

/**
 * Reads and compiles the cluster that a command works on.
 *
 * @param paths Files, folders or `-`; without any, the built-in Death Star scenario.
 * @throws {BadInputError} If anything cannot be read: a verdict about half of a cluster
 *   would be a wrong one.
 */
export async function loadScenario(paths: readonly string[]): Promise<Scenario> {
  return await scenarioOf(paths.length === 0 ? [DEATH_STAR] : await readAll(paths));
}

/** Compiles manifests that are read already. */
export async function scenarioOf(inputs: readonly ManifestText[]): Promise<Scenario> {
  const { objects, errors } = readObjects(inputs, { notYet: NOT_COVERED });
  refuse(errors);
  const scenario = await makeScenario(inputs, objects);
  refuse(scenario.snapshot.problems);
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
