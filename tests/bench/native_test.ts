import { assertEquals, assertThrows } from "@std/assert";
import { EmulatorLookups } from "../../bench/emulator_lookups.ts";
import { emulatorPathBenchmark } from "../../bench/emulator_path.ts";
import { emulatorPolicyBenchmark } from "../../bench/emulator_policy.ts";
import { PolicyMemory } from "../../bench/policy_memory.ts";
import { Progress } from "../../bench/progress.ts";
import { CLANG } from "../../bench/requirement.ts";
import { sharedWorkload, signatureWorkload } from "../../bench/workloads.ts";

const missing = CLANG.missing();

function nativeTest(title: string, body: () => Promise<void>): void {
  const name = missing === undefined ? title : `${title} [skipped: ${missing}]`;
  Deno.test({ name, ignore: missing !== undefined, fn: body });
}

nativeTest("emulator.policy answers as native C does", async () => {
  using progress = new Progress();
  const workload = signatureWorkload({ policies: 3, peers: 200, signatures: 20, ports: 40 });
  // It compares 65,536 answers before it measures.
  const result = await emulatorPolicyBenchmark("emulator.policy.test", workload)
    .run({ rounds: 1, progress });

  assertEquals(result.baseline.name, "native C");
});

for (const family of [4, 6] as const) {
  nativeTest(`emulator.path answers as native C does: IPv${family}`, async () => {
    using progress = new Progress();
    // It compares the answers to 16,384 packets before it measures.
    const result = await emulatorPathBenchmark("emulator.path.test", {
      workload: sharedWorkload(1024),
      addresses: 2000,
      family,
    }).run({ rounds: 1, progress });

    assertEquals(result.baseline.name, "native C");
  });
}

nativeTest("NativeLibrary refuses a memory that has grown since", async () => {
  const memory = await PolicyMemory.create();
  using lookups = new EmulatorLookups(memory, memory.allocate(64), 1);
  memory.datapath.wasm.memory.grow(1);

  assertThrows(
    () => lookups.native.lookupPolicies(0, 0, 0),
    Error,
    'Cannot use "WebAssembly.Memory": it has grown',
  );
});
