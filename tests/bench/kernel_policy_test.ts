import { assertEquals } from "@std/assert";
import { kernelPolicyBenchmark } from "../../bench/kernel_policy.ts";
import { Progress } from "../../bench/progress.ts";
import { sharedWorkload, signatureWorkload, uniqueWorkload } from "../../bench/workloads.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";

const WORKLOADS = [
  { name: "shared templates", workload: sharedWorkload(1024) },
  { name: "unique profiles", workload: uniqueWorkload(1024) },
  {
    name: "several policies of 40 ports a peer",
    workload: signatureWorkload({ policies: 3, peers: 200, signatures: 20, ports: 40 }),
  },
];

for (const { name, workload } of WORKLOADS) {
  kernelTest(`kernel.policy answers as the LPM twin does: ${name}`, async () => {
    using progress = new Progress();
    // It compares 65,536 answers before it measures.
    const result = await kernelPolicyBenchmark("kernel.policy.test", workload)
      .run({ rounds: 1, progress });

    assertEquals(Object.keys(result), ["name", "value", "unit", "baseline", "ratio"]);
    assertEquals(result.baseline.name, "LPM twin");
  });
}
