/**
 * What is asked of the figures. It is printed beside what was measured and changes no exit code
 * unless `--assert` says so: on a busy machine a figure says little.
 *
 * @module
 */
import type { BenchResult } from "./result.ts";
import type { TextTable } from "./text_table.ts";

/** The least ratio, or the most of the figure itself, in its unit. */
export type Goal = { readonly ratio: number } | { readonly value: number };

/** Native C may be so much faster than the emulator. */
const NATIVE_C = { ratio: 1 / 1.4 };
/** C with libbpf may be so much faster than the loader. */
const LIBBPF = { ratio: 1 / 1.15 };

/** By the figure's name. Sizes that `--quick` scales down have other names, and no goal. */
export const GOALS: Readonly<Record<string, Goal>> = {
  "kernel.policy.1k": { ratio: 5 },
  "kernel.policy.64k": { ratio: 20 },
  "kernel.policy.60x10k": { ratio: 5 },
  "kernel.path.64k-512k": { ratio: 6 },
  "kernel.path_ct.64k-512k": { ratio: 3.5 },
  "kernel.path6.64k-512k": { ratio: 6 },
  "kernel.path6_ct.64k-512k": { ratio: 3.5 },
  "kernel.path.60x10k-512k": { ratio: 5 },
  "emulator.path.1k-1k": NATIVE_C,
  "emulator.path.16k-60k": NATIVE_C,
  "emulator.path.64k-512k": NATIVE_C,
  "emulator.path_ct.1k-1k": NATIVE_C,
  "emulator.path_ct.16k-60k": NATIVE_C,
  "emulator.path_ct.64k-512k": NATIVE_C,
  "emulator.workers.2": { ratio: 1.8 },
  "emulator.memory.ipcache.compact": { value: 30 },
  "emulator.memory.policy.64k": { value: 8 },
  "loader.load": LIBBPF,
  "loader.template": { value: 0.5e6 },
  "loader.map.lookup": LIBBPF,
  "engine.identity_add.10k": { value: 0.5e6 },
  "engine.identity_add.growth": { ratio: 1 / 2 },
  "engine.nomatch_rules.20k": { value: 2e6 },
  "engine.cidr_rules.1k": { value: 60e6 },
  "engine.load.60k_pods": { value: 3e9 },
  "engine.memory.remote_pod": { value: 1024 },
  "engine.trace_queries": { ratio: 1 },
};

/** Whether a figure is as asked; undefined where nothing is asked of it. */
export function isMet({ name, value, ratio }: BenchResult): boolean | undefined {
  const goal = GOALS[name];
  if (goal === undefined) return undefined;
  return "ratio" in goal ? ratio >= goal.ratio : value <= goal.value;
}

/** What is asked of a figure, as text: `≥ 6×`, `≤ 8 B`; empty where nothing is. */
export function formatGoal({ name, unit }: BenchResult): string {
  const goal = GOALS[name];
  if (goal === undefined) return "";
  return "ratio" in goal ? `≥ ${Number(goal.ratio.toPrecision(3))}×` : `≤ ${goal.value} ${unit}`;
}

/** A row for each figure of which something is asked. */
export function goalTable(results: readonly BenchResult[]): TextTable {
  const rows = results.flatMap((result) => {
    const { name, value, unit, ratio } = result;
    const goal = GOALS[name];
    if (goal === undefined) return [];
    const measured = "ratio" in goal ? `${ratio}×` : `${value} ${unit}`;
    return [[name, formatGoal(result), measured, isMet(result) ? "met" : "NOT MET"]];
  });
  return { titles: ["name", "asked", "measured", ""], rows, left: [0, 3] };
}
