import type { IdentityNews } from "../identity/identity_watch.ts";
import type { Ipcache } from "../identity/ipcache.ts";
import type { PodIdentity } from "../identity/pod_table.ts";
import type { Slots } from "../identity/slot.ts";
import { NumberPool } from "./number_pool.ts";
import { PersistentMapEditor } from "./persistent_map.ts";
import { PolicyMapState } from "./policy_map_state.ts";
import type { PolicyChange } from "./policy_set.ts";
import {
  type Endpoint,
  LazySnapshot,
  type Policy,
  type PolicySnapshot,
  type SlottedAddress,
  type SlottedIdentity,
  type SnapshotChanges,
} from "./snapshot.ts";

/** What goes into a snapshot beside what the builder has been told. */
export interface SnapshotInput extends
  Pick<
    PolicySnapshot,
    "revision" | "hosts" | "nodes" | "problems" | "rulesOf" | "logsOf" | "redirectOf"
  > {
  readonly changes: readonly PolicyChange[];
  /** Number of the policy of an endpoint (`namespace/name`). */
  policyOf(endpoint: string): number;
}

/** Makes each snapshot from the one before and what has changed since. */
export class SnapshotBuilder {
  readonly #ipcache: Ipcache;
  readonly #slots: Slots;
  readonly #identities = new PersistentMapEditor<SlottedIdentity>();
  readonly #addresses = new PersistentMapEditor<SlottedAddress>();
  readonly #endpoints = new PersistentMapEditor<Endpoint>();
  readonly #policies = new PersistentMapEditor<Policy>();
  /** Numbers that addresses have in `#addresses`, by their text. */
  readonly #addressNumbers = new Map<string, number>();
  #nextAddress = 1;
  readonly #endpointIds = new Map<string, number>();
  readonly #endpointPool = new NumberPool(1);
  readonly #pods = new Map<string, PodIdentity>();
  readonly #identitiesChanged = new Map<number, SlottedIdentity | undefined>();
  readonly #podsChanged = new Set<string>();

  constructor(ipcache: Ipcache, slots: Slots) {
    this.#ipcache = ipcache;
    this.#slots = slots;
  }

  /** Takes in which identities came and went, and gives them slots. */
  takeIn({ added, deleted }: IdentityNews): void {
    for (const id of deleted) {
      this.#slots.retire(id);
      this.#identities.delete(id);
      this.#identitiesChanged.set(id, undefined);
    }
    for (const identity of added) {
      const slotted = { ...identity, slot: this.#slots.add(identity.id) };
      this.#identities.set(identity.id, slotted);
      this.#identitiesChanged.set(identity.id, slotted);
    }
  }

  /** Takes in that a local pod is there, has changed, or (`undefined`) is gone. */
  setPod(key: string, pod: PodIdentity | undefined): void {
    if (pod !== undefined) this.#pods.set(key, pod);
    else if (!this.#pods.delete(key)) return;
    this.#podsChanged.add(key);
  }

  /** Makes the next snapshot. */
  build({ changes, policyOf, ...rest }: SnapshotInput): PolicySnapshot {
    const policies = this.#updatePolicies(changes);
    const addresses = this.#updateAddresses();
    const endpoints = this.#updateEndpoints(policyOf);
    const identities = [...this.#identitiesChanged.values()];
    const all: SnapshotChanges = {
      ...policies,
      ...addresses,
      ...endpoints,
      identities: identities.flatMap((identity) => identity ?? []),
      identitiesGone: [...this.#identitiesChanged].flatMap(([id, i]) => i === undefined ? id : []),
    };
    this.#identitiesChanged.clear();
    const roots = {
      identities: this.#identities.publish(),
      ipcache: this.#addresses.publish(),
      endpoints: this.#endpoints.publish(),
      policies: this.#policies.publish(),
    };
    return new LazySnapshot(roots, { ...rest, changes: all });
  }

  #updatePolicies(
    changes: readonly PolicyChange[],
  ): Pick<SnapshotChanges, "policies" | "policiesGone"> {
    const policies = new Map<number, NonNullable<PolicyChange["delta"]>>();
    const policiesGone: number[] = [];
    for (const { policy, delta } of changes) {
      const { number, subject, enforced, peers } = policy;
      if (delta === undefined) {
        policiesGone.push(number);
        this.#policies.delete(number);
        continue;
      }
      policies.set(number, delta);
      const revision = (this.#policies.get(number)?.revision ?? 0) + 1;
      this.#policies.set(number, {
        number,
        revision,
        subject: subject.identity,
        host: subject.host,
        enforced,
        mapState: new PolicyMapState(peers),
      });
    }
    return { policies, policiesGone };
  }

  #updateAddresses(): Pick<SnapshotChanges, "ipcache" | "ipcacheGone"> {
    const ipcache: SlottedAddress[] = [];
    const ipcacheGone: SlottedAddress[] = [];
    for (const key of this.#ipcache.takeChanged()) {
      const holder = this.#ipcache.holderOf(key);
      const number = this.#addressNumbers.get(key);
      const old = number === undefined ? undefined : this.#addresses.get(number);
      if (holder === undefined) {
        if (number !== undefined) this.#addresses.delete(number);
        this.#addressNumbers.delete(key);
        if (old !== undefined) ipcacheGone.push(old);
        continue;
      }
      const slot = this.#slots.get(holder.identity);
      if (old?.identity === holder.identity && old.owner === holder.owner && old.slot === slot) {
        continue;
      }
      const at = number ?? this.#nextAddress++;
      const line = { ...holder, slot };
      this.#addressNumbers.set(key, at);
      this.#addresses.set(at, line);
      ipcache.push(line);
    }
    return { ipcache, ipcacheGone };
  }

  #updateEndpoints(
    policyOf: (endpoint: string) => number,
  ): Pick<SnapshotChanges, "endpoints" | "endpointsGone"> {
    const endpoints: Endpoint[] = [];
    const endpointsGone: number[] = [];
    for (const key of this.#pods.keys()) {
      // A rule that names ports may have moved a pod that has not changed itself.
      const id = this.#endpointIds.get(key) ?? 0;
      if (this.#endpoints.get(id)?.policy !== policyOf(key)) this.#podsChanged.add(key);
    }
    for (const key of this.#podsChanged) {
      const entry = this.#pods.get(key);
      const known = this.#endpointIds.get(key);
      if (entry !== undefined) {
        const id = known ?? this.#endpointPool.take();
        this.#endpointIds.set(key, id);
        const { pod: { namespace, name, addresses }, identity } = entry;
        const policy = policyOf(key);
        const endpoint = { id, namespace, name, addresses, identity: identity.id, policy };
        this.#endpoints.set(id, endpoint);
        endpoints.push(endpoint);
      } else if (known !== undefined) {
        this.#endpointIds.delete(key);
        this.#endpointPool.give(known);
        this.#endpoints.delete(known);
        endpointsGone.push(known);
      }
    }
    this.#podsChanged.clear();
    return { endpoints, endpointsGone };
  }
}
