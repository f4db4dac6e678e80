import { assertEquals } from "@std/assert";
import { readObjects } from "../../src/cluster/read_objects.ts";
import { DEATH_STAR } from "../../src/cluster/scenarios/death_star.ts";
import { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { Emulator } from "../../src/datapath/emulator.ts";
import { readEmulatorWasm } from "../../src/datapath/emulator_file.ts";
import { makeScenario, type Scenario } from "../../src/verify/scenario.ts";

/** The built-in scenario, compiled. */
export async function mustMakeDeathStar(): Promise<Scenario> {
  const { objects, errors } = readObjects([DEATH_STAR]);
  assertEquals(errors, []);
  return await makeScenario([DEATH_STAR], objects);
}

/** An emulator with a memory of its own. */
export async function mustOpenEmulator(): Promise<{ memory: DatapathMemory; emulator: Emulator }> {
  const memory = new DatapathMemory(await readEmulatorWasm());
  return { memory, emulator: new Emulator(memory) };
}
