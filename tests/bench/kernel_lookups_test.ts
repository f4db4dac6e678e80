import { assertThrows } from "@std/assert";
import { DisagreementError } from "../../bench/benchmark.ts";
import { KernelLookups } from "../../bench/kernel_lookups.ts";
import { Progress } from "../../bench/progress.ts";
import { addressQueries, PolicyQueries } from "../../bench/queries.ts";
import { sharedWorkload } from "../../bench/workloads.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";

const POLICY = { subject: "bench_policy", baseline: "bench_policy_lpm", baselineName: "LPM" };
const IPCACHE = { subject: "bench_ipcache", baseline: "bench_ipcache_lpm", baselineName: "LPM" };

kernelTest("KernelLookups.race() refuses a program that leaves a query unanswered", async () => {
  using progress = new Progress();
  using lookups = await KernelLookups.load([POLICY.subject, POLICY.baseline]);
  const queries = new PolicyQueries(sharedWorkload(96), lookups.queryCount);
  lookups.ask(queries.words);

  // No policy is loaded.
  assertThrows(
    () => lookups.race("test", { ...POLICY, rounds: 1, progress }),
    Error,
    'Cannot run "bench_policy": query 0 not answered',
  );
});

kernelTest("KernelLookups.race() refuses programs that answer differently", async () => {
  using progress = new Progress();
  using lookups = await KernelLookups.load([IPCACHE.subject, IPCACHE.baseline]);
  const localhost = 0x0100007F; // in network byte order
  lookups.ask(addressQueries(new Uint32Array(lookups.queryCount).fill(0x7F000001)));
  const info = new Uint8Array(Uint32Array.of(300, 256, 0, 0).buffer);
  lookups.map("ipcache4").update(localhost, info);

  assertThrows(
    () => lookups.race("test", { ...IPCACHE, rounds: 1, progress }),
    DisagreementError,
    "query 0 is answered 0x1000000012c, expected the baseline's 0x900000009",
  );
});
