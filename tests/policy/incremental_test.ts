/** Whatever the way to a state, the policies of that state are the same. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Change } from "../../src/cluster/change.ts";
import { replaceWith } from "../../src/cluster/change.ts";
import { type ClusterObject, formatRef, refOf } from "../../src/cluster/object.ts";
import type { IdentityAllocator, IdentityEvent } from "../../src/identity/allocator.ts";
import type { Identity } from "../../src/identity/identity.ts";
import type { Labels } from "../../src/identity/label.ts";
import { LocalAllocator } from "../../src/identity/local_allocator.ts";
import { compareEntries, type MapStateEntry } from "../../src/policy/map_state.ts";
import { type NameFact, PolicyEngine } from "../../src/policy/engine.ts";
import type { PolicySettings } from "../../src/policy/settings.ts";
import type { PolicySnapshot } from "../../src/policy/snapshot.ts";
import { readManifests } from "../generate/read.ts";
import { NODES } from "../generate/universe.ts";
import { type World, world } from "../generate/world.ts";
import { contentOf } from "./_content.ts";
import { SEED } from "./_random.ts";

/** An allocator at the other end of a slow line: late, and it tells everything twice. */
class SlowAllocator implements IdentityAllocator {
  readonly #inner = new LocalAllocator();
  readonly #duringAwait: () => void;

  /** @param duringAwait Called while an answer is under way. */
  constructor(duringAwait: () => void = () => {}) {
    this.#duringAwait = duringAwait;
  }

  async allocate(labels: Labels, signal?: AbortSignal): Promise<Identity> {
    await Promise.resolve();
    this.#duringAwait();
    return await this.#inner.allocate(labels, signal);
  }

  async release(identity: Identity): Promise<void> {
    this.#duringAwait();
    await this.#inner.release(identity);
    this.#duringAwait();
  }

  watch(listener: (events: readonly IdentityEvent[]) => void): () => void {
    return this.#inner.watch((events) => {
      listener(events.filter(({ type }) => type === "deleted"));
      queueMicrotask(() => queueMicrotask(() => listener([...events, ...events])));
    });
  }
}

function settingsOf({ settings }: World): Partial<PolicySettings> {
  const { allowLocalhost, mode, cidrMatchMode } = settings;
  return {
    localNode: NODES[0].name,
    allowLocalhost,
    enforcement: mode,
    cidrMatchesNodes: cidrMatchMode.includes("nodes"),
  };
}

function factsOf({ names }: World): NameFact[] {
  return [...names].map(([name, addresses]) => ({ name, addresses }));
}

/** Facts that take the first names back and tell the second. */
function factsTo(before: World | undefined, after: World): NameFact[] {
  const gone = [...before?.names.keys() ?? []].filter((name) => !after.names.has(name));
  return [...gone.map((name) => ({ name, addresses: [] })), ...factsOf(after)];
}

async function fromScratch(w: World): Promise<PolicySnapshot> {
  using engine = new PolicyEngine({ settings: settingsOf(w) });
  await engine.applyNames(factsOf(w));
  return await engine.apply(replaceWith(readManifests(w.manifests)));
}

function changesTo(before: readonly ClusterObject[], after: readonly ClusterObject[]): Change[] {
  const name = (object: ClusterObject) => formatRef(refOf(object));
  const kept = new Set(after.map(name));
  return [
    ...after.map((object): Change => ({ type: "upsert", object })),
    ...before.filter((object) => !kept.has(name(object)))
      .map((object): Change => ({ type: "delete", ref: refOf(object) })),
  ];
}

/** The same changes in another order; each object has one change, so the end is the same. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  return items.map((item, i) => ({ item, key: Math.imul(i + 1, seed * 2 + 1) >>> 0 }))
    .sort((a, b) => a.key - b.key).map(({ item }) => item);
}

/** What an operator decides stays while an engine runs. */
const worlds = fc.array(world, { minLength: 1, maxLength: 4 }).map((all) => {
  const [first] = all;
  return all.map((w): World => ({ ...w, settings: first?.settings ?? w.settings }));
});

for (
  const [title, makeAllocator] of [
    ["an allocator in the process", () => new LocalAllocator()],
    ["a late and repetitive allocator", () => new SlowAllocator()],
  ] as const
) {
  Deno.test(`PolicyEngine.apply() reaches with ${title} what a new engine does`, async () => {
    console.log(`seed ${SEED}`);
    await fc.assert(
      fc.asyncProperty(worlds, fc.nat(), async (all, n) => {
        const [first] = all;
        if (first === undefined) return;
        using engine = new PolicyEngine({
          allocator: makeAllocator(),
          settings: settingsOf(first),
        });
        let before: World | undefined;
        let objects: readonly ClusterObject[] = [];
        for (const [i, w] of all.entries()) {
          const next = readManifests(w.manifests);
          const changes = (n >> i) % 2 === 0
            ? shuffled(changesTo(objects, next), n)
            : [...replaceWith(next)];
          if ((n >> (i + 4)) % 2 === 0) await engine.applyNames(factsTo(before, w));
          // One by one, or all at once.
          if ((n >> (i + 8)) % 2 === 0) await engine.apply(changes);
          else for (const change of changes) await engine.apply([change]);
          await engine.applyNames(factsTo(before, w));
          [before, objects] = [w, next];
          assertEquals(contentOf(engine.snapshot), contentOf(await fromScratch(w)));
        }
      }),
      { seed: SEED, numRuns: 60 },
    );
  });
}

Deno.test("PolicyEngine replays what comes in while it waits", async () => {
  console.log(`seed ${SEED}`);
  await fc.assert(
    fc.asyncProperty(world, fc.nat(), async (w, n) => {
      const changes = shuffled(changesTo([], readManifests(w.manifests)), n);
      const pending: Promise<unknown>[] = [];
      // Whenever the engine waits for the allocator, the next change arrives.
      const allocator = new SlowAllocator(() => {
        const change = changes.pop();
        if (change !== undefined) pending.push(engine.apply([change]));
      });
      using engine = new PolicyEngine({ allocator, settings: settingsOf(w) });
      pending.push(engine.applyNames(factsOf(w)));
      while (changes.length > 0 || pending.length > 0) {
        const change = changes.pop();
        if (change !== undefined) pending.push(engine.apply([change]));
        await Promise.all(pending.splice(0));
      }
      assertEquals(contentOf(engine.snapshot), contentOf(await fromScratch(w)));
    }),
    { seed: SEED, numRuns: 60 },
  );
});

Deno.test("SnapshotChanges lead from each snapshot to the next", async () => {
  console.log(`seed ${SEED}`);
  await fc.assert(
    fc.asyncProperty(worlds, fc.nat(), async (all, n) => {
      const [first] = all;
      if (first === undefined) return;
      const follower = new Follower();
      using engine = new PolicyEngine({
        settings: settingsOf(first),
        onSnapshot: (snapshot) => follower.follow(snapshot),
      });
      follower.follow(engine.snapshot);
      let before: World | undefined;
      let objects: readonly ClusterObject[] = [];
      for (const w of all) {
        const next = readManifests(w.manifests);
        for (const change of shuffled(changesTo(objects, next), n)) await engine.apply([change]);
        await engine.applyNames(factsTo(before, w));
        [before, objects] = [w, next];
      }
    }),
    { seed: SEED, numRuns: 40 },
  );
});

/** Knows of a snapshot only what its changes say. */
class Follower {
  readonly #policies = new Map<number, Map<string, MapStateEntry>>();
  readonly #ipcache = new Map<string, number>();
  readonly #identities = new Set<number>();
  readonly #endpoints = new Map<number, number>();

  follow(snapshot: PolicySnapshot): void {
    const { changes } = snapshot;
    for (const number of changes.policiesGone) this.#policies.delete(number);
    for (const [number, { added, removed }] of changes.policies) {
      const entries = this.#policies.get(number) ?? new Map();
      this.#policies.set(number, entries);
      for (const entry of added) entries.set(keyOf(entry), entry);
      for (const key of removed) assertEquals(entries.delete(keyOf(key)), true);
    }
    for (const line of changes.ipcacheGone) this.#ipcache.delete(lineOf(line));
    for (const line of changes.ipcache) this.#ipcache.set(lineOf(line), line.identity);
    for (const id of changes.identitiesGone) this.#identities.delete(id);
    for (const { id } of changes.identities) this.#identities.add(id);
    for (const id of changes.endpointsGone) this.#endpoints.delete(id);
    for (const { id, policy } of changes.endpoints) this.#endpoints.set(id, policy);
    this.#mustBe(snapshot);
  }

  #mustBe({ policies, ipcache, identities, endpoints }: PolicySnapshot): void {
    assertEquals([...this.#policies.keys()].sort(), policies.map((p) => p.number).sort());
    for (const { number, mapState } of policies) {
      const entries = [...this.#policies.get(number)?.values() ?? []].sort(compareEntries);
      assertEquals(entries, [...mapState.entries]);
    }
    assertEquals(this.#ipcache, new Map(ipcache.map((line) => [lineOf(line), line.identity])));
    assertEquals(this.#identities, new Set(identities.map(({ id }) => id)));
    assertEquals(this.#endpoints, new Map(endpoints.map(({ id, policy }) => [id, policy])));
  }
}

function lineOf(line: PolicySnapshot["ipcache"][number]): string {
  return `${line.address.text}/${line.prefixLength ?? ""}`;
}

function keyOf(key: Omit<MapStateEntry, "verdict" | "precedence" | "cookie" | "authType">): string {
  const { identity, direction, protocol, port, portPrefix } = key;
  return [identity, direction, protocol, port, portPrefix].join(" ");
}
