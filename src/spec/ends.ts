import type { IpAddress } from "../cluster/ip_address.ts";
import type { ClusterObject, Namespace, Node, Pod } from "../cluster/object.ts";
import { addressPeer, type NodePeer, type Peer, podPeer } from "./peer.ts";

/** Finds out who is at the end of a flow, from the objects of a cluster. */
export class Ends {
  readonly #objects: readonly ClusterObject[];
  readonly #cluster: string;

  /** @param cluster Name of the local cluster. */
  constructor(objects: readonly ClusterObject[], cluster = "default") {
    this.#objects = objects;
    this.#cluster = cluster;
  }

  /** Who is at an address: a pod, a node or what runs on its network, or somebody outside. */
  at(address: IpAddress): Peer {
    const has = (addresses: readonly IpAddress[]) =>
      addresses.some(({ text }) => text === address.text);
    const pods = this.#pods().filter((pod) => !pod.terminated && has(pod.addresses));
    const guest = pods.find(({ hostNetwork }) => !hostNetwork);
    if (guest !== undefined) return this.pod(guest, address);
    const node = this.#nodes().find((node) => has(node.addresses.map((a) => a.address)));
    if (node !== undefined) return this.node(node.name, address);
    const [onHost] = pods;
    if (onHost !== undefined) return this.pod(onHost, address);
    return addressPeer(address, this.#isApiServer(address));
  }

  /**
   * A pod. On the network of its node it is that node that speaks.
   *
   * @param address The one of its addresses that the flow is about, if known.
   */
  pod(pod: Pod, address: IpAddress | undefined = pod.addresses[0]): Peer {
    if (pod.hostNetwork) return this.node(pod.nodeName, address);
    const namespace = this.#objects.find((object): object is Namespace =>
      object.kind === "Namespace" && object.name === pod.namespace
    );
    const peer = podPeer(pod, namespace, this.#cluster);
    return address === undefined || peer.kind !== "pod" ? peer : { ...peer, address };
  }

  /**
   * A node, known or not.
   *
   * @param name `undefined` where nothing but "some host" is known.
   * @param address The one of its addresses that the flow is about, if known.
   */
  node(name: string | undefined, address?: IpAddress): NodePeer {
    const node = this.#nodes().find((node) => node.name === name);
    const own = node?.addresses.map((item) => item.address) ?? [];
    const [first] = own;
    const at = address ?? first;
    return {
      kind: "node",
      ...(name === undefined ? {} : { name }),
      labels: node?.labels ?? new Map(),
      addresses: own,
      apiServer: at !== undefined && this.#isApiServer(at),
      apiServerOnNode: own.some((other) => this.#isApiServer(other)),
      ...(at === undefined ? {} : { address: at }),
    };
  }

  #pods(): Pod[] {
    return this.#objects.filter((object) => object.kind === "Pod");
  }

  #nodes(): Node[] {
    return this.#objects.filter((object) => object.kind === "Node");
  }

  /**
   * The Kubernetes API is where the service `default/kubernetes` leads:
   * https://docs.cilium.io/en/stable/security/policy/layer3/#entities-based
   */
  #isApiServer(address: IpAddress): boolean {
    return this.#objects.some((object) =>
      object.kind === "EndpointSlice" && object.namespace === "default" &&
      object.serviceName === "kubernetes" &&
      object.endpoints.some(({ addresses }) => addresses.some(({ text }) => text === address.text))
    );
  }
}
