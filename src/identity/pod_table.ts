import type { ContainerPort, Namespace, Pod } from "../cluster/object.ts";
import type { IdentityAllocator } from "./allocator.ts";
import type { Identity } from "./identity.ts";
import type { IdentityWatch } from "./identity_watch.ts";
import type { Ipcache } from "./ipcache.ts";
import { canonicalKey, type Labels } from "./label.ts";
import type { LabelFilter } from "./label_filter.ts";
import type { NamedPortTable } from "./named_ports.ts";
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
  readonly namedPorts: NamedPortTable;
  readonly filter: LabelFilter;
  /** Name of the local cluster. */
  readonly cluster: string;
  /** Name of the node whose policies are computed; `undefined` takes every node for it. */
  readonly localNode: string | undefined;
}

/** A pod as it was published last. */
interface Published {
  readonly pod: Pod;
  /** Absent for a pod of the host's network. */
  readonly identity: Identity | undefined;
}

/** Label sets to remember: pods of one template have the same labels. */
const MAX_TEMPLATES = 20_000;

/**
 * Pods and their identities: follows pods and namespaces, holds one reference per pod on
 * an identity, and keeps IP cache and named ports.
 *
 * Changes are noted at once and carried out by {@linkcode reconcile}. A pod of the host's
 * network has its node's identity: the host on the local node, `remote-node` elsewhere.
 */
export class PodTable {
  readonly #parts: PodTableParts;
  readonly #wanted = new Map<string, Pod>();
  readonly #namespaces = new Map<string, Namespace>();
  readonly #podsIn = new Map<string, Set<string>>();
  readonly #published = new Map<string, Published>();
  readonly #templates = new Map<string, Labels>();
  /** Pods to look at, by `namespace/name`. They stay here until that has succeeded. */
  readonly #dirty = new Set<string>();
  #changed = new Set<string>();
  #portsChanged = new Set<number>();

  constructor(parts: PodTableParts) {
    this.#parts = parts;
  }

  /** Returns a pod with its identity; `undefined` for one of the host's network. */
  get(key: string): PodIdentity | undefined {
    const published = this.#published.get(key);
    if (published?.identity === undefined) return undefined;
    return { pod: published.pod, identity: published.identity };
  }

  /** Tells whether a pod runs on the node whose policies are computed. */
  isLocal({ nodeName }: Pod): boolean {
    const { localNode } = this.#parts;
    return localNode === undefined || nodeName === undefined || nodeName === localNode;
  }

  /** Returns the pods (`namespace/name`) that changed, and starts over. */
  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  /** Returns the identities whose named ports changed, and starts over. */
  takePortsChanged(): ReadonlySet<number> {
    const changed = this.#portsChanged;
    this.#portsChanged = new Set();
    return changed;
  }

  /** Notes that a pod is there, or has changed. */
  upsertPod(pod: Pod): void {
    const key = keyOf(pod);
    this.#wanted.set(key, pod);
    const neighbours = this.#podsIn.get(pod.namespace) ?? new Set();
    this.#podsIn.set(pod.namespace, neighbours.add(key));
    this.#dirty.add(key);
  }

  /** Notes that a pod is gone. */
  deletePod(pod: Pod): void {
    const key = keyOf(pod);
    this.#wanted.delete(key);
    const neighbours = this.#podsIn.get(pod.namespace);
    neighbours?.delete(key);
    if (neighbours?.size === 0) this.#podsIn.delete(pod.namespace);
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
    const wanted = this.#wanted.get(key);
    const pod = wanted === undefined || wanted.terminated ? undefined : wanted;
    const old = this.#published.get(key);
    const labels = pod === undefined || pod.hostNetwork ? undefined : this.#labelsOf(pod);
    const same = old?.identity !== undefined && labels !== undefined &&
      (labels === old.identity.labels ||
        canonicalKey(labels) === canonicalKey(old.identity.labels));
    let identity: Identity | undefined;
    if (same) identity = old?.identity;
    else if (labels !== undefined) identity = await this.#allocate(labels, signal);
    this.#publish(key, old, pod, identity);
    if (old?.identity !== undefined && !same) await this.#parts.allocator.release(old.identity);
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

  #publish(
    key: string,
    old: Published | undefined,
    pod: Pod | undefined,
    identity: Identity | undefined,
  ): void {
    const { ipcache } = this.#parts;
    if (pod === undefined) this.#published.delete(key);
    else this.#published.set(key, { pod, identity });
    this.#changed.add(key);
    const number = identity?.id ?? (pod === undefined ? RESERVED.UNKNOWN : this.#nodeOf(pod));
    for (const address of pod?.addresses ?? []) {
      ipcache.upsert({ address, identity: number, owner: key, source: "pod" });
    }
    const kept = new Set(pod?.addresses.map(({ text }) => text));
    for (const address of old?.pod.addresses ?? []) {
      if (!kept.has(address.text)) ipcache.delete(address, key);
    }
    this.#movePorts(old, pod, identity);
  }

  #movePorts(old: Published | undefined, pod: Pod | undefined, identity: Identity | undefined) {
    const { namedPorts } = this.#parts;
    const before = namedOnly(old?.identity && old.pod.containerPorts);
    const after = namedOnly(identity && pod?.containerPorts);
    if (identity !== undefined && after.length > 0 && namedPorts.add(identity.id, after)) {
      this.#portsChanged.add(identity.id);
    }
    const left = old?.identity;
    if (left !== undefined && before.length > 0 && namedPorts.remove(left.id, before)) {
      this.#portsChanged.add(left.id);
    }
  }

  /** Identity of the node that a pod of the host's network speaks for. */
  #nodeOf(pod: Pod): number {
    return this.isLocal(pod) ? RESERVED.HOST : RESERVED.REMOTE_NODE;
  }

  #labelsOf(pod: Pod): Labels {
    const { cluster, filter } = this.#parts;
    const namespace = this.#namespaces.get(pod.namespace);
    let template = `${pod.namespace}\0${pod.serviceAccount}`;
    for (const [key, value] of pod.labels) {
      if (filter({ source: "k8s", key, value })) template += `\0${key}\0${value}`;
    }
    const known = this.#templates.get(template);
    if (known !== undefined) return known;
    const labels = podLabels(pod, namespace, cluster, filter);
    if (this.#templates.size >= MAX_TEMPLATES) this.#templates.clear();
    this.#templates.set(template, labels);
    return labels;
  }

  #touch(namespace: string): void {
    this.#templates.clear();
    for (const key of this.#podsIn.get(namespace) ?? []) this.#dirty.add(key);
  }
}

function keyOf({ namespace, name }: Pod): string {
  return `${namespace}/${name}`;
}

function namedOnly(ports: readonly ContainerPort[] | undefined): readonly ContainerPort[] {
  return ports?.filter(({ name }) => name !== undefined) ?? [];
}
