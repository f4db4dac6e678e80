import { assertEquals, assertNotEquals } from "@std/assert";
import { KernelDatapath } from "../../src/datapath/kernel.ts";
import { verifyScenario } from "../../src/verify/verify.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { mustMakeDeathStar, mustOpenEmulator } from "./_scenario.ts";

const OPTIONS = { random: 20_000, seed: 1 };

Deno.test("verifyScenario() finds the text of the Death Star and the emulator alike", async () => {
  const scenario = await mustMakeDeathStar();
  const { memory, emulator } = await mustOpenEmulator();
  emulator.load(scenario.node);
  const report = verifyScenario(scenario, memory, [emulator], OPTIONS);
  assertEquals(report.mismatches, []);
  assertEquals(report.classes.checked, report.classes.total);
  assertNotEquals(report.classes.total, 0);
  assertEquals(report.random, { flows: 20_000, seed: 1 });
});

Deno.test("verifyScenario() notices that a datapath misses one entry of a policy", async () => {
  const scenario = await mustMakeDeathStar();
  const { memory, emulator } = await mustOpenEmulator();
  const [first, ...others] = scenario.node.policies;
  const entries = first?.mapState.entries.slice(1) ?? [];
  const policies = [{ number: 1, revision: 1, ...first, mapState: { entries } }, ...others];
  emulator.load({ ...scenario.node, policies });
  const report = verifyScenario(scenario, memory, [emulator], OPTIONS);
  assertNotEquals(report.mismatches.length, 0);
  const [mismatch] = report.mismatches;
  assertEquals(Object.keys(mismatch?.answers ?? {}), ["spec", "emulator", "lpm-map"]);
  assertNotEquals(mismatch?.packets.length, 0);
  // Random flows would be judged by classes that are wrong.
  assertEquals(report.random.flows, 0);
});

Deno.test("verifyScenario() has nothing to say about a cluster without pods", async () => {
  const scenario = await mustMakeDeathStar();
  const { memory, emulator } = await mustOpenEmulator();
  const node = { endpoints: [], identities: [], ipcache: [], policies: [] };
  emulator.load(node);
  const report = verifyScenario({ ...scenario, node }, memory, [emulator], OPTIONS);
  assertEquals(report.classes, { total: 0, checked: 0 });
});

kernelTest("verifyScenario() finds text, emulator and kernel alike", async () => {
  const scenario = await mustMakeDeathStar();
  const { memory, emulator } = await mustOpenEmulator();
  using kernel = new KernelDatapath(memory);
  emulator.load(scenario.node);
  await kernel.load(scenario.node);
  const report = verifyScenario(scenario, memory, [emulator, kernel], OPTIONS);
  assertEquals(report.mismatches, []);
  assertEquals(report.classes.checked, report.classes.total);
});
