/**
 * The policy engine: cluster state in, what a datapath needs out.
 *
 * @module
 */
import { type Change, type Effect, ObjectStore } from "../cluster/change.ts";
import type { IpAddress } from "../cluster/ip_address.ts";
import type { IdentityAllocator } from "../identity/allocator.ts";
import { type IdentityNews, IdentityWatch } from "../identity/identity_watch.ts";
import { Ipcache } from "../identity/ipcache.ts";
import { labelFilter } from "../identity/label_filter.ts";
import { LocalAllocator } from "../identity/local_allocator.ts";
import { NamedPortTable } from "../identity/named_ports.ts";
import { NodeTable } from "../identity/node_table.ts";
import { PodTable } from "../identity/pod_table.ts";
import { RESERVED_IDENTITIES } from "../identity/reserved.ts";
import { Slots } from "../identity/slot.ts";
import { WorldTable } from "../identity/world_table.ts";
import { ApiServers } from "./api_servers.ts";
import { CookieTable } from "./cookie.ts";
import { factKindOf, FactTable } from "./peer_facts.ts";
import { type PolicyChange, PolicySet } from "./policy_set.ts";
import { problemsOf } from "./problems.ts";
import { RedirectTable } from "./redirect.ts";
import { RuleTable } from "./rule_table.ts";
import { NamedAddresses, noteAddresses } from "./named_addresses.ts";
import { rareSourcesOf, type Selector } from "./selector.ts";
import { SelectorCache } from "./selector_cache.ts";
import { DEFAULT_SETTINGS, type PolicySettings } from "./settings.ts";
import { HostEndpoints } from "./host_endpoints.ts";
import type { PolicySnapshot } from "./snapshot.ts";
import { SnapshotBuilder } from "./snapshot_builder.ts";

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

/** A DNS name and the addresses that it leads to now; none when it has been forgotten. */
export interface NameFact {
  readonly name: string;
  readonly addresses: readonly IpAddress[];
}

/**
 * Follows cluster state and keeps identities, IP cache and policies up to date.
 *
 * There is one writer: calls are carried out one after the other, and what the watch of
 * identities tells in between goes into the selector cache at once and into the policies
 * with the next commit. So every snapshot is of one state of all of them.
 */
export class PolicyEngine implements Disposable {
  readonly #settings: PolicySettings;
  readonly #store = new ObjectStore();
  readonly #facts = new FactTable();
  readonly #apiServers = new ApiServers();
  readonly #selectors: SelectorCache;
  readonly #rules: RuleTable;
  readonly #named: NamedAddresses;
  readonly #watch: IdentityWatch;
  readonly #ipcache = new Ipcache();
  readonly #namedPorts = new NamedPortTable();
  readonly #world = new WorldTable(this.#ipcache);
  readonly #nodes: NodeTable;
  readonly #pods: PodTable;
  readonly #hosts: HostEndpoints;
  readonly #cookies = new CookieTable();
  readonly #redirects = new RedirectTable();
  readonly #policies: PolicySet;
  readonly #snapshots: SnapshotBuilder;
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
    const { cluster, localNode, cidrMatchesNodes, profile, enforcement } = this.#settings;
    this.#selectors = new SelectorCache({
      used: (selector) => this.#noteSelector(selector, "use"),
      dropped: (selector) => this.#noteSelector(selector, "drop"),
    });
    this.#rules = new RuleTable(cluster, this.#facts);
    this.#named = new NamedAddresses(this.#rules, this.#world);
    this.#nodes = new NodeTable({ ipcache: this.#ipcache, localNode, cidrMatchesNodes });
    const rules = enforcement === "never" ? { rulesFor: () => [] } : this.#rules;
    this.#policies = new PolicySet(rules, this.#settings, {
      selectors: this.#selectors,
      namedPorts: this.#namedPorts,
      cookies: this.#cookies,
      redirects: this.#redirects,
      profile,
      closed: enforcement === "always",
    });
    this.#hosts = new HostEndpoints(this.#nodes, this.#rules, this.#policies);
    this.#snapshots = new SnapshotBuilder(this.#ipcache, this.slots);
    this.#snapshots.takeIn({ added: RESERVED_IDENTITIES, deleted: [] });
    this.#selectors.update({ added: RESERVED_IDENTITIES, deleted: [] });
    this.#commitPending = true;
    this.#watch = new IdentityWatch(allocator, (news) => this.#onNews(news));
    this.#pods = new PodTable({
      allocator,
      watch: this.#watch,
      ipcache: this.#ipcache,
      namedPorts: this.#namedPorts,
      filter: labelFilter(options.labelPatterns),
      cluster,
      localNode,
    });
    this.#snapshot = this.#build(0, []);
    this.#commitPending = false;
  }

  /** The latest snapshot. */
  get snapshot(): PolicySnapshot {
    return this.#snapshot;
  }

  /** Unique selectors in use, and what they select. */
  get selectors(): SelectorCache {
    return this.#selectors;
  }

  /** The rules in force. */
  get rules(): RuleTable {
    return this.#rules;
  }

  /**
   * Applies changes in order and returns the snapshot that has them all. Calls are
   * carried out one after the other.
   *
   * @throws what the allocator throws, or the signal's reason. What could be applied is
   *   applied then, and the rest is tried again by the next call.
   */
  apply(changes: Iterable<Change>, signal?: AbortSignal): Promise<PolicySnapshot> {
    return this.#enqueue(() => {
      for (const change of changes) {
        for (const effect of this.#store.apply(change)) this.#note(effect);
      }
    }, signal);
  }

  /** Applies what DNS names lead to, and returns the snapshot that has it. */
  applyNames(facts: Iterable<NameFact>): Promise<PolicySnapshot> {
    return this.#enqueue(() => {
      for (const { name, addresses } of facts) this.#world.setName(name, addresses);
    });
  }

  /** Ends the watch of identities. */
  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }

  #enqueue(note: () => void, signal?: AbortSignal): Promise<PolicySnapshot> {
    const turn = this.#queue.then(async () => {
      note();
      // What the watch tells from here on is in the commit below.
      this.#commitPending = true;
      try {
        await this.#pods.reconcile(signal);
      } finally {
        this.#commit();
      }
      return this.#snapshot;
    });
    this.#queue = turn.catch(() => {});
    return turn;
  }

  #note({ type, object }: Effect): void {
    const upsert = type === "upsert";
    switch (object.kind) {
      case "Pod":
        return upsert ? this.#pods.upsertPod(object) : this.#pods.deletePod(object);
      case "Namespace":
        return upsert ? this.#pods.upsertNamespace(object) : this.#pods.deleteNamespace(object);
      case "Node":
        return upsert ? this.#nodes.upsertNode(object) : this.#nodes.deleteNode(object);
      case "Service":
      case "EndpointSlice":
      case "CiliumCIDRGroup":
        if (upsert) this.#facts.upsert(object);
        else this.#facts.delete(object);
        if (object.kind === "EndpointSlice") this.#apiServers.note(object, upsert);
        if (object.kind === "CiliumCIDRGroup") {
          this.#world.groups.set(object.name, upsert ? object : undefined);
        }
        return this.#rules.factsChanged(factKindOf(object));
      default:
        return upsert ? this.#rules.upsert(object) : this.#rules.delete(object);
    }
  }

  #noteSelector(selector: Selector, what: "use" | "drop"): void {
    noteAddresses(this.#world, selector, what);
    for (const source of rareSourcesOf(selector)) {
      if (source === "node" && what === "use") this.#nodes.useLabels();
      else if (source === "node") this.#nodes.dropLabels();
      else if (source === "cidrgroup" && what === "use") this.#world.groups.useLabels();
      else if (source === "cidrgroup") this.#world.groups.dropLabels();
      else if (what === "use") this.#named.use();
      else this.#named.drop();
    }
  }

  #onNews(news: IdentityNews): void {
    this.#takeIn(news);
    if (this.#commitPending) return;
    this.#commitPending = true;
    this.#queue = this.#queue.then(() => this.#commit()).catch(reportError);
  }

  #takeIn(news: IdentityNews): void {
    if (news.added.length === 0 && news.deleted.length === 0) return;
    this.#snapshots.takeIn(news);
    this.#selectors.update(news);
  }

  #commit(): void {
    this.#commitPending = false;
    if (this.#apiServers.takeChanged()) {
      const { addresses } = this.#apiServers;
      this.#nodes.setApiServers(addresses);
      this.#world.setApiServers(addresses);
    }
    this.#takeIn(this.#nodes.reconcile());
    this.#updateEndpoints();
    const rules = this.#rules.takeChanged();
    this.#named.rulesChanged(rules);
    this.#hosts.update(rules);
    this.#policies.rulesChanged(rules);
    // New selectors may need identities of nodes and blocks, which they then select.
    this.#policies.update();
    this.#takeIn(this.#nodes.reconcile());
    this.#takeIn(this.#world.reconcile());
    const changes = this.#policies.flush();
    this.#cookies.advance();
    this.#redirects.advance();
    this.#snapshot = this.#build(this.#snapshot.revision + 1, changes);
    this.#onSnapshot(this.#snapshot);
  }

  #updateEndpoints(): void {
    for (const key of this.#pods.takeChanged()) {
      const known = this.#pods.get(key);
      const local = known !== undefined && this.#pods.isLocal(known.pod);
      this.#snapshots.setPod(key, local ? known : undefined);
      this.#policies.setEndpoint(
        key,
        local
          ? { identity: known.identity, ports: known.pod.containerPorts ?? [], host: false }
          : undefined,
      );
    }
    for (const peer of this.#pods.takePortsChanged()) {
      this.#selectors.updatePortNames(peer, this.#namedPorts.namesOf(peer));
      this.#policies.portsChanged(peer);
    }
  }

  #build(revision: number, changes: readonly PolicyChange[]): PolicySnapshot {
    return this.#snapshots.build({
      revision,
      changes,
      policyOf: (endpoint) => this.#policies.policyOf(endpoint)?.number ?? 0,
      hosts: this.#hosts.endpoints,
      nodes: this.#nodes.nodes,
      problems: [...problemsOf(this.#ipcache, this.#policies)],
      rulesOf: (cookie) => this.#cookies.resolve(cookie),
      logsOf: (cookie) => this.#logsOf(cookie),
      redirectOf: (id) => this.#redirects.get(id),
    });
  }

  #logsOf(cookie: number): readonly string[] {
    const origins = this.#cookies.resolve(cookie) ?? [];
    return [...new Set(origins.flatMap((origin) => this.#rules.logOf(origin) ?? []))];
  }
}
