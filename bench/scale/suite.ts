/**
 * What the policy engine costs on one node of a large cluster.
 *
 * @module
 */
import type { Benchmark } from "../benchmark.ts";
import { median } from "../measure.ts";
import { parseIpPrefix } from "../../src/cluster/ip_prefix.ts";
import type { Change } from "../../src/cluster/change.ts";
import type { ClusterObject } from "../../src/cluster/object.ts";
import {
  clusterObjects,
  type ClusterShape,
  firstFreeNumber,
  labels,
  namespaces,
  onPort,
  podOf,
  policy,
  popularPod,
  popularPolicies,
} from "./cluster.ts";
import { churn, churnBenchmarks } from "./churn.ts";
import { figureBenchmark } from "./figure.ts";
import { identityAdd, POPULAR_POLICIES } from "./identity_add.ts";
import { NodeView } from "./node_view.ts";
import { traceQueries } from "./trace_queries.ts";

/** A cluster of the published size: 60 pods on each of 1,000 nodes. */
const FULL: ClusterShape = { nodes: 1000, pods: 60_000, identities: 10_000, policies: 5000 };
/** A tenth of it, with pods as dense on a node. */
const TENTH: ClusterShape = { nodes: 100, pods: 6000, identities: 1000, policies: 500 };
/** Pods of a rollout. */
const ROLLOUT = 200;
/** Policies that are applied before one is timed. */
const WARM_UP = 4;

/** A new pod of an app that the node does not have yet, with and without rules for others. */
function noMatchRules(name: string, rules: number): Benchmark {
  const about = `new local endpoint beside ${rules} rules that select nothing local`;
  return figureBenchmark(
    name,
    { about, baseline: "no such rules" },
    async ({ rounds, progress }) => {
      const measure = async (count: number) => {
        progress.show(`${name}: ${count} rules`);
        const strangers = Array.from(
          { length: count },
          (_, i) =>
            policy(`team-${i % 50}`, `stranger-${i}`, {
              endpointSelector: labels({ app: `elsewhere-${i}` }),
              ingress: [{ endpoints: [labels({ app: `other-${i % 500}` })], ...onPort(80) }],
            }),
        );
        using view = await NodeView.open([...namespaces(), ...popularPolicies(1), ...strangers]);
        const times: number[] = [];
        for (let i = 0; i < rounds * 4; i++) {
          const object = popularPod(i + 1, "node-0");
          times.push((await view.apply([{ type: "upsert", object }])).time);
        }
        return median(times.slice(rounds));
      };
      return { baseline: await measure(0), value: await measure(rules) };
    },
  );
}

/** One policy with many blocks of addresses for a local pod, against the same in tenths. */
function cidrRules(name: string, rules: number): Benchmark {
  const about = `${rules} CIDR rules to encoded map`;
  const baseline = `10 × ${rules / 10} rules`;
  return figureBenchmark(name, { about, baseline }, async ({ rounds, progress }) => {
    const measure = async (count: number) => {
      const times: number[] = [];
      const all = WARM_UP + Math.min(rounds, 9);
      for (let round = 0; round < all; round++) {
        progress.bar(`${name}: ${count} rules`, round, all);
        using view = await NodeView.open([...namespaces(), popularPod(1, "node-0")]);
        const egress = Array.from({ length: count }, (_, i) => ({
          cidrs: [parseIpPrefix(`${20 + (i >> 8)}.${i & 255}.0.0/16`)],
          ...onPort(1000 + i % 40),
        }));
        const object = policy("team-0", "blocks", {
          endpointSelector: labels({ app: "popular-1" }),
          egress,
        });
        const { time } = await view.apply([{ type: "upsert", object }]);
        if (round >= WARM_UP) times.push(time);
      }
      return median(times);
    };
    return { value: await measure(rules), baseline: 10 * await measure(rules / 10) };
  });
}

function podsOf(shape: ClusterShape): ClusterObject[] {
  const pods = Array.from({ length: shape.pods }, (_, i) => podOf(i, shape));
  return [...namespaces(), ...pods];
}

async function timeOfLoading(objects: readonly ClusterObject[]): Promise<number> {
  const start = performance.now();
  using _view = await NodeView.open(objects);
  return (performance.now() - start) * 1e6;
}

/** All pods of a cluster at once, against a tenth of them ten times. */
function load(name: string): Benchmark {
  const about = `${FULL.pods} pods from objects to encoded maps`;
  const baseline = `10 × ${TENTH.pods} pods`;
  return figureBenchmark(name, { about, baseline }, async ({ progress }) => {
    progress.show(name);
    const all = podsOf(FULL);
    const tenth = podsOf(TENTH);
    const tenths = [0, 1, 2].map(() => tenth);
    const small: number[] = [];
    for (const objects of tenths) small.push(await timeOfLoading(objects));
    const large = [await timeOfLoading(all), await timeOfLoading(all), await timeOfLoading(all)];
    return { value: median(large), baseline: 10 * median(small) };
  });
}

/** Bytes that a node keeps for a pod of another node, beside the object itself. */
function memoryPerPod(name: string): Benchmark {
  const fields = {
    about: "memory of one node for each remote pod",
    baseline: "1 KiB",
    unit: "B" as const,
  };
  return figureBenchmark(name, fields, async ({ progress }) => {
    progress.show(name);
    const objects = podsOf(FULL);
    const before = usedHeap();
    using view = await NodeView.open(objects);
    const bytes = (usedHeap() - before) / (FULL.pods - view.snapshot.endpoints.length);
    return { value: Math.max(bytes, 1), baseline: 1024 };
  });
}

function usedHeap(): number {
  // Present under --v8-flags=--expose-gc, which the task sets.
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  return Deno.memoryUsage().heapUsed;
}

/**
 * What one node's maps receive while an app that 30 of its policies allow is rolled out, each pod
 * of the identity that is known already.
 */
function rollout(name: string, shape: ClusterShape): Benchmark {
  const fields = {
    about: `bytes into one node's maps per pod of an app that ${POPULAR_POLICIES} local policies ` +
      `allow, ${shape.pods} pods`,
    baseline: "per-pod IP rules",
    unit: "B" as const,
  };
  return figureBenchmark(name, fields, async ({ progress }) => {
    progress.show(name);
    using view = await NodeView.open([
      ...clusterObjects(shape),
      ...popularPolicies(POPULAR_POLICIES),
      popularPod(firstFreeNumber(shape)),
    ]);
    const { labels } = popularPod(firstFreeNumber(shape));
    const pods = Array.from({ length: ROLLOUT }, (_, i): Change => {
      const object = { ...popularPod(firstFreeNumber(shape) + 1 + i), labels };
      return { type: "upsert", object };
    });
    const { byIdentity, byAddress } = await churn(view, pods);
    return { value: byIdentity.bytes / ROLLOUT, baseline: byAddress.bytes / ROLLOUT };
  });
}

/** All of it; `quick` leaves out the full size. */
export function scaleSuite({ quick }: { readonly quick: boolean }): Benchmark[] {
  const { small: addFew, large: addMany } = identityAdd({ ...FULL, identities: 1000 }, FULL);
  const small = [
    ...addFew,
    noMatchRules("engine.nomatch_rules.20k", 20_000),
    cidrRules("engine.cidr_rules.1k", 1000),
    rollout("engine.rollout.6k_pods", TENTH),
    ...churnBenchmarks(30, TENTH),
    traceQueries("engine.trace_queries"),
  ];
  if (quick) return small;
  return [
    ...small,
    ...addMany,
    load("engine.load.60k_pods"),
    memoryPerPod("engine.memory.remote_pod"),
    rollout("engine.rollout.60k_pods", FULL),
    ...churnBenchmarks(300, FULL),
  ];
}
