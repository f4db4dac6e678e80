import type { TestRunOptions, TestRunResult } from "./test_run.ts";

/** Options of {@linkcode BpfProgram.benchmark}. */
export interface BenchmarkOptions extends Pick<TestRunOptions, "data" | "ctx" | "flags"> {
  /** Runs in all. @default 1_000_000 */
  readonly repeat?: number;
}

/** What a benchmark found. */
export interface BenchmarkResult {
  /** Mean of one run, in nanoseconds, as the kernel measured it. */
  readonly nanoseconds: number;
  /** Runs in all. */
  readonly repeat: number;
  /** The last run's return value. */
  readonly returnValue: number;
}

const DEFAULT_REPEAT = 1_000_000;
const FIRST_SLICE = 1000;
/** Aim of a slice: longer ones hold up RCU grace periods on the whole machine. */
const SLICE_NANOSECONDS = 5_000_000;

/**
 * Runs a program many times in slices of about 5 ms and returns the mean. `run` is one
 * BPF_PROG_TEST_RUN.
 */
export function benchmarkProgram(
  run: (options: TestRunOptions) => TestRunResult,
  options: BenchmarkOptions,
): BenchmarkResult {
  const { repeat = DEFAULT_REPEAT, ...input } = options;
  if (!Number.isInteger(repeat) || repeat < 1) {
    throw new RangeError(`Cannot benchmark "program": ${repeat} runs, expected 1 or more`);
  }
  let total = 0;
  let done = 0;
  let slice = Math.min(FIRST_SLICE, repeat);
  for (;;) {
    const { duration, returnValue } = run({ ...input, repeat: slice });
    total += duration * slice;
    done += slice;
    if (done === repeat) return { nanoseconds: total / repeat, repeat, returnValue };
    const fitting = Math.ceil(SLICE_NANOSECONDS / Math.max(duration, 1));
    slice = Math.min(fitting, repeat - done);
  }
}
