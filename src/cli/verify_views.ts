import type { BatchMismatch } from "../verify/class_run.ts";
import { askedInAll } from "../verify/compare.ts";
import type { ImageFault } from "../verify/reproducer.ts";
import { type Scenario, viewsOf } from "../verify/scenario.ts";
import type { ScenarioOptions } from "../verify/scenario_options.ts";
import { type VerifyReport, verifyScenario, verifyWithoutProxies } from "../verify/verify.ts";
import type { Datapaths } from "./datapaths.ts";
import { BadInputError } from "./exit_code.ts";
import { type LoadedCluster, scenarioOf } from "./load_scenario.ts";
import { Progress } from "./progress.ts";

/** What to verify of a cluster. */
export interface ViewsOptions {
  /** Options of every view. */
  readonly scenario: Omit<ScenarioOptions, "node">;
  /** What {@linkcode chosenViews} gave. */
  readonly views: readonly (string | undefined)[];
  /** Random flows, of all views together. */
  readonly random: number;
  /** Most classes of each view. @default all */
  readonly classes?: number | undefined;
  readonly seed: number;
  /** A byte to turn over in the first view. */
  readonly fault?: ImageFault | undefined;
}

/** What was found in all views. */
export interface ViewsReport extends VerifyReport {
  /** The nodes whose views were taken; empty for a cluster that knows of none. */
  readonly nodes: readonly string[];
  /** The view with the mismatches, else the first. */
  readonly scenario: Scenario;
}

/** Verifies the views of a cluster's nodes, one after the other, up to the first mismatch. */
export async function verifyViews(
  cluster: LoadedCluster,
  datapaths: Datapaths,
  options: ViewsOptions,
): Promise<ViewsReport> {
  const { views } = options;
  let all: ViewsReport | undefined;
  for (const [i, node] of views.entries()) {
    const scenario = await scenarioOf(cluster, { ...options.scenario, node });
    // A view without pods has no programs; the last one must say so where none has any.
    const isLast = i + 1 === views.length && all === undefined;
    if (scenario.node.endpoints.length === 0 && !isLast) continue;
    await datapaths.load(scenario.node);
    if (i === 0) injectFault(datapaths, options.fault);
    const random = Math.ceil(options.random / views.length);
    all = joined(all, await verifyView(scenario, datapaths, { ...options, random }));
    if (all.mismatches.length > 0) break;
  }
  if (all === undefined) throw new RangeError("Cannot verify views: none, expected at least one");
  return all;
}

/**
 * The views to take of a cluster, by the names of nodes.
 *
 * @param wanted All, if absent.
 * @throws {BadInputError} If there is no such node.
 */
export function chosenViews(
  { objects }: LoadedCluster,
  wanted: readonly string[] | undefined,
): readonly (string | undefined)[] {
  const views = viewsOf(objects);
  if (wanted === undefined) return views;
  const unknown = wanted.find((name) => !views.includes(name));
  if (unknown === undefined) return wanted;
  const known = views.filter((name) => name !== undefined).join(", ");
  throw new BadInputError(
    `Cannot take the view of "${unknown}": no such node, expected ${
      known || "manifests with nodes"
    }`,
  );
}

async function verifyView(
  scenario: Scenario,
  datapaths: Datapaths,
  { random, classes, seed }: ViewsOptions,
): Promise<ViewsReport> {
  const { memory, all } = datapaths;
  using progress = new Progress();
  const { node } = scenario.options;
  const name = node === undefined ? "" : `${node}: `;
  const report = verifyScenario(scenario, memory, all, {
    random,
    seed,
    ...(classes === undefined ? {} : { classes }),
    onProgress: (stage, done, total) => progress.update(`${name}${stage}`, done, total),
  });
  const nodes = node === undefined ? [] : [node];
  const { redirected } = report;
  if (report.mismatches.length > 0 || redirected.length === 0) {
    return { ...report, nodes, scenario };
  }
  const silent = scenario.withoutProxies();
  await datapaths.load(silent.node);
  const { packets, mismatches, asked } = verifyWithoutProxies(silent, memory, all, redirected);
  return {
    ...report,
    asked: askedInAll([report.asked, asked]),
    packets: report.packets + packets,
    mismatches,
    nodes,
    scenario: mismatches.length > 0 ? silent : scenario,
  };
}

function joined(before: ViewsReport | undefined, after: ViewsReport): ViewsReport {
  if (before === undefined) return after;
  const mismatches: readonly BatchMismatch[] = after.mismatches;
  return {
    classes: {
      total: before.classes.total + after.classes.total,
      checked: before.classes.checked + after.classes.checked,
    },
    redirected: [],
    random: { ...after.random, flows: before.random.flows + after.random.flows },
    packets: before.packets + after.packets,
    asked: askedInAll([before.asked, after.asked]),
    mismatches,
    packetsPerSecond: after.packetsPerSecond,
    nodes: [...before.nodes, ...after.nodes],
    scenario: mismatches.length > 0 ? after.scenario : before.scenario,
  };
}

/** Turns the lowest bit of a byte of an image over, on purpose. */
export function injectFault({ memory, kernel }: Datapaths, fault: ImageFault | undefined): void {
  if (fault === undefined) return;
  const image = memory.images.get(fault.policy);
  if (image === undefined || fault.byte >= image.bytes.length) {
    throw new BadInputError(
      `Cannot flip byte "${fault.byte}" of policy ${fault.policy}: no such byte, ` +
        `expected a policy of the scenario and a byte of its image`,
    );
  }
  const value = (image.bytes[fault.byte] ?? 0) ^ 1;
  if (fault.datapath === "kernel") kernel?.node.maps.pokeImage(image, fault.byte, value);
  else image.bytes[fault.byte] = value;
}
