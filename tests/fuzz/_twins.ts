import { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../../src/datapath/emulator_file.ts";
import { Coverage, type CoverageReport } from "../../src/fuzz/coverage.ts";
import { fuzz, type FuzzResult } from "../../src/fuzz/fuzz.ts";
import { PacketGenerator } from "../../src/fuzz/generator.ts";
import { Twins } from "../../src/fuzz/twins.ts";
import type { ImageFault } from "../../src/verify/reproducer.ts";

/** How a run begins. */
export interface MustFuzz {
  readonly seed: number;
  readonly packets: number;
  readonly kernel: boolean;
  readonly fault?: ImageFault;
}

/** A short run, in a memory of its own. */
export async function mustFuzz(
  { seed, packets, kernel, fault }: MustFuzz,
): Promise<Omit<FuzzResult, "coverage"> & { readonly coverage: CoverageReport }> {
  const memory = new DatapathMemory(await readEmulatorWasm());
  using twins = new Twins(memory, kernel, fault);
  const result = await fuzz(twins, new PacketGenerator(memory), { seed, packets });
  const coverage = new Coverage();
  coverage.add(result.coverage);
  return { ...result, coverage: coverage.report() };
}
