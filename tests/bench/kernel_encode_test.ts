import { assertEquals } from "@std/assert";
import { kernelEncodeBenchmark } from "../../bench/kernel_encode.ts";
import { Progress } from "../../bench/progress.ts";
import { sharedWorkload } from "../../bench/workloads.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";

kernelTest("kernel.encode brings the image's bytes into the kernel from Wasm memory", async () => {
  using progress = new Progress();
  // It reads the map back before it measures.
  const result = await kernelEncodeBenchmark("kernel.encode.test", sharedWorkload(1024))
    .run({ rounds: 1, progress });

  assertEquals(result.baseline.name, "copied first");
});
