import { type Change, replaceWith } from "../cluster/change.ts";
import type { ClusterObject, Pod } from "../cluster/object.ts";
import type { RuleOrigin } from "../cluster/rule.ts";
import { RESERVED } from "../identity/reserved.ts";
import { PolicyEngine, type PolicyEngineOptions } from "../policy/engine.ts";
import type { Policy, PolicySnapshot } from "../policy/snapshot.ts";
import type { End } from "./end_finder.ts";

/** Identities of the well-known peers, by their first label. */
const RESERVED_BY_LABEL: ReadonlyMap<string, number> = new Map([
  ["host", RESERVED.HOST],
  ["world", RESERVED.WORLD],
  ["unmanaged", RESERVED.UNMANAGED],
  ["health", RESERVED.HEALTH],
  ["init", RESERVED.INIT],
  ["remote-node", RESERVED.REMOTE_NODE],
  ["kube-apiserver", RESERVED.KUBE_APISERVER],
  ["ingress", RESERVED.INGRESS],
  ["world-ipv4", RESERVED.WORLD_IPV4],
  ["world-ipv6", RESERVED.WORLD_IPV6],
]);

interface CompiledEndpoint {
  readonly identity: number;
  readonly policy: Policy | undefined;
}

const NO_ENDPOINT: CompiledEndpoint = { identity: RESERVED.UNKNOWN, policy: undefined };

/** A cluster as the policy engine sees it, with every pod an endpoint. */
export class CompiledCluster implements Disposable {
  readonly #engine: PolicyEngine;
  #snapshot: PolicySnapshot;
  #endpoints = new Map<string, CompiledEndpoint>();
  /** What {@linkcode CompiledCluster.#endpoints} says of pods that were asked about. */
  #pods = new WeakMap<Pod, CompiledEndpoint>();
  #slots = new Map<number, number>();
  #addresses = new Map<string, number>();

  private constructor(engine: PolicyEngine) {
    this.#engine = engine;
    this.#snapshot = engine.snapshot;
  }

  /** Compiles the objects of a cluster. */
  static async compile(
    objects: Iterable<ClusterObject>,
    options: PolicyEngineOptions = {},
  ): Promise<CompiledCluster> {
    const cluster = new CompiledCluster(new PolicyEngine(options));
    await cluster.#apply(replaceWith(objects));
    return cluster;
  }

  /** What the engine says now. */
  get snapshot(): PolicySnapshot {
    return this.#snapshot;
  }

  /** Adds pods; those of {@linkcode EndFinder.takeSupposed}. */
  async add(pods: readonly Pod[]): Promise<void> {
    if (pods.length === 0) return;
    await this.#apply(pods.map((object) => ({ type: "upsert", object })));
  }

  /** The policy of an end; `undefined` for what is no endpoint. */
  policyOf({ pod }: End): Policy | undefined {
    return pod === undefined ? undefined : this.#endpointOf(pod).policy;
  }

  /** Identity of an end, as the other end's node sees it. */
  identityOf({ pod, peer }: End, other: End): number {
    if (pod !== undefined) return this.#endpointOf(pod).identity;
    switch (peer.kind) {
      case "reserved":
        return RESERVED_BY_LABEL.get(peer.labels[0] ?? "") ?? RESERVED.UNKNOWN;
      case "address": {
        const world = peer.address.family === 4 ? RESERVED.WORLD_IPV4 : RESERVED.WORLD_IPV6;
        return this.#addresses.get(peer.address.text) ?? world;
      }
      case "node": {
        const isOwn = peer.name === undefined || other.pod?.nodeName === undefined ||
          peer.name === other.pod.nodeName;
        return isOwn ? RESERVED.HOST : RESERVED.REMOTE_NODE;
      }
      case "pod":
        return RESERVED.UNKNOWN;
    }
  }

  /** Slot of an identity in images; 0 if it has none. */
  slotOf(identity: number): number {
    return this.#slots.get(identity) ?? 0;
  }

  /** The rules behind a cookie of the snapshot's entries. */
  rulesOf(cookie: number): readonly RuleOrigin[] {
    const rules = this.#snapshot.rulesOf(cookie);
    if (rules !== undefined) return rules;
    throw new RangeError(
      `Cannot find the rules of cookie "${cookie}": unknown, expected one of an entry in force`,
    );
  }

  [Symbol.dispose](): void {
    this.#engine[Symbol.dispose]();
  }

  #endpointOf(pod: Pod): CompiledEndpoint {
    let endpoint = this.#pods.get(pod);
    if (endpoint === undefined) {
      this.#pods.set(pod, endpoint = this.#endpoints.get(keyOf(pod)) ?? NO_ENDPOINT);
    }
    return endpoint;
  }

  async #apply(changes: Iterable<Change>): Promise<void> {
    const snapshot = await this.#engine.apply(changes);
    this.#snapshot = snapshot;
    const numbered = new Map([...snapshot.policies].map((policy) => [policy.number, policy]));
    this.#endpoints = new Map();
    this.#pods = new WeakMap();
    for (const endpoint of snapshot.endpoints) {
      const { identity, policy } = endpoint;
      this.#endpoints.set(keyOf(endpoint), { identity, policy: numbered.get(policy) });
    }
    this.#slots = new Map();
    for (const { id, slot } of snapshot.identities) {
      if (slot !== undefined) this.#slots.set(id, slot);
    }
    this.#addresses = new Map();
    for (const { address, identity } of snapshot.ipcache) {
      this.#addresses.set(address.text, identity);
    }
  }
}

function keyOf({ namespace, name }: { namespace: string; name: string }): string {
  return `${namespace}/${name}`;
}
