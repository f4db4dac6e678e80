import { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../../src/datapath/emulator_file.ts";
import { type BlockReport, datapathBlockReport } from "../../src/fuzz/block_coverage.ts";
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

/** What a run found, by name. */
export interface MustFuzzResult extends Omit<FuzzResult, "coverage" | "blocks"> {
  readonly coverage: CoverageReport;
  readonly blocks: BlockReport | undefined;
}

/** A short run, in a memory of its own. */
export async function mustFuzz(
  { seed, packets, kernel, fault }: MustFuzz,
): Promise<MustFuzzResult> {
  const memory = new DatapathMemory(await readEmulatorWasm());
  using twins = new Twins(memory, kernel, fault);
  const result = await fuzz(twins, new PacketGenerator(memory), { seed, packets });
  const coverage = new Coverage();
  coverage.add(result.coverage);
  const blocks = result.blocks && datapathBlockReport(result.blocks);
  return { ...result, coverage: coverage.report(), blocks };
}
