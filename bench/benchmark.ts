import type { Progress } from "./progress.ts";
import type { Requirement } from "./requirement.ts";
import type { BenchResult } from "./result.ts";

/** How a run is to be done. */
export interface BenchOptions {
  /** Timed passes of each contender; their median counts. */
  readonly rounds: number;
  readonly progress: Progress;
}

/** One named figure. */
export interface Benchmark {
  /** As in the result. */
  readonly name: string;
  /** What is compared with what, for `--help`. */
  readonly about: string;
  /** Where one is missing, the benchmark is reported as skipped. */
  readonly requires: readonly Requirement[];
  /** Sets up, checks that subject and baseline agree, measures, cleans up. */
  run(options: BenchOptions): BenchResult | Promise<BenchResult>;
}

/** Subject and baseline gave different answers, so that their times mean nothing. */
export class DisagreementError extends Error {
  override name = "DisagreementError";

  constructor(benchmark: string, index: number, actual: bigint, expected: bigint) {
    super(
      `Cannot measure "${benchmark}": query ${index} is answered 0x${actual.toString(16)}, ` +
        `expected the baseline's 0x${expected.toString(16)}`,
    );
  }
}

/** Compares all answers; `DisagreementError` names the first that differs. */
export function mustAgree(
  benchmark: string,
  subject: BigUint64Array,
  baseline: BigUint64Array,
): void {
  const index = subject.findIndex((answer, i) => answer !== baseline[i]);
  if (index < 0) return;
  throw new DisagreementError(benchmark, index, subject[index] ?? 0n, baseline[index] ?? 0n);
}
