import { type Command, Option } from "commander";
import type { ManifestError } from "../cluster/manifest_error.ts";
import type { ClusterObject } from "../cluster/object.ts";
import { readFiles } from "../cluster/read_files.ts";
import { type ManifestText, readObjects } from "../cluster/read_objects.ts";
import { DEATH_STAR } from "../cluster/scenarios/death_star.ts";

/** How a command prints its result. */
export type OutputFormat = "table" | "json" | "jsonl";

/** Options of every command that works on the state of a cluster. */
export interface ClusterFlags {
  readonly file?: readonly string[];
  readonly namespace: string;
  readonly lenient: boolean;
}

/** A cluster as far as it could be read. What could not is on standard error already. */
export interface ClusterInput {
  readonly objects: readonly ClusterObject[];
  /** Something was refused: the command goes on with the rest and exits with 2. */
  readonly refused: boolean;
}

/** Gives a command the options of {@linkcode ClusterFlags}. */
export function addClusterOptions(command: Command): Command {
  return command
    .option("-f, --file <path...>", "manifests: files, folders or - (default: the Death Star)")
    .option("-n, --namespace <name>", "namespace of what names none", "default")
    .option("--lenient", "unknown fields are warnings", false);
}

/** Gives a command `-o`. */
export function addOutputOption(command: Command): Command {
  return command.addOption(
    new Option("-o, --output <format>", "how to print").choices(["table", "json", "jsonl"])
      .default("table"),
  );
}

/**
 * Reads the cluster that a command works on. What is wrong is told on standard error, one
 * line each: a policy that is refused must not keep the others from being asked.
 */
export async function readCluster(
  { file = [], namespace, lenient }: ClusterFlags,
): Promise<ClusterInput> {
  const { inputs, errors } = file.length === 0
    ? { inputs: [DEATH_STAR], errors: [] }
    : await readFiles(file);
  return readManifests(inputs, { namespace, lenient }, errors);
}

/** Like {@linkcode readCluster}, for manifests that were read already. */
export function readManifests(
  inputs: readonly ManifestText[],
  { namespace, lenient }: Pick<ClusterFlags, "namespace" | "lenient">,
  unreadable: readonly ManifestError[] = [],
): ClusterInput {
  const result = readObjects(inputs, { defaultNamespace: namespace, lenient });
  const errors = [...unreadable, ...result.errors];
  for (const warning of result.warnings) console.error(`warning: ${oneLine(warning)}`);
  for (const error of errors) console.error(oneLine(error));
  return { objects: result.objects, refused: errors.length > 0 };
}

/** What is wrong, where, and what was meant, on one line. */
export function oneLine({ summary, location, suggestion }: ManifestError): string {
  const { file, line, column } = location;
  const place = line === 0 ? "" : ` (${file}:${line}:${column})`;
  const meant = suggestion === undefined ? "" : `, did you mean ${suggestion}?`;
  return `${summary}${place}${meant}`;
}
