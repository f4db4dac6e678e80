import type { Benchmark, BenchOptions } from "../benchmark.ts";
import { benchResult, type Unit } from "../result.ts";

/** A value and what it is compared with, in one unit. */
export interface Figure {
  readonly value: number;
  readonly baseline: number;
}

/** What is measured, in words. */
export interface FigureFields {
  readonly about: string;
  readonly baseline: string;
  /** @default "ns" */
  readonly unit?: Unit;
}

/** A benchmark that needs nothing but this program. */
export function figureBenchmark(
  name: string,
  { about, baseline, unit = "ns" }: FigureFields,
  measure: (options: BenchOptions) => Promise<Figure>,
): Benchmark {
  return {
    name,
    about: `${about}; against ${baseline}`,
    requires: [],
    run: async (options) => {
      const figure = await measure(options);
      return benchResult(name, figure.value, { name: baseline, value: figure.baseline }, unit);
    },
  };
}

/** Measures once for several benchmarks, when the first of them runs. */
export function once<T>(
  measure: (options: BenchOptions) => Promise<T>,
): (options: BenchOptions) => Promise<T> {
  let measured: Promise<T> | undefined;
  return (options) => measured ??= measure(options);
}
