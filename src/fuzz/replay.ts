import type { DatapathMemory } from "../datapath/datapath_memory.ts";
import { differencesOf } from "./lockstep.ts";
import type { FuzzReproducer } from "./reproducer.ts";
import { Twins } from "./twins.ts";

/**
 * Runs a reproducer's packets through both twins.
 *
 * @returns What differs, one line each; nothing if all is equal.
 * @throws {RangeError} If the datapaths do not take its state or its packets.
 */
export async function replayFuzz(
  memory: DatapathMemory,
  { world, packets, fault }: FuzzReproducer,
): Promise<string[]> {
  using twins = new Twins(memory, true, fault);
  await twins.load(world);
  return await differencesOf(twins, packets);
}
