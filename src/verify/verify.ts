/**
 * The differential test of one scenario: every class of flows, then random ones, in every
 * datapath and in the naive reading.
 *
 * @module
 */
import type { Datapath } from "../datapath/datapath.ts";
import type { DatapathMemory } from "../datapath/datapath_memory.ts";
import { PACKET_BATCH } from "../datapath/layout.ts";
import { type BatchMismatch, type ClassReport, runClasses } from "./class_run.ts";
import { ClassSpace } from "./classes.ts";
import { type Asked, Comparison } from "./compare.ts";
import { icmpTypes, portRanges, portSpecs } from "./port_specs.ts";
import { Random } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import { Signatures } from "./signature.ts";
import { runRandom } from "./soundness.ts";
import type { Meanings } from "./test_packet.ts";

/** What to do beside the classes. */
export interface VerifyOptions {
  /** How many random flows. */
  readonly random: number;
  /** Unsigned 32-bit; the same seed gives the same flows. */
  readonly seed: number;
  /** Most classes to try; the seed draws which ones. @default {Infinity} */
  readonly classes?: number;
  /** Called between batches. */
  readonly onProgress?: (stage: "classes" | "random", done: number, total: number) => void;
}

/** What {@linkcode verifyScenario} found. */
export interface VerifyReport {
  readonly classes: Pick<ClassReport, "total" | "checked">;
  /** Numbers of the classes that go to a proxy: to be tried without proxies as well. */
  readonly redirected: readonly number[];
  readonly random: { readonly flows: number; readonly seed: number };
  /** Packets that every datapath has run. */
  readonly packets: number;
  readonly asked: Asked;
  readonly mismatches: readonly BatchMismatch[];
  /** By datapath: packets per second of running alone, without making and comparing them. */
  readonly packetsPerSecond: Readonly<Record<string, number>>;
}

/**
 * Compares the datapaths with each other and with the naive reading.
 *
 * @param memory Where batches live; the memory of all the datapaths.
 * @param datapaths At least one, with the scenario's node loaded.
 */
export function verifyScenario(
  scenario: Scenario,
  memory: DatapathMemory,
  datapaths: readonly Datapath[],
  { random: count, seed, classes: most = Infinity, onProgress = () => {} }: VerifyOptions,
): VerifyReport {
  const comparison = openComparison(scenario, memory, datapaths);
  const space = classSpaceOf(scenario);
  const signatures = new Signatures(space.total);
  const draw = new Random(seed);
  const classes = runClasses(scenario, space, comparison, signatures, {
    only: most < space.total ? drawn(space, most, draw) : undefined,
    onProgress: (done) => onProgress("classes", done, space.cases),
  });
  const sound = classes.mismatches.length > 0 || space.total === 0
    // Random flows are judged by their classes, which must be right first.
    ? { flows: 0, mismatches: [] }
    : runRandom(
      scenario,
      space,
      comparison,
      signatures,
      { count, random: draw },
      (done) => onProgress("random", done, count),
    );
  const rates = [...comparison.timing].map(([name, { nanoseconds, packets }]) =>
    [name, Math.round(packets / nanoseconds * 1e9)] as const
  );
  return {
    classes: { total: classes.total, checked: classes.checked },
    redirected: classes.redirected,
    random: { flows: sound.flows, seed },
    packets: classes.packets + sound.flows,
    asked: comparison.asked,
    mismatches: [...classes.mismatches, ...sound.mismatches],
    packetsPerSecond: Object.fromEntries(rates),
  };
}

/**
 * Compares the datapaths on the classes whose packets go to a proxy, where no proxy listens:
 * what should be read by one is dropped.
 *
 * @param datapaths At least one, with the node of `scenario.withoutProxies()` loaded.
 * @param redirected What {@linkcode verifyScenario} found.
 */
export function verifyWithoutProxies(
  scenario: Scenario,
  memory: DatapathMemory,
  datapaths: readonly Datapath[],
  redirected: readonly number[],
): ClassReport & Pick<VerifyReport, "asked"> {
  const silent = scenario.withoutProxies();
  const comparison = openComparison(silent, memory, datapaths);
  const space = classSpaceOf(scenario);
  const signatures = new Signatures(space.total);
  const report = runClasses(silent, space, comparison, signatures, { only: redirected });
  return { ...report, asked: comparison.asked };
}

/** The classes of flows of a scenario: cut by its text, and by its tables. */
export function classSpaceOf({ node, blocks, objects, identities }: Scenario): ClassSpace {
  return new ClassSpace({
    node,
    blocks,
    identities,
    ports: portRanges(portSpecs(objects)),
    icmpTypes: icmpTypes(objects),
  });
}

/** Numbers of some classes, each once, in order. */
function drawn(space: ClassSpace, draws: number, random: Random): number[] {
  const numbers = new Set<number>();
  for (let i = 0; i < draws; i++) numbers.add(space.draw(random));
  return [...numbers].sort((a, b) => a - b);
}

/** Makes the batches for a comparison of datapaths that share a memory. */
export function openComparison(
  meanings: Meanings,
  memory: DatapathMemory,
  datapaths: readonly Datapath[],
): Comparison {
  const legs = datapaths.map((datapath) => ({
    datapath,
    output: memory.packetBatch(PACKET_BATCH),
  }));
  return new Comparison(memory.packetBatch(PACKET_BATCH), legs, {
    rulesOf: (cookie) => meanings.rulesOf(cookie),
    redirectAt: (port) => meanings.redirectAt?.(port),
    get node() {
      return meanings.node;
    },
  });
}
