/**
 * A cluster to verify: the same manifests once as compiled state for the datapaths, and
 * once as parsed text for the naive reading.
 *
 * @module
 */
import { replaceWith } from "../cluster/change.ts";
import type { IpAddress } from "../cluster/ip_address.ts";
import type { CiliumNetworkPolicy, ClusterObject, Namespace, Pod } from "../cluster/object.ts";
import type { ManifestText } from "../cluster/read_objects.ts";
import type { RuleOrigin } from "../cluster/rule.ts";
import type { EndpointState, NodeState } from "../datapath/datapath.ts";
import { PolicyEngine } from "../policy/engine.ts";
import type { Endpoint, PolicySnapshot } from "../policy/snapshot.ts";
import { type Peer, podPeer, reservedPeer, unknownPeer } from "../spec/peer.ts";
import { addressBytes, addressOfBytes } from "./address.ts";
import { madeUpMac } from "./made_up_mac.ts";

/** Something that can stand at one end of a flow. */
export interface Party {
  /** How reports call it: `default/xwing`, `host`, `world-ipv4`. */
  readonly name: string;
  readonly peer: Peer;
  /** Numeric identity that the engine gave it. */
  readonly identity: number;
}

/** A cluster, compiled and as text. */
export interface Scenario {
  /** What was read, for reproducers. */
  readonly manifests: readonly ManifestText[];
  readonly policies: readonly CiliumNetworkPolicy[];
  readonly snapshot: PolicySnapshot;
  /** The node as datapaths load it. */
  readonly node: NodeState;
  /** The endpoint with this id. */
  endpoint(id: number): { readonly state: EndpointState; readonly party: Party };
  /** The endpoint that has an address. */
  endpointAt(address: IpAddress): EndpointState | undefined;
  /** Who is behind an address, by the manifests. */
  partyAt(address: IpAddress): Party;
  /** Who has an identity; for identities that travel in a mark. */
  partyOf(identity: number): Party;
  /** The rules that a cookie names. */
  rulesOf(cookie: number): readonly RuleOrigin[] | undefined;
}

/**
 * Compiles a cluster.
 *
 * @param objects What was read from `manifests`.
 */
export async function makeScenario(
  manifests: readonly ManifestText[],
  objects: readonly ClusterObject[],
): Promise<Scenario> {
  using engine = new PolicyEngine();
  const snapshot = await engine.apply(replaceWith(objects));
  return new CompiledScenario(manifests, objects, snapshot);
}

class CompiledScenario implements Scenario {
  readonly policies: readonly CiliumNetworkPolicy[];
  readonly node: NodeState;
  readonly #endpoints = new Map<number, { state: EndpointState; party: Party }>();
  readonly #routes = new Map<string, EndpointState>();
  readonly #addresses = new Map<string, Party>();
  readonly #identities = new Map<number, Party>();

  constructor(
    readonly manifests: readonly ManifestText[],
    objects: readonly ClusterObject[],
    readonly snapshot: PolicySnapshot,
  ) {
    this.policies = objects.filter((o) => o.kind === "CiliumNetworkPolicy");
    this.node = nodeOf(snapshot);
    for (const { id, labels } of snapshot.identities) {
      const reserved = labels.filter((l) => l.source === "reserved").map((l) => l.key);
      if (reserved.length === 0) continue;
      const [name = ""] = reserved;
      this.#identities.set(id, { name, identity: id, peer: reservedPeer(...reserved) });
    }
    const namespaces = new Map(
      objects.filter((o) => o.kind === "Namespace").map((o) => [o.name, o]),
    );
    for (const object of objects) if (object.kind === "Pod") this.#addPod(object, namespaces);
    for (const state of this.node.endpoints) {
      const party = this.#partyOfEndpoint(state.id);
      this.#endpoints.set(state.id, { state, party });
      for (const bytes of [state.ipv4, state.ipv6]) {
        if (bytes !== undefined) this.#routes.set(addressOfBytes(bytes).text, state);
      }
    }
  }

  endpoint(id: number): { readonly state: EndpointState; readonly party: Party } {
    return known(this.#endpoints.get(id), "endpoint", id);
  }

  endpointAt(address: IpAddress): EndpointState | undefined {
    return this.#routes.get(address.text);
  }

  partyAt(address: IpAddress): Party {
    const party = this.#addresses.get(address.text);
    if (party !== undefined) return party;
    const peer = unknownPeer(address.family);
    const name = peer.kind === "reserved" ? peer.labels[0] : undefined;
    const world = [...this.#identities.values()].find((p) => p.name === name);
    return known(world, "identity", name ?? "world");
  }

  partyOf(identity: number): Party {
    return known(this.#identities.get(identity), "identity", identity);
  }

  rulesOf(cookie: number): readonly RuleOrigin[] | undefined {
    return this.snapshot.rulesOf(cookie);
  }

  #addPod(pod: Pod, namespaces: ReadonlyMap<string, Namespace>): void {
    if (pod.terminated) return;
    const party = this.#partyOfPod(pod, namespaces.get(pod.namespace));
    if (party === undefined) return;
    for (const { text } of pod.addresses) {
      if (!this.#addresses.has(text)) this.#addresses.set(text, party);
    }
    if (!this.#identities.has(party.identity)) this.#identities.set(party.identity, party);
  }

  #partyOfPod(pod: Pod, namespace: Namespace | undefined): Party | undefined {
    if (pod.hostNetwork) return this.#identities.get(HOST);
    const { snapshot } = this;
    const endpoint = snapshot.endpoints.find((e) =>
      e.namespace === pod.namespace && e.name === pod.name
    );
    if (endpoint === undefined) return undefined;
    return {
      name: nameOf(endpoint),
      identity: endpoint.identity,
      peer: podPeer(pod, namespace),
    };
  }

  #partyOfEndpoint(id: number): Party {
    const endpoint = this.snapshot.endpoints.find((e) => e.id === id);
    const name = endpoint === undefined ? "" : nameOf(endpoint);
    const same = this.#identities.get(endpoint?.identity ?? 0);
    return { ...known(same, "endpoint", id), name };
  }
}

const HOST = 1;

function nameOf({ namespace, name }: Endpoint): string {
  return `${namespace}/${name}`;
}

function known<T>(value: T | undefined, kind: string, key: number | string): T {
  if (value !== undefined) return value;
  throw new RangeError(`Cannot find ${kind} "${key}": unknown, expected one of the scenario`);
}

/** The node on which every pod of the snapshot runs. Interfaces and MACs are made up. */
export function nodeOf(snapshot: PolicySnapshot): NodeState {
  return {
    endpoints: snapshot.endpoints.map(endpointState),
    identities: snapshot.identities.flatMap(({ id, slot }) =>
      slot === undefined ? [] : [{ identity: id, slot }]
    ),
    ipcache: snapshot.ipcache.map(({ address, prefixLength, identity }) => ({
      address: addressBytes(address),
      identity,
      ...(prefixLength === undefined ? {} : { prefixLength }),
    })),
    policies: snapshot.policies.map(({ number, revision, mapState }) => ({
      number,
      revision,
      mapState,
    })),
  };
}

const FIRST_IFINDEX = 100;

function endpointState({ id, addresses, identity, policy }: Endpoint): EndpointState {
  const ipv4 = addresses.find(({ family }) => family === 4);
  const ipv6 = addresses.find(({ family }) => family === 6);
  return {
    id,
    ipv4: ipv4 && addressBytes(ipv4),
    ipv6: ipv6 && addressBytes(ipv6),
    mac: madeUpMac(id, 1),
    nodeMac: madeUpMac(id, 2),
    ifindex: FIRST_IFINDEX + id,
    identity,
    policy,
  };
}
