/**
 * A node and its pods as network namespaces, all anonymous: nothing of it has a name outside
 * this process, and nothing outlives it.
 *
 * ```
 *   pod namespace                       node namespace
 *   eth0  10.1.0.10/32, fd00::10/128 ══ lxc7   (the programs' place)
 *     default via 169.254.1.1, fe80::1 = MAC of lxc7
 * ```
 *
 * @module
 */
import {
  addAddress,
  addRoute,
  createVeth,
  findLink,
  openRtnetlink,
  type Rtnetlink,
  setLink,
  setNeighbour,
} from "ebpf-ts-loader/netlink";
import { createNetns, type Netns } from "ebpf-ts-loader/sys";
import { addressBytes } from "../verify/address.ts";
import { madeUpMac } from "../verify/made_up_mac.ts";
import type { Endpoint } from "../policy/snapshot.ts";

/** A pod's place in the network. */
export interface PodNetwork {
  /** Endpoint id. */
  readonly id: number;
  /** `namespace/name`. */
  readonly name: string;
  /** The pod's own namespace. */
  readonly netns: Netns;
  /** Addresses by family, network byte order; the first one of each. */
  readonly addresses: { readonly 4: Uint8Array | undefined; readonly 6: Uint8Array | undefined };
  /** Interface index of the host side, in the node's namespace. */
  readonly ifindex: number;
  /** MAC address of the pod's side. */
  readonly mac: Uint8Array;
  /** MAC address of the host side. */
  readonly nodeMac: Uint8Array;
}

/** What a pod needs to be given a network. */
export type PodAddresses = Pick<Endpoint, "id" | "namespace" | "name" | "addresses">;

const LOOPBACK = 1;
const ANY = { 4: new Uint8Array(4), 6: new Uint8Array(16) } as const;
/** Gateway of every pod. No interface has these addresses: the neighbour entry alone counts. */
const GATEWAY = {
  4: Uint8Array.of(169, 254, 1, 1),
  6: Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
} as const;
const FAMILIES = [4, 6] as const;

/** A node with its pods; disposal takes everything down. */
export class Topology implements Disposable {
  /** The node: holds the host side of each pod's veth, and routes between them. */
  readonly node: Netns;
  readonly #pods: PodNetwork[] = [];

  private constructor() {
    this.node = createNetns();
  }

  /** The pods, in the order given. */
  get pods(): readonly PodNetwork[] {
    return this.#pods;
  }

  /**
   * Builds the namespaces, veth pairs, addresses and routes. Needs CAP_SYS_ADMIN and
   * CAP_NET_ADMIN.
   *
   * @throws SyscallError, NetlinkError. Nothing is left behind then.
   */
  static create(pods: readonly PodAddresses[]): Topology {
    const topology = new Topology();
    try {
      topology.node.writeSysctl("ipv4/ip_forward", "1");
      topology.node.writeSysctl("ipv6/conf/all/forwarding", "1");
      using netlink = openRtnetlink(topology.node);
      setLink(netlink, LOOPBACK, { state: "up" });
      for (const pod of pods) topology.#add(netlink, pod);
      return topology;
    } catch (error) {
      topology[Symbol.dispose]();
      throw error;
    }
  }

  #add(node: Rtnetlink, { id, namespace, name, addresses }: PodAddresses): void {
    const mac = madeUpMac(id, 1);
    const nodeMac = madeUpMac(id, 2);
    const netns = createNetns();
    const host = `lxc${id}`;
    const first = (family: 4 | 6) => {
      const address = addresses.find((each) => each.family === family);
      return address && addressBytes(address);
    };
    try {
      createVeth(node, { name: host, mac: nodeMac, peer: { name: "eth0", mac, netns } });
      const ifindex = mustFind(node, host);
      const pod = {
        id,
        name: `${namespace}/${name}`,
        netns,
        addresses: { 4: first(4), 6: first(6) },
        ifindex,
        mac,
        nodeMac,
      };
      setUpHostSide(node, pod);
      setUpPodSide(pod);
      this.#pods.push(pod);
    } catch (error) {
      netns[Symbol.dispose]();
      throw error;
    }
  }

  /** Lets go of all namespaces; the kernel deletes what is in them. */
  [Symbol.dispose](): void {
    for (const { netns } of this.#pods) netns[Symbol.dispose]();
    this.node[Symbol.dispose]();
  }
}

function mustFind(netlink: Rtnetlink, name: string): number {
  const link = findLink(netlink, name);
  if (link) return link.ifindex;
  throw new Error(`Cannot find interface "${name}": gone, expected it to be there`);
}

/** The node knows the way to the pod, and its MAC address without asking. */
function setUpHostSide(netlink: Rtnetlink, { ifindex, addresses, mac }: PodNetwork): void {
  setLink(netlink, ifindex, { state: "up", ipv6LinkLocal: false });
  for (const family of FAMILIES) {
    const address = addresses[family];
    if (!address) continue;
    addRoute(netlink, { destination: address, prefixLength: address.length * 8, ifindex });
    setNeighbour(netlink, { ifindex, address, mac });
  }
}

/**
 * The pod sends everything to the node. Without link-local addresses, router solicitation,
 * duplicate address detection and group membership there is no packet that nobody asked for.
 */
function setUpPodSide({ netns, addresses, nodeMac }: PodNetwork): void {
  using netlink = openRtnetlink(netns);
  setLink(netlink, LOOPBACK, { state: "up" });
  const ifindex = mustFind(netlink, "eth0");
  setLink(netlink, ifindex, { state: "up", ipv6LinkLocal: false, neighbourDiscovery: false });
  for (const family of FAMILIES) {
    const address = addresses[family];
    if (!address) continue;
    const prefixLength = address.length * 8;
    addAddress(netlink, { ifindex, address, prefixLength }, { duplicateDetection: false });
    setNeighbour(netlink, { ifindex, address: GATEWAY[family], mac: nodeMac });
    addRoute(netlink, {
      destination: ANY[family],
      prefixLength: 0,
      ifindex,
      gateway: GATEWAY[family],
      onlink: true,
    });
  }
}
