/** Whatever the way to a state, the policies of that state are the same. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Change } from "../../src/cluster/change.ts";
import { type ClusterObject, refOf } from "../../src/cluster/object.ts";
import type { IdentityAllocator, IdentityEvent } from "../../src/identity/allocator.ts";
import type { Identity } from "../../src/identity/identity.ts";
import { canonicalKey, type Labels } from "../../src/identity/label.ts";
import { LocalAllocator } from "../../src/identity/local_allocator.ts";
import { formatOrigin } from "../../src/policy/cookie.ts";
import { compileCluster } from "../../src/policy/compile_cluster.ts";
import { PolicyEngine } from "../../src/policy/engine.ts";
import type { PolicySnapshot } from "../../src/policy/snapshot.ts";
import { SEED, world } from "./_random.ts";

/** An allocator at the other end of a slow line: late, and it tells everything twice. */
class SlowAllocator implements IdentityAllocator {
  readonly #inner = new LocalAllocator();

  async allocate(labels: Labels, signal?: AbortSignal): Promise<Identity> {
    await Promise.resolve();
    return await this.#inner.allocate(labels, signal);
  }

  release(identity: Identity): Promise<void> {
    return this.#inner.release(identity);
  }

  watch(listener: (events: readonly IdentityEvent[]) => void): () => void {
    return this.#inner.watch((events) => {
      listener(events.filter(({ type }) => type === "deleted"));
      queueMicrotask(() => queueMicrotask(() => listener([...events, ...events])));
    });
  }
}

for (
  const [title, makeAllocator] of [
    ["an allocator in the process", () => new LocalAllocator()],
    ["a late and repetitive allocator", () => new SlowAllocator()],
  ] as const
) {
  Deno.test(`PolicyEngine.apply() reaches with ${title} what compileCluster() does`, async () => {
    console.log(`seed ${SEED}`);
    await fc.assert(
      fc.asyncProperty(
        fc.array(world, { minLength: 1, maxLength: 4 }),
        fc.nat(),
        async (worlds, n) => {
          using engine = new PolicyEngine({ allocator: makeAllocator() });
          let objects: ClusterObject[] = [];
          for (const [i, w] of worlds.entries()) {
            const next = [...w.policies, ...w.pods, ...w.namespaces];
            const changes = (n >> i) % 2 === 0 ? changesTo(objects, next) : relist(next);
            // One by one, or all at once.
            if ((n >> (i + 8)) % 2 === 0) await engine.apply(changes);
            else for (const change of changes) await engine.apply([change]);
            objects = next;
          }
          assertEquals(
            contentOf(engine.snapshot),
            contentOf(await compileCluster(objects)),
          );
        },
      ),
      { seed: SEED, numRuns: 80 },
    );
  });
}

function changesTo(before: readonly ClusterObject[], after: readonly ClusterObject[]): Change[] {
  const name = (object: ClusterObject) => JSON.stringify(refOf(object));
  const kept = new Set(after.map(name));
  const gone = before.filter((object) => !kept.has(name(object)));
  return [
    ...after.map((object): Change => ({ type: "upsert", object })),
    ...gone.map((object): Change => ({ type: "delete", ref: refOf(object) })),
  ];
}

function relist(objects: readonly ClusterObject[]): Change[] {
  return [
    { type: "replaceBegin" },
    ...objects.map((object): Change => ({ type: "upsert", object })),
    { type: "replaceEnd" },
    { type: "synced" },
  ];
}

/** A snapshot without the numbers that depend on the way. */
function contentOf(snapshot: PolicySnapshot) {
  const nameOf = new Map(snapshot.identities.map(({ id, labels }) => [id, canonicalKey(labels)]));
  const identity = (id: number) => id === 0 ? "any" : nameOf.get(id);
  const policies = snapshot.policies.map(({ number, enforced, mapState }) => ({
    number,
    enforced,
    entries: mapState.entries.map(({ identity: id, cookie, ...entry }) =>
      JSON.stringify({
        ...entry,
        identity: identity(id),
        rules: snapshot.rulesOf(cookie)?.map(formatOrigin),
      })
    ).sort(),
  }));
  return {
    identities: [...nameOf.values()].sort(),
    ipcache: snapshot.ipcache.map((e) => `${e.address.text} ${identity(e.identity)}`).sort(),
    endpoints: snapshot.endpoints.map((endpoint) => ({
      name: `${endpoint.namespace}/${endpoint.name}`,
      identity: identity(endpoint.identity),
      policy: policies.find(({ number }) => number === endpoint.policy)?.entries,
      enforced: policies.find(({ number }) => number === endpoint.policy)?.enforced,
    })).sort((a, b) => a.name < b.name ? -1 : 1),
    slots: snapshot.identities.every(({ slot }) => slot !== undefined),
  };
}
