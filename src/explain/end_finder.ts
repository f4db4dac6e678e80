/**
 * The two ends of a flow, found in a cluster.
 *
 * @module
 */
import type { IpAddress } from "../cluster/ip_address.ts";
import type { ClusterObject, Node, Pod } from "../cluster/object.ts";
import { Ends } from "../spec/ends.ts";
import { addressPeer, type Peer, reservedPeer, unknownPeer } from "../spec/peer.ts";
import { type EndText, parseEnd, type SingleEntity } from "./end_text.ts";
import type { IpPrefix } from "../cluster/ip_prefix.ts";
import { namedBlocks } from "../verify/named_blocks.ts";
import { unnamedAddress } from "./unnamed_address.ts";
import { closest } from "./closest.ts";

/** One end of a flow. */
export interface End {
  /** How answers call it: `default/xwing`, `10.0.0.1`, `app=web`, `host`. */
  readonly name: string;
  /** What the naive reading knows of it. */
  readonly peer: Peer;
  /** The pod whose policies count; absent for everything that is not an endpoint. */
  readonly pod?: Pod;
  /** It stands for any number of pods that are alike: a workload, or labels. */
  readonly several?: true;
  /** Its address, where the question named one. */
  readonly address?: IpAddress;
}

/** An end that a question names cannot be found. The message is for its author. */
export class UnknownEndError extends Error {
  override readonly name = "UnknownEndError";
}

/** Settings for {@linkcode EndFinder}. */
export interface EndFinderOptions {
  /** Namespace of pods that are named without one. @default "default" */
  defaultNamespace?: string;
  /** Name of the local cluster. @default "default" */
  cluster?: string;
}

/**
 * Finds ends by their names.
 *
 * Labels that are asked about become a *supposed* pod, which is compiled with the cluster
 * like any other. That way every way of naming a peer (service selectors, namespace
 * labels, …) treats it as it would treat the real thing; a shortcut through the selectors
 * alone would have to repeat each of them. It has no address, and declares the ports that
 * real pods of the same labels declare. No other pod's policy depends on it.
 */
export class EndFinder {
  readonly #defaultNamespace: string;
  readonly #objects: readonly ClusterObject[];
  readonly #ends: Ends;
  #blocks: readonly IpPrefix[] | undefined;
  readonly #pods = new Map<string, Pod>();
  readonly #byAddress = new Map<string, Pod | Node>();
  /** Declared ports by the labels of the pods, for each pod. */
  #ports: ReadonlyMap<string, readonly Pod["containerPorts"][]> | undefined;
  readonly #namesPorts: boolean;
  readonly #services = new Map<string, string>();
  readonly #apiServers = new Set<string>();
  readonly #known = new Map<string, End | UnknownEndError>();
  readonly #supposedEnds = new Map<string, End>();
  #supposed: Pod[] = [];

  constructor(objects: readonly ClusterObject[], options: EndFinderOptions = {}) {
    this.#defaultNamespace = options.defaultNamespace ?? "default";
    // Pods are found here, by name and address; there may be too many to look through.
    const others = objects.filter(({ kind }) => kind !== "Pod");
    this.#objects = others;
    this.#ends = new Ends(others, options.cluster ?? "default");
    this.#namesPorts = others.some(namesPorts);
    for (const object of objects) this.#add(object);
  }

  /** Every pod that is an endpoint, and every workload that stands for one, by name. */
  get pods(): End[] {
    return [...this.#pods.values()]
      .filter((pod) => !pod.terminated && !pod.hostNetwork)
      .map((pod) => this.#endOfPod(pod))
      .sort((a, b) => a.name < b.name ? -1 : 1);
  }

  /** The supposed pods that came up since the last call. The engine must know them first. */
  takeSupposed(): readonly Pod[] {
    const supposed = this.#supposed;
    this.#supposed = [];
    return supposed;
  }

  /**
   * Finds an end by its name; see {@linkcode parseEnd}.
   *
   * @throws {SyntaxError} when the text does not name an end.
   * @throws {UnknownEndError} when there is no such end.
   */
  find(text: string): End {
    let known = this.#known.get(text);
    if (known === undefined) this.#known.set(text, known = this.#lookUp(text));
    if (known instanceof UnknownEndError) throw known;
    return known;
  }

  /** Finds the end that a parsed name means. */
  endOf(text: EndText, name: string): End {
    switch (text.kind) {
      case "pod":
        return this.#podEnd(text.namespace, text.name);
      case "address":
        return this.#addressEnd(text.address);
      case "entity":
        return { name: text.entity, peer: this.#entityPeer(text.entity) };
      case "labels":
        return this.#supposedEnd(text, name);
    }
  }

  #lookUp(text: string): End | UnknownEndError {
    try {
      return this.endOf(parseEnd(text, this.#defaultNamespace), text);
    } catch (error) {
      if (error instanceof UnknownEndError) return error;
      throw error;
    }
  }

  #add(object: ClusterObject): void {
    switch (object.kind) {
      case "Pod":
        return this.#addPod(object);
      case "Node":
        for (const { address } of object.addresses) this.#byAddress.set(address.text, object);
        return;
      case "Service":
        for (const { text } of object.clusterIps) {
          this.#services.set(text, `${object.namespace}/${object.name}`);
        }
        return;
      case "EndpointSlice":
        if (object.namespace !== "default" || object.serviceName !== "kubernetes") return;
        for (const { addresses } of object.endpoints) {
          for (const { text } of addresses) this.#apiServers.add(text);
        }
    }
  }

  #addPod(pod: Pod): void {
    this.#pods.set(`${pod.namespace}/${pod.name}`, pod);
    // The addresses of a pod that ran to its end may already be another's.
    if (pod.terminated || pod.hostNetwork) return;
    for (const { text } of pod.addresses) {
      if (!this.#byAddress.has(text)) this.#byAddress.set(text, pod);
    }
  }

  #podEnd(namespace: string, name: string): End {
    const key = `${namespace}/${name}`;
    const pod = this.#pods.get(key);
    if (pod === undefined) {
      const near = closest(key, this.#pods.keys());
      const hint = near === undefined ? "" : ` (did you mean "${near}"?)`;
      throw new UnknownEndError(
        `Cannot find pod "${key}": not in the manifests, expected one that is${hint}`,
      );
    }
    if (pod.terminated) {
      throw new UnknownEndError(
        `Cannot use pod "${key}" as an end of a flow: it ran to its end, expected a live pod`,
      );
    }
    return this.#endOfPod(pod);
  }

  #endOfPod(pod: Pod): End {
    const name = `${pod.namespace}/${pod.name}`;
    const several = pod.standsFor === undefined ? {} : { several: true as const };
    const peer = this.#peerOf(pod);
    return pod.hostNetwork ? { name, peer } : { name, peer, pod, ...several };
  }

  /** A pod; what port names mean to others depends on all pods that are like it. */
  #peerOf(pod: Pod, address?: IpAddress): Peer {
    const peer = this.#ends.pod(pod, address);
    if (peer.kind !== "pod" || !this.#namesPorts) return peer;
    const alike = this.#portsOfAlike(peer);
    return alike.length < 2 ? peer : { ...peer, sharedPorts: alike.flatMap((ports = []) => ports) };
  }

  #addressEnd(address: IpAddress): End {
    const service = this.#services.get(address.text);
    if (service !== undefined) {
      throw new UnknownEndError(
        `Cannot use "${address.text}" as an end of a flow: it is service "${service}", ` +
          `expected a pod behind it: packets are translated before policy sees them`,
      );
    }
    const owner = this.#byAddress.get(address.text);
    if (owner?.kind === "Pod") {
      return { ...this.#endOfPod(owner), peer: this.#peerOf(owner, address), address };
    }
    if (owner?.kind === "Node") {
      return { name: address.text, peer: this.#ends.node(owner.name, address), address };
    }
    const apiServer = this.#apiServers.has(address.text);
    return { name: address.text, peer: addressPeer(address, apiServer), address };
  }

  #supposedEnd(text: EndText & { readonly kind: "labels" }, name: string): End {
    // No real pod can have such a name.
    const key = `{${name}}`;
    const known = this.#supposedEnds.get(`${text.namespace}/${key}`);
    if (known !== undefined) return known;
    const bare: Pod = {
      kind: "Pod",
      namespace: text.namespace,
      name: key,
      labels: text.labels,
      serviceAccount: text.serviceAccount ?? "default",
      hostNetwork: false,
      terminated: false,
      addresses: [],
      location: { file: "", line: 0, column: 0 },
    };
    const [containerPorts] = this.#portsOfAlike(this.#ends.pod(bare));
    const pod: Pod = containerPorts === undefined ? bare : { ...bare, containerPorts };
    this.#supposed.push(pod);
    const end: End = { name, peer: this.#peerOf(pod), pod, several: true };
    this.#supposedEnds.set(`${text.namespace}/${key}`, end);
    return end;
  }

  /** Ports of the live pods that have these labels, for each of them. */
  #portsOfAlike(peer: Peer): readonly Pod["containerPorts"][] {
    this.#ports ??= this.#listPorts();
    return this.#ports.get(labelsKey(peer)) ?? [];
  }

  #listPorts(): ReadonlyMap<string, readonly Pod["containerPorts"][]> {
    const ports = new Map<string, Pod["containerPorts"][]>();
    for (const pod of this.#pods.values()) {
      if (pod.terminated || pod.hostNetwork) continue;
      const key = labelsKey(this.#ends.pod(pod));
      const known = ports.get(key);
      if (known === undefined) ports.set(key, [pod.containerPorts]);
      else known.push(pod.containerPorts);
    }
    return ports;
  }

  /** What is known of a well-known peer. The API server is taken to run on another node. */
  #entityPeer(entity: SingleEntity): Peer {
    switch (entity) {
      case "kube-apiserver":
        return reservedPeer("kube-apiserver", "remote-node");
      case "world":
      case "world-ipv4":
        return this.#worldPeer(4);
      case "world-ipv6":
        return this.#worldPeer(6);
      default:
        return reservedPeer(entity);
    }
  }

  /** An address of which nothing is known: 0.0.0.0/0 is for it, and no other block. */
  #worldPeer(family: 4 | 6): Peer {
    this.#blocks ??= namedBlocks(this.#objects);
    const address = unnamedAddress(family, this.#blocks);
    return address === undefined ? unknownPeer(family) : addressPeer(address);
  }
}

/** Tells whether a policy names ports: only then does it matter what pods call theirs. */
function namesPorts(object: ClusterObject): boolean {
  switch (object.kind) {
    case "CiliumNetworkPolicy":
    case "CiliumClusterwideNetworkPolicy":
      return object.specs.some(({ ingress = [], ingressDeny = [], egress = [], egressDeny = [] }) =>
        [...ingress, ...ingressDeny, ...egress, ...egressDeny].some(({ toPorts = [] }) =>
          toPorts.some(({ namedPorts }) => namedPorts !== undefined)
        )
      );
    case "NetworkPolicy":
      return [...object.ingress ?? [], ...object.egress ?? []].some(({ ports = [] }) =>
        ports.some(({ port }) => typeof port === "string")
      );
    case "ClusterNetworkPolicy":
      return [...object.ingress, ...object.egress].some(({ protocols = [] }) =>
        protocols.some((item) => "namedPort" in item)
      );
    default:
      return false;
  }
}

function labelsKey(peer: Peer): string {
  return peer.kind === "pod" ? JSON.stringify([...peer.labels].sort()) : "";
}
