/**
 * `engine.identity_add.*`: a pod with a new identity that 20 selectors of 30 local policies
 * select, from the change to encoded bytes.
 *
 * @module
 */
import type { Benchmark, BenchOptions } from "../benchmark.ts";
import { median, percentile } from "../measure.ts";
import {
  clusterObjects,
  type ClusterShape,
  firstFreeNumber,
  popularPod,
  popularPolicies,
} from "./cluster.ts";
import { type Figure, figureBenchmark, once } from "./figure.ts";
import { NodeView } from "./node_view.ts";

/** Local policies that a popular pod's identity reaches. */
export const POPULAR_POLICIES = 30;
const EVENTS = 200;
const WARM_UP = 50;
const MEBIBYTE = 1 << 20;

/** What events cost, one by one. */
interface Costs {
  /** Nanoseconds. */
  readonly times: readonly number[];
  /** Bytes of the heap, of events without a garbage collection. */
  readonly allocated: readonly number[];
  /** Nanoseconds of encoding every policy anew. */
  readonly rebuild: number;
}

async function measure(
  name: string,
  shape: ClusterShape,
  { progress }: BenchOptions,
): Promise<Costs> {
  progress.show(`${name}: loading ${shape.pods} pods`);
  using view = await NodeView.open([
    ...clusterObjects(shape),
    ...popularPolicies(POPULAR_POLICIES),
  ]);
  const first = firstFreeNumber(shape);
  const times: number[] = [];
  const allocated: number[] = [];
  for (let i = 0; i < WARM_UP + EVENTS; i++) {
    progress.bar(name, i, WARM_UP + EVENTS);
    const object = popularPod(first + i);
    const { heapUsed } = Deno.memoryUsage();
    const { time } = await view.apply([{ type: "upsert", object }]);
    const bytes = Deno.memoryUsage().heapUsed - heapUsed;
    if (i < WARM_UP) continue;
    times.push(time);
    if (bytes > 0) allocated.push(bytes);
  }
  return { times, allocated, rebuild: median([1, 2, 3].map(() => view.rebuildAll())) };
}

/** p50, p99 and allocations per event in a cluster of a size. */
function ofSize(name: string, shape: ClusterShape, costs: (o: BenchOptions) => Promise<Costs>) {
  const about = `new identity, 20 selectors, ${POPULAR_POLICIES} local policies, to encoded ` +
    `bytes, among ${shape.identities} identities`;
  const anew = "all images anew";
  const times =
    (what: string, pick: (times: readonly number[]) => number) =>
    async (options: BenchOptions): Promise<Figure> => {
      options.progress.show(`${name}: ${what}`);
      const { times, rebuild } = await costs(options);
      return { value: pick(times), baseline: rebuild };
    };
  return [
    figureBenchmark(name, { about: `${about}, p50`, baseline: anew }, times("p50", median)),
    figureBenchmark(
      `${name}.p99`,
      { about: `${about}, p99`, baseline: anew },
      times("p99", (all) => percentile(all, 99)),
    ),
    figureBenchmark(
      `${name}.allocated`,
      { about: `${about}, heap per event`, baseline: "1 MiB", unit: "B" },
      async (options) => ({ value: median((await costs(options)).allocated), baseline: MEBIBYTE }),
    ),
  ];
}

/** The figures of a small cluster, and of one with ten times the identities and how they grow. */
export function identityAdd(small: ClusterShape, large: ClusterShape): {
  readonly small: Benchmark[];
  readonly large: Benchmark[];
} {
  const [name1k, name10k] = ["engine.identity_add.1k", "engine.identity_add.10k"];
  const few = once((options) => measure(name1k, small, options));
  const many = once((options) => measure(name10k, large, options));
  const growth = figureBenchmark("engine.identity_add.growth", {
    about: `new identity among ${large.identities} identities, p50`,
    baseline: `among ${small.identities}`,
  }, async (options) => ({
    value: median((await many(options)).times),
    baseline: median((await few(options)).times),
  }));
  return {
    small: ofSize(name1k, small, few),
    large: [...ofSize(name10k, large, many), growth],
  };
}
