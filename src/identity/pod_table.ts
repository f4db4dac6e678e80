import type { IpAddress } from "../cluster/ip_address.ts";
import type { Namespace, Pod } from "../cluster/object.ts";
import type { IdentityAllocator } from "./allocator.ts";
import type { Identity } from "./identity.ts";
import type { IdentityWatch } from "./identity_watch.ts";
import type { Ipcache } from "./ipcache.ts";
import { canonicalKey, type Labels } from "./label.ts";
import type { LabelFilter } from "./label_filter.ts";
import { podLabels } from "./pod_labels.ts";
import { RESERVED } from "./reserved.ts";

/** A pod that runs in a network namespace of its own, with its identity. */
export interface PodIdentity {
  readonly pod: Pod;
  readonly identity: Identity;
}

/** What {@linkcode PodTable} works with. */
export interface PodTableParts {
  readonly allocator: IdentityAllocator;
  readonly watch: IdentityWatch;
  readonly ipcache: Ipcache;
  readonly filter: LabelFilter;
  /** Name of the local cluster. */
  readonly cluster: string;
}

/**
 * Pods and their identities: follows pods and namespaces, holds one reference per pod on
 * an identity, and keeps the IP cache.
 *
 * Changes are noted at once and carried out by {@linkcode reconcile}. Pods of the host
 * network have the host's identity and no entry here: all pods are taken to run on the
 * local node until nodes are known.
 */
export class PodTable {
  readonly #parts: PodTableParts;
  readonly #wanted = new Map<string, Pod>();
  readonly #namespaces = new Map<string, Namespace>();
  readonly #current = new Map<string, PodIdentity>();
  readonly #addresses = new Map<string, readonly IpAddress[]>();
  /** Pods to look at, by `namespace/name`. They stay here until that has succeeded. */
  readonly #dirty = new Set<string>();

  constructor(parts: PodTableParts) {
    this.#parts = parts;
  }

  /** Pods with an identity, by `namespace/name`. */
  get pods(): ReadonlyMap<string, PodIdentity> {
    return this.#current;
  }

  /** Notes that a pod is there, or has changed. */
  upsertPod(pod: Pod): void {
    const key = `${pod.namespace}/${pod.name}`;
    this.#wanted.set(key, pod);
    this.#dirty.add(key);
  }

  /** Notes that a pod is gone. */
  deletePod(pod: Pod): void {
    const key = `${pod.namespace}/${pod.name}`;
    this.#wanted.delete(key);
    this.#dirty.add(key);
  }

  /** Notes a namespace's labels; all of its pods carry them. */
  upsertNamespace(namespace: Namespace): void {
    this.#namespaces.set(namespace.name, namespace);
    this.#touch(namespace.name);
  }

  /** Notes that a namespace's labels are not known any more. */
  deleteNamespace(namespace: Namespace): void {
    this.#namespaces.delete(namespace.name);
    this.#touch(namespace.name);
  }

  /**
   * Carries out what was noted. New identities are in use (and known to the watch)
   * before old ones are given back. A pod that fails keeps what it had and is tried
   * again next time; the others are done.
   *
   * @throws the first failure, after all pods were tried.
   */
  async reconcile(signal?: AbortSignal): Promise<void> {
    const keys = [...this.#dirty];
    const results = await Promise.allSettled(keys.map((key) => this.#reconcilePod(key, signal)));
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async #reconcilePod(key: string, signal: AbortSignal | undefined): Promise<void> {
    const { allocator } = this.#parts;
    const wanted = this.#wanted.get(key);
    const pod = wanted === undefined || wanted.terminated ? undefined : wanted;
    const old = this.#current.get(key);
    const labels = pod === undefined || pod.hostNetwork ? undefined : this.#labelsOf(pod);
    const same = old !== undefined && labels !== undefined &&
      canonicalKey(labels) === canonicalKey(old.identity.labels);
    const identity = labels === undefined || same
      ? old?.identity
      : await this.#allocate(labels, signal);
    if (pod === undefined || labels === undefined || identity === undefined) {
      this.#current.delete(key);
    } else {
      this.#current.set(key, { pod, identity });
    }
    const host = pod?.hostNetwork ? RESERVED.HOST : undefined;
    this.#publish(key, pod?.addresses ?? [], host ?? identity?.id ?? RESERVED.UNKNOWN);
    if (old !== undefined && !same) await allocator.release(old.identity);
    this.#dirty.delete(key);
  }

  async #allocate(labels: Labels, signal: AbortSignal | undefined): Promise<Identity> {
    const { allocator, watch } = this.#parts;
    const identity = await allocator.allocate(labels, signal);
    try {
      await watch.seen(identity, signal);
    } catch (error) {
      await allocator.release(identity);
      throw error;
    }
    return identity;
  }

  #publish(owner: string, addresses: readonly IpAddress[], identity: number): void {
    const { ipcache } = this.#parts;
    for (const address of addresses) ipcache.upsert({ address, identity, owner });
    const kept = new Set(addresses.map(({ text }) => text));
    for (const address of this.#addresses.get(owner) ?? []) {
      if (!kept.has(address.text)) ipcache.delete(address, owner);
    }
    if (addresses.length === 0) this.#addresses.delete(owner);
    else this.#addresses.set(owner, addresses);
  }

  #labelsOf(pod: Pod): Labels {
    const { cluster, filter } = this.#parts;
    return podLabels(pod, this.#namespaces.get(pod.namespace), cluster, filter);
  }

  #touch(namespace: string): void {
    for (const [key, pod] of this.#wanted) if (pod.namespace === namespace) this.#dirty.add(key);
  }
}
