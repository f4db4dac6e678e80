import { assertEquals } from "@std/assert";
import { kernelPathBenchmark, type KernelPathKind } from "../../bench/kernel_path.ts";
import { Progress } from "../../bench/progress.ts";
import { sharedWorkload, signatureWorkload } from "../../bench/workloads.ts";
import { DIRECTION_EGRESS } from "../../src/datapath/layout.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";

const BASELINES: Readonly<Record<KernelPathKind, string>> = {
  path: "LPM twin",
  path_parse: "LPM twin",
  path_ipcache: "LPM twin",
  path_exact: "LPM twin, exact addresses",
  path_ct: "LPM twin",
};

for (const [kind, baseline] of Object.entries(BASELINES) as [KernelPathKind, string][]) {
  for (const family of [4, 6] as const) {
    kernelTest(`kernel.${kind} answers as its baseline does over IPv${family}`, async () => {
      using progress = new Progress();
      // It compares the answers for 16,384 packets before it measures.
      const shape = { workload: sharedWorkload(1024), addresses: 2000, family };
      const result = await kernelPathBenchmark(kind, "test", shape).run({ rounds: 1, progress });
      const name = family === 6 ? kind.replace("path", "path6") : kind;
      assertEquals([result.name, result.baseline.name], [`kernel.${name}.test`, baseline]);
    });
  }
}

kernelTest("kernel.path answers as its baseline does: several policies", async () => {
  using progress = new Progress();
  const shape = { policies: 3, peers: 200, signatures: 20, ports: 40, direction: DIRECTION_EGRESS };
  const result = await kernelPathBenchmark("path", "test", {
    workload: signatureWorkload(shape),
    addresses: 2000,
  }).run({ rounds: 1, progress });
  assertEquals(result.baseline.name, "LPM twin");
});
