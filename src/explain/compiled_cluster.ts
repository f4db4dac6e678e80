import { type Change, replaceWith } from "../cluster/change.ts";
import type { ClusterObject, Pod } from "../cluster/object.ts";
import type { RuleDirection, RuleOrigin } from "../cluster/rule.ts";
import { RESERVED } from "../identity/reserved.ts";
import { AddressLookup } from "../identity/address_lookup.ts";
import { PolicyEngine, type PolicyEngineOptions } from "../policy/engine.ts";
import type { Redirect } from "../policy/redirect.ts";
import type { Policy, PolicySnapshot } from "../policy/snapshot.ts";
import type { Question } from "./answer.ts";
import type { End } from "./end_finder.ts";
import { nearestMiss, type NearMiss } from "./near_miss.ts";

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
  /** Feeds this cluster; others may look at it. */
  readonly engine: PolicyEngine;
  #snapshot: PolicySnapshot;
  #endpoints = new Map<string, CompiledEndpoint>();
  #hosts = new Map<string, Policy>();
  /** What {@linkcode CompiledCluster.#endpoints} says of pods that were asked about. */
  #pods = new Map<Pod, CompiledEndpoint>();
  #slots = new Map<number, number>();
  #addresses = new AddressLookup([]);

  private constructor(engine: PolicyEngine) {
    this.engine = engine;
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
  policyOf({ pod, peer }: End): Policy | undefined {
    if (pod !== undefined) return this.#endpointOf(pod).policy;
    return peer.kind === "node" ? this.#hosts.get(peer.name ?? "") : undefined;
  }

  /** Identity of an end, as the other end's node sees it. */
  identityOf({ pod, peer }: End, other: End): number {
    if (pod !== undefined) return this.#endpointOf(pod).identity;
    switch (peer.kind) {
      case "reserved":
        return RESERVED_BY_LABEL.get(peer.labels[0] ?? "") ?? RESERVED.UNKNOWN;
      case "address":
        return this.#addresses.identityAt(peer.address);
      case "node": {
        const { name, address } = peer;
        const known = name === undefined ? undefined : this.#snapshot.nodes.get(name);
        const node = other.pod?.nodeName ??
          (other.peer.kind === "node" ? other.peer.name : undefined);
        if (name === undefined || node === undefined || name === node) {
          return known?.host ?? RESERVED.HOST;
        }
        const [first = RESERVED.REMOTE_NODE] = known?.remote.values() ?? [];
        return known?.remote.get(address?.text ?? "") ?? first;
      }
      case "pod":
        return RESERVED.UNKNOWN;
    }
  }

  /** Pods of one class have one identity and one policy: nothing tells them apart. */
  classOf({ name, pod }: End): string {
    if (pod === undefined) return name;
    const { identity, policy } = this.#endpointOf(pod);
    return `${identity}/${policy?.number ?? 0}`;
  }

  /**
   * Finds the rule that came nearest to allowing a flow which one side denies for want of a
   * rule; `undefined` where no rule is near.
   */
  nearestMiss(question: Question, direction: RuleDirection): NearMiss | undefined {
    const { source, destination, protocol, port } = question;
    const [subject, other] = direction === "egress" ? [source, destination] : [destination, source];
    const identity = this.identityOf(other, subject);
    const peer = this.engine.selectors.identities.get(identity);
    const policy = this.policyOf(subject);
    if (peer === undefined || policy === undefined) return undefined;
    const rules = this.engine.rules.rulesFor(policy.subject.labels);
    return nearestMiss(rules, {
      direction,
      peer,
      peerPortNames: portNamesOf(other),
      destinationPorts: destination.pod?.containerPorts ?? [],
      protocol,
      port,
    });
  }

  /** Slot of an identity in images; 0 if it has none. */
  slotOf(identity: number): number {
    return this.#slots.get(identity) ?? 0;
  }

  /** What a proxy has to do; `undefined` for no redirect in force. */
  redirectOf(id: number): Redirect | undefined {
    return this.#snapshot.redirectOf(id);
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
    this.engine[Symbol.dispose]();
  }

  #endpointOf(pod: Pod): CompiledEndpoint {
    let endpoint = this.#pods.get(pod);
    if (endpoint === undefined) {
      this.#pods.set(pod, endpoint = this.#endpoints.get(keyOf(pod)) ?? NO_ENDPOINT);
    }
    return endpoint;
  }

  async #apply(changes: Iterable<Change>): Promise<void> {
    const snapshot = await this.engine.apply(changes);
    this.#snapshot = snapshot;
    this.#endpoints = new Map();
    this.#pods = new Map();
    for (const endpoint of snapshot.endpoints) {
      const { identity, policy } = endpoint;
      this.#endpoints.set(keyOf(endpoint), { identity, policy: snapshot.policy(policy) });
    }
    this.#hosts = new Map();
    for (const { name, policy: number } of snapshot.hosts) {
      const policy = snapshot.policy(number);
      if (policy !== undefined) this.#hosts.set(name, policy);
    }
    this.#slots = new Map();
    for (const { id, slot } of snapshot.identities) {
      if (slot !== undefined) this.#slots.set(id, slot);
    }
    this.#addresses = new AddressLookup(snapshot.ipcache);
  }
}

function portNamesOf({ pod }: End): ReadonlySet<string> {
  return new Set(pod?.containerPorts?.flatMap(({ name }) => name?.toLowerCase() ?? []));
}

function keyOf({ namespace, name }: { namespace: string; name: string }): string {
  return `${namespace}/${name}`;
}
