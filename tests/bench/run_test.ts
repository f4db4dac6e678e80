import { assertEquals, assertThrows } from "@std/assert";
import type { Benchmark } from "../../bench/benchmark.ts";
import { Progress } from "../../bench/progress.ts";
import type { Requirement } from "../../bench/requirement.ts";
import { type BenchResult, benchResult } from "../../bench/result.ts";
import { runBenchmarks, selectBenchmarks } from "../../bench/run.ts";
import { suite } from "../../bench/suite.ts";

const NO_KERNEL: Requirement = { name: "kernel", missing: () => "EPERM" };
const NO_CLANG: Requirement = { name: "clang", missing: () => "no compiler" };

function benchmark(name: string, overrides: Partial<Benchmark> = {}): Benchmark {
  return { name, about: "", requires: [], run: () => result(name), ...overrides };
}

function result(name: string): BenchResult {
  return benchResult(name, 1, { name: "baseline", value: 2 });
}

function options(requireKernel: boolean) {
  const pipe = { isTerminal: () => false, writeSync: () => 0 };
  return { rounds: 1, progress: new Progress(pipe), requireKernel };
}

Deno.test("runBenchmarks() goes on after a failure and says what failed", async () => {
  const failing = benchmark("b", {
    run: () => {
      throw new Error("Cannot measure");
    },
  });

  const report = await runBenchmarks([benchmark("a"), failing, benchmark("c")], options(false));

  assertEquals(report, {
    results: [result("a"), result("c")],
    skipped: [],
    failed: ["b: Cannot measure"],
  });
});

Deno.test("runBenchmarks() skips with the reason where something is missing", async () => {
  const benchmarks = [
    benchmark("a", { requires: [NO_KERNEL] }),
    benchmark("b", { requires: [NO_CLANG] }),
  ];

  const report = await runBenchmarks(benchmarks, options(false));

  assertEquals(report, { results: [], skipped: ["a: EPERM", "b: no compiler"], failed: [] });
});

Deno.test("runBenchmarks() fails without a kernel where the kernel is required", async () => {
  const benchmarks = [
    benchmark("a", { requires: [NO_KERNEL] }),
    benchmark("b", { requires: [NO_CLANG] }),
  ];

  const report = await runBenchmarks(benchmarks, options(true));

  assertEquals(report, { results: [], skipped: ["b: no compiler"], failed: ["a: EPERM"] });
});

Deno.test("selectBenchmarks() takes a part of the name or an expression", () => {
  const names = (filter: string) => selectBenchmarks(suite(), filter).map(({ name }) => name);

  assertEquals(names("policy.16k"), [
    "kernel.policy.16k",
    "kernel.policy.16k.unique",
    "emulator.policy.16k",
    "emulator.policy.16k.unique",
  ]);
  assertEquals(names("/^kernel.*1k$/"), [
    "kernel.policy.1k",
    "kernel.ipcache.1k",
    "kernel.ipcache6.1k",
  ]);
  assertEquals(names("nothing"), []);
});

Deno.test("selectBenchmarks() refuses what is no expression", () => {
  assertThrows(() => selectBenchmarks([], "/(/"), SyntaxError);
});

Deno.test("suite() names every figure once, and scaled-down ones by another name", () => {
  const names = suite().map(({ name }) => name);

  assertEquals(new Set(names).size, names.length);
  assertEquals(names.includes("kernel.policy.60x10k"), true);
  const quick = suite({ quick: true }).map(({ name }) => name);
  assertEquals(quick.filter((name) => !names.includes(name)), [
    "kernel.policy.6x10k",
    "kernel.path.6x10k-512k",
  ]);
});
