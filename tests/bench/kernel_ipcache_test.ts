import { assertEquals } from "@std/assert";
import { kernelIpcacheBenchmark } from "../../bench/kernel_ipcache.ts";
import { Progress } from "../../bench/progress.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";

for (const family of [4, 6] as const) {
  kernelTest(`kernel.ipcache answers as one LPM trie does, IPv${family}`, async () => {
    using progress = new Progress();
    // It compares 65,536 answers before it measures.
    const result = await kernelIpcacheBenchmark("kernel.ipcache.test", { count: 2000, family })
      .run({ rounds: 1, progress });

    assertEquals(result.baseline.name, "LPM trie");
  });
}
