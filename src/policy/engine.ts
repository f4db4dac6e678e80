/**
 * The policy engine: cluster state in, what a datapath needs out.
 *
 * @module
 */
import { type Change, type Effect, ObjectStore } from "../cluster/change.ts";
import type { IdentityAllocator } from "../identity/allocator.ts";
import { type Identity, sameIdentity } from "../identity/identity.ts";
import { type IdentityNews, IdentityWatch } from "../identity/identity_watch.ts";
import { Ipcache } from "../identity/ipcache.ts";
import { NAMESPACE_KEY, valueOf } from "../identity/label.ts";
import { labelFilter } from "../identity/label_filter.ts";
import { LocalAllocator } from "../identity/local_allocator.ts";
import { type PodIdentity, PodTable } from "../identity/pod_table.ts";
import { RESERVED, RESERVED_IDENTITIES } from "../identity/reserved.ts";
import { Slots } from "../identity/slot.ts";
import { CookieTable } from "./cookie.ts";
import { NumberPool } from "./number_pool.ts";
import { type ResolvedPolicy, resolvePolicy } from "./resolve.ts";
import { RuleTable } from "./rule_table.ts";
import { SelectorCache } from "./selector_cache.ts";
import { DEFAULT_SETTINGS, type PolicySettings } from "./settings.ts";
import type { Endpoint, Policy, PolicySnapshot } from "./snapshot.ts";

/** Options for {@linkcode PolicyEngine}. */
export interface PolicyEngineOptions {
  /**
   * Gives out identities. The engine reacts to its watch only.
   *
   * @default a {@linkcode LocalAllocator} of its own
   */
  allocator?: IdentityAllocator;
  /**
   * Operator's settings; those left out have Cilium's defaults.
   *
   * @default DEFAULT_SETTINGS
   */
  settings?: Partial<PolicySettings>;
  /**
   * Patterns of labels that make an identity, beside the default ones.
   *
   * @default []
   */
  labelPatterns?: readonly string[];
  /** Called with every new snapshot, also those that only the watch of identities caused. */
  onSnapshot?: (snapshot: PolicySnapshot) => void;
}

/** Follows cluster state and keeps identities, IP cache and policies up to date. */
export class PolicyEngine implements Disposable {
  readonly #settings: PolicySettings;
  readonly #store = new ObjectStore();
  readonly #selectors = new SelectorCache();
  readonly #rules: RuleTable;
  readonly #watch: IdentityWatch;
  readonly #ipcache = new Ipcache();
  readonly #pods: PodTable;
  readonly #cookies = new CookieTable();
  readonly #endpointIds = new Map<string, number>();
  readonly #endpointPool = new NumberPool(1);
  readonly #policies = new Map<number, Policy>();
  readonly #policyPool = new NumberPool(1);
  /** Cookies in use, by subject. */
  readonly #cookiesInUse = new Map<number, ReadonlySet<number>>();
  readonly #onSnapshot: (snapshot: PolicySnapshot) => void;
  #snapshot: PolicySnapshot;
  #queue: Promise<unknown> = Promise.resolve();
  /** The news that came in will be part of a commit that is under way or queued. */
  #commitPending = false;

  /** Slots of identities. Who publishes snapshots to a datapath walks retired slots on. */
  readonly slots = new Slots();

  constructor(options: PolicyEngineOptions = {}) {
    const allocator = options.allocator ?? new LocalAllocator();
    this.#settings = { ...DEFAULT_SETTINGS, ...options.settings };
    this.#onSnapshot = options.onSnapshot ?? (() => {});
    const { cluster } = this.#settings;
    this.#rules = new RuleTable(this.#selectors, cluster);
    this.#selectors.update({ added: RESERVED_IDENTITIES, deleted: [] });
    this.#commitPending = true;
    this.#watch = new IdentityWatch(allocator, (news) => this.#onNews(news));
    this.#pods = new PodTable({
      allocator,
      watch: this.#watch,
      ipcache: this.#ipcache,
      filter: labelFilter(options.labelPatterns),
      cluster,
    });
    this.#updatePolicies();
    this.#snapshot = this.#build(0);
    this.#commitPending = false;
  }

  /** The latest snapshot. */
  get snapshot(): PolicySnapshot {
    return this.#snapshot;
  }

  /**
   * Applies changes in order and returns the snapshot that has them all. Calls are
   * carried out one after the other.
   *
   * @throws what the allocator throws, or the signal's reason. What could be applied is
   *   applied then, and the rest is tried again by the next call.
   */
  apply(changes: Iterable<Change>, signal?: AbortSignal): Promise<PolicySnapshot> {
    const turn = this.#queue.then(() => this.#apply(changes, signal));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  /** Ends the watch of identities. */
  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }

  async #apply(changes: Iterable<Change>, signal?: AbortSignal): Promise<PolicySnapshot> {
    for (const change of changes) {
      for (const effect of this.#store.apply(change)) this.#note(effect);
    }
    try {
      await this.#pods.reconcile(signal);
    } finally {
      this.#commit();
    }
    return this.#snapshot;
  }

  #note({ type, object }: Effect): void {
    const upsert = type === "upsert";
    switch (object.kind) {
      case "Pod":
        return upsert ? this.#pods.upsertPod(object) : this.#pods.deletePod(object);
      case "Namespace":
        return upsert ? this.#pods.upsertNamespace(object) : this.#pods.deleteNamespace(object);
      case "CiliumNetworkPolicy":
        return upsert ? this.#rules.upsert(object) : this.#rules.delete(object);
    }
  }

  #onNews(news: IdentityNews): void {
    for (const { id } of news.added) this.slots.add(id);
    for (const id of news.deleted) this.slots.retire(id);
    this.#selectors.update(news);
    if (this.#commitPending) return;
    this.#commitPending = true;
    this.#queue = this.#queue.then(() => this.#commit()).catch(reportError);
  }

  #commit(): void {
    this.#commitPending = false;
    this.#updatePolicies();
    this.#cookies.advance([...this.#cookiesInUse.values()].flatMap((set) => [...set]));
    this.#snapshot = this.#build(this.#snapshot.revision + 1);
    this.#onSnapshot(this.#snapshot);
  }

  #updatePolicies(): void {
    const dirty = this.#rules.takeDirty();
    const subjects = new Map<number, Identity>();
    for (const { identity } of this.#pods.pods.values()) subjects.set(identity.id, identity);
    for (const [id, policy] of this.#policies) {
      const subject = subjects.get(id);
      // A number that came back with other labels is another subject.
      if (subject !== undefined && sameIdentity(subject, policy.subject)) continue;
      this.#policies.delete(id);
      this.#cookiesInUse.delete(id);
      this.#policyPool.give(policy.number);
    }
    for (const [id, subject] of subjects) {
      const old = this.#policies.get(id);
      if (old !== undefined && !dirty.has(id)) continue;
      const next = this.#resolve(subject);
      if (old !== undefined && samePolicy(old, next)) continue;
      const number = old?.number ?? this.#policyPool.take();
      this.#policies.set(id, { ...next, number, revision: (old?.revision ?? 0) + 1, subject });
      this.#cookiesInUse.set(id, new Set(next.mapState.entries.map(({ cookie }) => cookie)));
    }
  }

  #resolve({ id, labels }: Identity): ResolvedPolicy {
    const rules = this.#rules.rulesIn(valueOf(labels, NAMESPACE_KEY) ?? "");
    return resolvePolicy(id, rules, this.#selectors.current, this.#settings, this.#cookies);
  }

  #build(revision: number): PolicySnapshot {
    const cookies = this.#cookies;
    const known = [...this.#watch.known.values()].sort((a, b) => a.id - b.id);
    const slotted = (identity: number) => this.slots.get(identity);
    return {
      revision,
      identities: [...RESERVED_IDENTITIES, ...known].map((i) => ({ ...i, slot: slotted(i.id) })),
      ipcache: [...this.#ipcache.entries()].map((e) => ({ ...e, slot: slotted(e.identity) })),
      endpoints: this.#endpoints(),
      policies: [...this.#policies.values()].sort((a, b) => a.number - b.number),
      problems: [...this.#problems()],
      rulesOf: (cookie) => cookies.resolve(cookie),
    };
  }

  #endpoints(): Endpoint[] {
    const { pods } = this.#pods;
    for (const [key, id] of this.#endpointIds) {
      if (pods.has(key)) continue;
      this.#endpointIds.delete(key);
      this.#endpointPool.give(id);
    }
    return [...pods].map(([key, entry]) => this.#endpoint(key, entry)).sort((a, b) => a.id - b.id);
  }

  #endpoint(key: string, { pod, identity }: PodIdentity): Endpoint {
    const id = this.#endpointIds.get(key) ?? this.#endpointPool.take();
    this.#endpointIds.set(key, id);
    const { namespace, name, addresses } = pod;
    const policy = this.#policies.get(identity.id)?.number ?? 0;
    return { id, namespace, name, addresses, identity: identity.id, policy };
  }

  *#problems(): Generator<Error> {
    for (const { entry, holder } of this.#ipcache.conflicts()) {
      // Pods of the host network share the addresses of their node.
      if (entry.identity === RESERVED.HOST && holder.identity === RESERVED.HOST) continue;
      yield new RangeError(
        `Cannot use address "${entry.address.text}" for ${entry.owner}: ` +
          `held by ${holder.owner}, expected one pod per address`,
      );
    }
  }
}

function samePolicy(a: ResolvedPolicy, b: ResolvedPolicy): boolean {
  return a.enforced.ingress === b.enforced.ingress && a.enforced.egress === b.enforced.egress &&
    a.mapState.entries.length === b.mapState.entries.length &&
    a.mapState.entries.every((entry, i) => {
      const other = b.mapState.entries[i];
      return other !== undefined && entry.identity === other.identity &&
        entry.direction === other.direction && entry.protocol === other.protocol &&
        entry.port === other.port && entry.portPrefix === other.portPrefix &&
        entry.verdict === other.verdict && entry.precedence === other.precedence &&
        entry.cookie === other.cookie && entry.authType === other.authType;
    });
}
