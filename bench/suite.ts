import type { Benchmark } from "./benchmark.ts";
import { ipcacheMemoryBenchmark, policyMemoryBenchmark } from "./emulator_memory.ts";
import { emulatorPathBenchmark } from "./emulator_path.ts";
import { emulatorPathCtBenchmark } from "./emulator_path_ct.ts";
import { emulatorPolicyBenchmark } from "./emulator_policy.ts";
import { emulatorWorkersBenchmark } from "./emulator_workers.ts";
import { kernelConntrackBenchmark } from "./kernel_conntrack.ts";
import { kernelEncodeBenchmark } from "./kernel_encode.ts";
import { DIRECTION_EGRESS } from "../src/datapath/layout.ts";
import { kernelIpcacheBenchmark } from "./kernel_ipcache.ts";
import { kernelPathBenchmark } from "./kernel_path.ts";
import { kernelPolicyBenchmark } from "./kernel_policy.ts";
import { loaderBenchmarks } from "./loader.ts";
import { sharedWorkload, signatureWorkload, SIXTY_BY_10K, uniqueWorkload } from "./workloads.ts";

/** Map state entries of one policy. */
const POLICY_SIZES = { "96": 96, "1k": 1024, "16k": 16384, "64k": 65536 };
/** Addresses and CIDRs; the last is all that the maps hold. */
const IPCACHE_SIZES = { "1k": 1000, "60k": 60_000, "512k": 524_288 };
/** Packets of the paths with conntrack, each of a flow of its own unless policy drops it. */
const FLOW_PACKETS = 131_072;
/** The LPM twin of 60x10k: 24 million entries, 112 bytes of the kernel each, and room to spare. */
const LARGE_MEMORY = 5e9;
/** Policies of 60x10k in a quick run. */
const QUICK_POLICIES = 6;

/** Options of {@linkcode suite}. */
export interface SuiteOptions {
  /** Scale down what takes minutes; its name says so. @default {false} */
  readonly quick?: boolean;
}

function largePolicies(quick: boolean): Benchmark {
  if (!quick) {
    return kernelPolicyBenchmark(
      "kernel.policy.60x10k",
      signatureWorkload(SIXTY_BY_10K),
      LARGE_MEMORY,
    );
  }
  const shape = { ...SIXTY_BY_10K, policies: QUICK_POLICIES };
  return kernelPolicyBenchmark(
    `kernel.policy.${QUICK_POLICIES}x10k`,
    signatureWorkload(shape),
    LARGE_MEMORY * QUICK_POLICIES / SIXTY_BY_10K.policies,
  );
}

/** Packets through the kernel's programs, at 64k policy entries and 512k addresses. */
function kernelPaths(quick: boolean): Benchmark[] {
  const addresses = IPCACHE_SIZES["512k"];
  const shared = { workload: sharedWorkload(POLICY_SIZES["64k"]), addresses };
  const policies = quick ? QUICK_POLICIES : SIXTY_BY_10K.policies;
  const memory = LARGE_MEMORY * policies / SIXTY_BY_10K.policies;
  const shape = { ...SIXTY_BY_10K, policies, direction: DIRECTION_EGRESS };
  return [
    kernelPathBenchmark("path", "64k-512k", shared),
    kernelPathBenchmark("path_ct", "64k-512k", shared),
    kernelPathBenchmark("path_parse", "64k-512k", shared),
    kernelPathBenchmark("path_ipcache", "64k-512k", shared),
    kernelPathBenchmark("path_exact", "64k-512k", shared),
    kernelPathBenchmark("path", "64k-512k", { ...shared, family: 6 }),
    kernelPathBenchmark("path_ct", "64k-512k", { ...shared, family: 6 }),
    kernelPathBenchmark("path_parse", "64k-512k", { ...shared, family: 6 }),
    kernelPathBenchmark("path_ipcache", "64k-512k", { ...shared, family: 6 }),
    kernelPathBenchmark("path", "64k.unique-512k", {
      workload: uniqueWorkload(POLICY_SIZES["64k"]),
      addresses,
    }),
    kernelPathBenchmark("path", `${policies}x10k-512k`, {
      workload: signatureWorkload(shape),
      addresses,
      memory,
    }),
  ];
}

function kernelConntrack(): Benchmark[] {
  return ([["conntrack", 4], ["conntrack6", 6]] as const).flatMap(([name, family]) =>
    (["hit", "create"] as const).map((state) =>
      kernelConntrackBenchmark(`kernel.${name}.${state}`, { state, family })
    )
  );
}

/** All benchmarks, in the order in which they run. */
export function suite({ quick = false }: SuiteOptions = {}): Benchmark[] {
  const workloads = Object.entries(POLICY_SIZES).flatMap(([size, entries]) => [
    { name: size, workload: sharedWorkload(entries) },
    { name: `${size}.unique`, workload: uniqueWorkload(entries) },
  ]);
  const paths = ([["1k", "1k"], ["16k", "60k"], ["64k", "512k"]] as const).map(
    ([entries, addresses]) => ({
      name: `${entries}-${addresses}`,
      workload: sharedWorkload(POLICY_SIZES[entries]),
      addresses: IPCACHE_SIZES[addresses],
    }),
  );
  return [
    ...workloads.map(({ name, workload }) =>
      kernelPolicyBenchmark(`kernel.policy.${name}`, workload)
    ),
    largePolicies(quick),
    ...Object.entries(IPCACHE_SIZES).map(([size, count]) =>
      kernelIpcacheBenchmark(`kernel.ipcache.${size}`, { count, family: 4 })
    ),
    ...Object.entries(IPCACHE_SIZES).map(([size, count]) =>
      kernelIpcacheBenchmark(`kernel.ipcache6.${size}`, { count, family: 6 })
    ),
    ...kernelPaths(quick),
    ...kernelConntrack(),
    kernelEncodeBenchmark("kernel.encode.16k", sharedWorkload(POLICY_SIZES["16k"])),
    ...workloads.map(({ name, workload }) =>
      emulatorPolicyBenchmark(`emulator.policy.${name}`, workload)
    ),
    ...paths.map(({ name, ...shape }) => emulatorPathBenchmark(`emulator.path.${name}`, shape)),
    ...paths.filter(({ name }) => name === "16k-60k").map(({ name, ...shape }) =>
      emulatorPathBenchmark(`emulator.path6.${name}`, { ...shape, family: 6 })
    ),
    ...paths.map(({ name, ...shape }) =>
      emulatorPathCtBenchmark(`emulator.path_ct.${name}`, { ...shape, packets: FLOW_PACKETS })
    ),
    emulatorWorkersBenchmark("emulator.workers.2", 2, {
      workload: sharedWorkload(POLICY_SIZES["16k"]),
      addresses: IPCACHE_SIZES["60k"],
      packets: FLOW_PACKETS,
    }),
    ipcacheMemoryBenchmark("emulator.memory.ipcache.fast", IPCACHE_SIZES["512k"], "fast"),
    ipcacheMemoryBenchmark("emulator.memory.ipcache.compact", IPCACHE_SIZES["512k"], "compact"),
    policyMemoryBenchmark("emulator.memory.policy.64k", sharedWorkload(POLICY_SIZES["64k"])),
    ...loaderBenchmarks(),
  ];
}
