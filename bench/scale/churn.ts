/**
 * The argument of identity-based policy as numbers: what a node's maps receive while pods come
 * and go, once keyed by identity, once as if every rule named addresses.
 *
 * @module
 */
import type { Benchmark, BenchOptions } from "../benchmark.ts";
import {
  IPCACHE4_KEY_SIZE,
  IPCACHE_INFO_SIZE,
  LPM_POLICY_ENTRY_SIZE,
  LPM_POLICY_KEY_SIZE,
} from "../../src/datapath/layout.ts";
import type { Change } from "../../src/cluster/change.ts";
import type { Pod } from "../../src/cluster/object.ts";
import {
  clusterObjects,
  type ClusterShape,
  firstFreeNumber,
  podOf,
  popularPod,
  popularPolicies,
} from "./cluster.ts";
import { figureBenchmark, once } from "./figure.ts";
import { POPULAR_POLICIES } from "./identity_add.ts";
import { NodeView } from "./node_view.ts";

/** What reaches one node's maps. */
export interface Received {
  /** Entries that were written or taken out. */
  events: number;
  bytes: number;
}

/** The same churn, received in two ways. */
export interface ChurnCost {
  /** One line of the ipcache per address, and image lines where an identity is new. */
  readonly byIdentity: Received;
  /** One policy entry per address in each local policy whose rules select it, and per port. */
  readonly byAddress: Received;
  /** Nanoseconds of the engine, to encoded bytes. */
  time: number;
}

const IPCACHE_BYTES = IPCACHE4_KEY_SIZE + IPCACHE_INFO_SIZE;
const ENTRY_BYTES = LPM_POLICY_KEY_SIZE + LPM_POLICY_ENTRY_SIZE;
/** Seconds of the cluster's time. */
const SECONDS = 5;
/** One pod in so many is the first of the popular app's next version: a new identity. */
const VERSION = 100;

/** Applies changes one by one, as they come in. */
export async function churn(view: NodeView, changes: Iterable<Change>): Promise<ChurnCost> {
  const byIdentity = { events: 0, bytes: 0 };
  const byAddress = { events: 0, bytes: 0 };
  let time = 0;
  for (const change of changes) {
    const cost = await view.apply([change]);
    const { ipcache, ipcacheGone, policies, identities } = cost.changes;
    const lines = [...ipcache, ...ipcacheGone];
    time += cost.time;
    byIdentity.events += lines.length + policies.size + identities.length;
    byIdentity.bytes += cost.bytes + lines.length * IPCACHE_BYTES;
    const entries = entriesByAddress(view, lines.map(({ identity }) => identity));
    byAddress.events += entries;
    byAddress.bytes += entries * ENTRY_BYTES;
  }
  return { byIdentity, byAddress, time };
}

/** Entries for these peers in the policies of all local endpoints, which then share nothing. */
function entriesByAddress({ snapshot }: NodeView, identities: readonly number[]): number {
  let count = 0;
  for (const endpoint of snapshot.endpoints) {
    const mapState = snapshot.policy(endpoint.policy)?.mapState;
    for (const identity of identities) count += mapState?.entriesOf(identity).length ?? 0;
  }
  return count;
}

/**
 * Pods of other nodes that are replaced by others of the same app: in turn one of an app that
 * many local policies allow, and one of any app.
 */
function* replacements(shape: ClusterShape, count: number): Generator<Change> {
  const first = firstFreeNumber(shape);
  const local = Math.ceil(shape.pods / shape.nodes);
  let popular: Pod | undefined;
  for (let i = 0; i < count; i++) {
    const fresh = popularPod(first + i);
    let old: Pod | undefined;
    if (i % 2 === 0) {
      const { labels } = popularPod(first + i - i % VERSION);
      old = popular;
      yield { type: "upsert", object: popular = { ...fresh, labels } };
    } else {
      old = podOf(local + i * 7 % (shape.pods - local), shape);
      const { addresses } = fresh;
      yield { type: "upsert", object: { ...old, name: `${old.name}-${i}`, addresses } };
    }
    if (old === undefined) continue;
    const { kind, namespace, name } = old;
    yield { type: "delete", ref: { kind, namespace, name } };
  }
}

function* counted<T>(items: readonly T[], tell: (done: number) => void): Generator<T> {
  for (const [done, item] of items.entries()) {
    tell(done);
    yield item;
  }
}

/** What a second of churn costs one node: events, bytes, and time of the engine. */
export function churnBenchmarks(rate: number, shape: ClusterShape): Benchmark[] {
  const name = `engine.churn.${rate}_pods_s`;
  const measure = once(async ({ progress }: BenchOptions) => {
    progress.show(`${name}: loading ${shape.pods} pods`);
    using view = await NodeView.open([
      ...clusterObjects(shape),
      ...popularPolicies(POPULAR_POLICIES),
    ]);
    const changes = [...replacements(shape, rate * SECONDS)];
    // An image whose slots outgrow its size class is copied whole, once and not per second.
    const other = popularPod(firstFreeNumber(shape) + changes.length);
    await view.apply([{ type: "upsert", object: other }]);
    return await churn(view, counted(changes, (done) => progress.bar(name, done, changes.length)));
  });
  const about = `${rate} pods replaced per second among ${shape.pods}`;
  const byAddress = "per-pod IP rules";
  return [
    figureBenchmark(
      `${name}.events`,
      {
        about: `map updates of one node per second, ${about}`,
        baseline: byAddress,
        unit: "events",
      },
      async (options) => {
        const cost = await measure(options);
        return perSecond(cost.byIdentity.events, cost.byAddress.events);
      },
    ),
    figureBenchmark(
      `${name}.bytes`,
      { about: `bytes into one node's maps per second, ${about}`, baseline: byAddress, unit: "B" },
      async (options) => {
        const cost = await measure(options);
        return perSecond(cost.byIdentity.bytes, cost.byAddress.bytes);
      },
    ),
    figureBenchmark(
      `${name}.time`,
      { about: `time of the engine per second, ${about}`, baseline: "one core" },
      async (options) => ({ value: (await measure(options)).time / SECONDS, baseline: 1e9 }),
    ),
  ];
}

function perSecond(value: number, baseline: number) {
  return { value: value / SECONDS, baseline: baseline / SECONDS };
}
