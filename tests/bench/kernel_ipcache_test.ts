import { assertEquals } from "@std/assert";
import { kernelIpcacheBenchmark } from "../../bench/kernel_ipcache.ts";
import { Progress } from "../../bench/progress.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";

kernelTest("kernel.ipcache answers as one LPM trie does", async () => {
  using progress = new Progress();
  // It compares 65,536 answers before it measures.
  const result = await kernelIpcacheBenchmark("kernel.ipcache.test", 2000)
    .run({ rounds: 1, progress });

  assertEquals(result.baseline.name, "LPM trie");
});
