import { assertEquals } from "@std/assert";
import { kernelConntrackBenchmark } from "../../bench/kernel_conntrack.ts";
import { Progress } from "../../bench/progress.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";

for (const state of ["hit", "create"] as const) {
  for (const family of [4, 6] as const) {
    kernelTest(`kernel.conntrack ${state} over IPv${family} is what happens`, async () => {
      using progress = new Progress();
      // It fails if a packet's flow is known where it should not be, or the other way round.
      const result = await kernelConntrackBenchmark("test", { state, family })
        .run({ rounds: 2, progress });
      assertEquals([result.name, result.baseline.name], ["test", "LPM twin"]);
    });
  }
}
