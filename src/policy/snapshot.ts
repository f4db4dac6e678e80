import type { IpAddress } from "../cluster/ip_address.ts";
import type { RuleOrigin } from "../cluster/rule.ts";
import type { Identity } from "../identity/identity.ts";
import type { IpcacheEntry } from "../identity/ipcache.ts";
import type { NodeIdentity } from "../identity/node_table.ts";
import type { IndexedMapState, MapStateDelta } from "./map_state.ts";
import type { PersistentMap } from "./persistent_map.ts";
import type { Redirect } from "./redirect.ts";

/** An identity and its place in policy images. */
export interface SlottedIdentity extends Identity {
  /** `undefined` when no slot was left: the datapath falls back by the identity's scope. */
  readonly slot: number | undefined;
}

/** A line of the IP cache with the slot of its identity. */
export interface SlottedAddress extends IpcacheEntry {
  readonly slot: number | undefined;
}

/** A pod's place in the network. */
export interface Endpoint {
  /** From 1; stays while the pod does, reused later. */
  readonly id: number;
  readonly namespace: string;
  readonly name: string;
  readonly addresses: readonly IpAddress[];
  /** Number of its identity. */
  readonly identity: number;
  /** Number of its policy. */
  readonly policy: number;
}

/** A node that host policies select, and the policy for what it sends and receives itself. */
export interface HostEndpoint {
  /** Name of the node. */
  readonly name: string;
  /** Number of its policy. */
  readonly policy: number;
}

/**
 * A policy as a datapath enforces it. Endpoints share one when their subject identity is
 * equal, what the port names in ingress rules mean for them, and whether they are nodes.
 */
export interface Policy {
  /** From 1; stays while an endpoint uses it, reused later. */
  readonly number: number;
  /** From 1; counts changes of this policy's content. */
  readonly revision: number;
  readonly subject: Identity;
  /** The subject is a node. */
  readonly host: boolean;
  /** Per direction: what no entry allows is dropped. */
  readonly enforced: { readonly ingress: boolean; readonly egress: boolean };
  readonly mapState: IndexedMapState;
}

/** What a snapshot has that the one before had not; for those who follow step by step. */
export interface SnapshotChanges {
  /** By number: how the entries of new and changed policies differ from what they were. */
  readonly policies: ReadonlyMap<number, MapStateDelta>;
  /** Numbers of policies that are gone, or (if they are among `policies` too) are others now. */
  readonly policiesGone: readonly number[];
  readonly identities: readonly SlottedIdentity[];
  readonly identitiesGone: readonly number[];
  /** Lines of the IP cache that are new or different. */
  readonly ipcache: readonly SlottedAddress[];
  readonly ipcacheGone: readonly SlottedAddress[];
  readonly endpoints: readonly Endpoint[];
  /** Ids of endpoints that are gone. */
  readonly endpointsGone: readonly number[];
}

/** Everything a datapath needs, at one point in time. Immutable. */
export interface PolicySnapshot {
  /** Counts snapshots. */
  readonly revision: number;
  /** Reserved identities first, then by number. */
  readonly identities: readonly SlottedIdentity[];
  readonly ipcache: readonly SlottedAddress[];
  readonly endpoints: readonly Endpoint[];
  readonly hosts: readonly HostEndpoint[];
  /** Nodes by name; what they are for pods of other nodes. */
  readonly nodes: ReadonlyMap<string, NodeIdentity>;
  readonly policies: readonly Policy[];
  /** State that contradicts itself, such as two pods with one address. Nothing is left out for it. */
  readonly problems: readonly Error[];
  /** How it differs from the snapshot with the revision before. */
  readonly changes: SnapshotChanges;
  /** Rules behind a cookie; `undefined` for one that is unknown or too old. */
  rulesOf(cookie: number): readonly RuleOrigin[] | undefined;
  /** What a proxy has to do; `undefined` for a redirect that is unknown or too old. */
  redirectOf(id: number): Redirect | undefined;
  /** Returns the policy with a number. */
  policy(number: number): Policy | undefined;
}

/** The parts of a snapshot, as maps that share what has not changed with those before. */
export interface SnapshotRoots {
  readonly identities: PersistentMap<SlottedIdentity>;
  /** By a number that stays with an address. */
  readonly ipcache: PersistentMap<SlottedAddress>;
  readonly endpoints: PersistentMap<Endpoint>;
  readonly policies: PersistentMap<Policy>;
}

/** A snapshot whose lists are made when they are first asked for. */
export class LazySnapshot implements PolicySnapshot {
  readonly revision: number;
  readonly hosts: readonly HostEndpoint[];
  readonly nodes: ReadonlyMap<string, NodeIdentity>;
  readonly problems: readonly Error[];
  readonly changes: SnapshotChanges;
  readonly rulesOf: PolicySnapshot["rulesOf"];
  readonly redirectOf: PolicySnapshot["redirectOf"];
  readonly #roots: SnapshotRoots;
  #identities: readonly SlottedIdentity[] | undefined;
  #ipcache: readonly SlottedAddress[] | undefined;
  #endpoints: readonly Endpoint[] | undefined;
  #policies: readonly Policy[] | undefined;

  constructor(
    roots: SnapshotRoots,
    rest: Pick<
      PolicySnapshot,
      "revision" | "hosts" | "nodes" | "problems" | "changes" | "rulesOf" | "redirectOf"
    >,
  ) {
    this.#roots = roots;
    this.revision = rest.revision;
    this.hosts = rest.hosts;
    this.nodes = rest.nodes;
    this.problems = rest.problems;
    this.changes = rest.changes;
    this.rulesOf = rest.rulesOf;
    this.redirectOf = rest.redirectOf;
  }

  get identities(): readonly SlottedIdentity[] {
    return this.#identities ??= [...this.#roots.identities.values()];
  }

  get ipcache(): readonly SlottedAddress[] {
    return this.#ipcache ??= [...this.#roots.ipcache.values()];
  }

  get endpoints(): readonly Endpoint[] {
    return this.#endpoints ??= [...this.#roots.endpoints.values()];
  }

  get policies(): readonly Policy[] {
    return this.#policies ??= [...this.#roots.policies.values()];
  }

  policy(number: number): Policy | undefined {
    return this.#roots.policies.get(number);
  }
}
