/**
 * The text of the policies, the emulator's programs and the kernel's say the same of packets
 * in random clusters with every feature, from the view of a node, with proxies and without.
 *
 * A case that fails is shrunk and printed as manifests. Set TWINPATH_SEED to repeat a run,
 * and TWINPATH_CASES for a longer one.
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Datapath } from "../../src/datapath/datapath.ts";
import type { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { KernelDatapath } from "../../src/datapath/kernel.ts";
import { makeScenario, type Scenario } from "../../src/verify/scenario.ts";
import { verifyScenario, verifyWithoutProxies } from "../../src/verify/verify.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { readManifests } from "../generate/read.ts";
import { NODES } from "../generate/universe.ts";
import { world } from "../generate/world.ts";
import { mustOpenEmulator } from "./_scenario.ts";

const SEED = Number(Deno.env.get("TWINPATH_SEED") ?? Date.now() % 0x7fffffff);
const CASES = Number(Deno.env.get("TWINPATH_CASES") ?? 20);
/** Of the classes of a cluster, so that a run of the test takes seconds. */
const CLASSES = Number(Deno.env.get("TWINPATH_CLASSES") ?? 1_000);
const RANDOM = 500;

/** A cluster, whose view is taken, and whether policy only tells. */
const view = fc.record({
  world,
  node: fc.constantFrom(NODES[0].name, NODES[0].name, NODES[1].name),
  audit: fc.constantFrom(false, false, false, true),
  seed: fc.nat(),
});

type View = typeof view extends fc.Arbitrary<infer T> ? T : never;

Deno.test("verifyScenario() finds text and emulator alike in random clusters", async () => {
  const { memory, emulator } = await mustOpenEmulator();
  await mustAgree(memory, [emulator]);
});

kernelTest(
  "verifyScenario() finds text, emulator and kernel alike in random clusters",
  async () => {
    const { memory, emulator } = await mustOpenEmulator();
    using kernel = new KernelDatapath(memory);
    await mustAgree(memory, [emulator, kernel]);
  },
);

async function mustAgree(memory: DatapathMemory, datapaths: readonly Datapath[]): Promise<void> {
  console.log(`seed ${SEED}`);
  const sums = { classes: 0, packets: 0, redirected: 0 };
  await fc.assert(
    fc.asyncProperty(view, async (one) => {
      const scenario = await mustMakeScenario(one);
      for (const datapath of datapaths) await datapath.load(scenario.node);
      const options = { random: RANDOM, seed: one.seed, classes: CLASSES };
      const report = verifyScenario(scenario, memory, datapaths, options);
      assertEquals(textOf(report), []);
      sums.classes += report.classes.checked;
      sums.packets += report.packets;
      const { redirected } = report;
      if (redirected.length === 0) return;
      const silent = scenario.withoutProxies();
      for (const datapath of datapaths) await datapath.load(silent.node);
      const rest = verifyWithoutProxies(silent, memory, datapaths, redirected);
      assertEquals(textOf(rest), []);
      sums.redirected += redirected.length;
    }),
    { seed: SEED, numRuns: CASES },
  );
  const { classes, packets, redirected } = sums;
  console.log(
    `${CASES} clusters, ${classes} classes, ${packets} packets, ${redirected} redirected`,
  );
}

function mustMakeScenario({ world, node, audit }: View): Promise<Scenario> {
  const { allowLocalhost, mode, cidrMatchMode } = world.settings;
  return makeScenario([], readManifests(world.manifests), {
    node,
    audit,
    names: world.names,
    settings: {
      allowLocalhost,
      enforcement: mode,
      cidrMatchesNodes: cidrMatchMode.includes("nodes"),
    },
  });
}

function textOf({ mismatches }: Pick<ReturnType<typeof verifyScenario>, "mismatches">) {
  return mismatches.map(({ packet, differences, answers }) =>
    [packet?.describe(), ...differences, JSON.stringify(answers)].join("\n")
  );
}
