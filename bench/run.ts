import type { Benchmark, BenchOptions } from "./benchmark.ts";
import type { BenchResult } from "./result.ts";

/** What became of a run of several benchmarks. */
export interface RunReport {
  readonly results: readonly BenchResult[];
  /** One line for each benchmark that could not run here. */
  readonly skipped: readonly string[];
  /** One line for each benchmark that went wrong. */
  readonly failed: readonly string[];
}

/** Options of {@linkcode runBenchmarks}. */
export interface RunOptions extends BenchOptions {
  /** A missing kernel is a failure. @default {false} */
  readonly requireKernel?: boolean;
}

/** Runs benchmarks one after the other. One that fails does not keep the others from running. */
export async function runBenchmarks(
  benchmarks: readonly Benchmark[],
  options: RunOptions,
): Promise<RunReport> {
  const results: BenchResult[] = [];
  const skipped: string[] = [];
  const failed: string[] = [];
  for (const benchmark of benchmarks) {
    try {
      const missing = benchmark.requires.find((requirement) => requirement.missing() !== undefined);
      if (missing === undefined) {
        results.push(await benchmark.run(options));
        continue;
      }
      const line = `${benchmark.name}: ${missing.missing()}`;
      if (missing.name === "kernel" && options.requireKernel) failed.push(line);
      else skipped.push(line);
    } catch (error) {
      failed.push(`${benchmark.name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return { results, skipped, failed };
}

/**
 * The benchmarks whose name contains `filter`, or matches it if it stands between slashes.
 *
 * @throws {SyntaxError} If it is no regular expression.
 */
export function selectBenchmarks(benchmarks: readonly Benchmark[], filter: string): Benchmark[] {
  const expression = /^\/(.+)\/$/.exec(filter)?.[1];
  if (expression === undefined) return benchmarks.filter(({ name }) => name.includes(filter));
  const pattern = new RegExp(expression);
  return benchmarks.filter(({ name }) => pattern.test(name));
}
