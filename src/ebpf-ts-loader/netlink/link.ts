import type { Netns } from "../sys/mod.ts";
import {
  ADDR_GEN_MODE_NONE,
  IFF,
  IFLA,
  IFLA_INET6_ADDR_GEN_MODE,
  IFLA_INFO,
  NLM_F,
  RTM,
  VETH_INFO_PEER,
} from "./_constants.ts";
import { assertIfindex, assertMac, assertName } from "./_checks.ts";
import { MessageBuilder, parsePayload } from "./message.ts";
import { NetlinkError } from "./netlink_error.ts";
import type { Rtnetlink } from "./rtnetlink.ts";
import { AF } from "../sys/mod.ts";

// struct ifinfomsg: family u8 | pad u8 | type u16 | index i32 | flags u32 | change u32
const IFINFOMSG = 16;

/** A network interface. */
export interface Link {
  /** Unique in the namespace; what most calls take. */
  readonly ifindex: number;
  /** 1 to 15 bytes. */
  readonly name: string;
  /** Hardware address; 6 bytes for Ethernet, empty where the kind has none. */
  readonly mac: Uint8Array;
  /** Bytes. */
  readonly mtu: number;
  /** `IFF_*` bits, see netdevice(7). */
  readonly flags: number;
  /** Administratively up. It carries packets only when its peer is up too. */
  readonly up: boolean;
  /** `veth`, `dummy` …; `undefined` for physical interfaces and loopback. */
  readonly kind: string | undefined;
}

/** One end of a veth pair. */
export interface VethEnd {
  /** 1 to 15 bytes. */
  readonly name: string;
  /** Hardware address. @default the kernel's choice */
  readonly mac?: Uint8Array | undefined;
  /** Where the end is created. @default the namespace of the connection */
  readonly netns?: Netns | undefined;
}

/** Options for {@linkcode createVeth}. */
export interface VethOptions extends VethEnd {
  /** The other end. */
  readonly peer: VethEnd;
  /** Bytes, for both ends. @default 1500 */
  readonly mtu?: number | undefined;
}

/** What {@linkcode setLink} changes; what is absent stays. */
export interface LinkChange {
  /** Administratively up or down. */
  readonly state?: "up" | "down" | undefined;
  /** Bytes. */
  readonly mtu?: number | undefined;
  /** Set to `false` to have no IPv6 link-local address: no router solicitation, no DAD. */
  readonly ipv6LinkLocal?: boolean | undefined;
  /** Set to `false` for an interface that resolves no neighbours (`IFF_NOARP`). */
  readonly neighbourDiscovery?: boolean | undefined;
}

function ifinfomsg(ifindex: number, flags = 0, change = 0): Uint8Array {
  const view = new DataView(new ArrayBuffer(IFINFOMSG));
  view.setInt32(4, ifindex, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, change, true);
  return new Uint8Array(view.buffer);
}

function assertMtu(mtu: number): void {
  if (!Number.isInteger(mtu) || mtu < 68 || mtu > 65535) {
    throw new RangeError(`Cannot use MTU "${mtu}": out of range, expected 68 to 65535`);
  }
}

function assertEnd(end: VethEnd): void {
  assertName(end.name);
  if (end.mac) assertMac(end.mac);
}

function writeEnd(builder: MessageBuilder, end: VethEnd, mtu: number | undefined): void {
  builder.string(IFLA.IFNAME, end.name);
  if (end.mac) builder.attribute(IFLA.ADDRESS, end.mac);
  if (end.netns) builder.u32(IFLA.NET_NS_FD, end.netns.fd);
  if (mtu !== undefined) builder.u32(IFLA.MTU, mtu);
}

/**
 * Creates a pair of virtual Ethernet interfaces; what one end sends the other receives. Both are
 * down. The pair goes when either end is deleted or loses its namespace.
 *
 * @throws {NetlinkError} EEXIST if a name is taken, EPERM without CAP_NET_ADMIN.
 *
 * @example Usage
 * ```ts
 * import { createVeth, type Rtnetlink } from "ebpf-ts-loader/netlink";
 * import type { Netns } from "ebpf-ts-loader/sys";
 * function connectPod(netlink: Rtnetlink, pod: Netns): void {
 *   createVeth(netlink, { name: "lxc1", peer: { name: "eth0", netns: pod } });
 * }
 * ```
 */
export function createVeth(netlink: Rtnetlink, options: VethOptions): void {
  const { peer, mtu } = options;
  assertEnd(options);
  assertEnd(peer);
  if (mtu !== undefined) assertMtu(mtu);
  const builder = new MessageBuilder(ifinfomsg(0));
  writeEnd(builder, options, mtu);
  builder.nested(IFLA.LINKINFO, (info) => {
    info.string(IFLA_INFO.KIND, "veth");
    info.nested(IFLA_INFO.DATA, (data) => {
      data.nested(VETH_INFO_PEER, (end) => writeEnd(end, peer, mtu), ifinfomsg(0));
    });
  });
  netlink.request(RTM.NEWLINK, NLM_F.CREATE | NLM_F.EXCL, builder, {
    action: "create veth",
    subject: options.name,
  });
}

/**
 * Changes an interface, all at once. What follows from it comes later: the kernel notices the
 * carrier, and gives the interface its IPv6 link-local address, from a work queue.
 *
 * @example Usage
 * ```ts
 * import { findLink, type Rtnetlink, setLink } from "ebpf-ts-loader/netlink";
 * function bringUp(netlink: Rtnetlink, name: string): void {
 *   const link = findLink(netlink, name);
 *   if (link) setLink(netlink, link.ifindex, { state: "up", mtu: 1400 });
 * }
 * ```
 */
export function setLink(netlink: Rtnetlink, ifindex: number, change: LinkChange): void {
  assertIfindex(ifindex);
  const { state, mtu, ipv6LinkLocal, neighbourDiscovery } = change;
  const mask = (state === undefined ? 0 : IFF.UP) |
    (neighbourDiscovery === undefined ? 0 : IFF.NOARP);
  const flags = (state === "up" ? IFF.UP : 0) | (neighbourDiscovery === false ? IFF.NOARP : 0);
  const builder = new MessageBuilder(ifinfomsg(ifindex, flags, mask));
  if (mtu !== undefined) {
    assertMtu(mtu);
    builder.u32(IFLA.MTU, mtu);
  }
  if (ipv6LinkLocal !== undefined) {
    const mode = Uint8Array.of(ipv6LinkLocal ? 0 : ADDR_GEN_MODE_NONE);
    builder.nested(IFLA.AF_SPEC, (families) => {
      families.nested(AF.INET6, (inet6) => inet6.attribute(IFLA_INET6_ADDR_GEN_MODE, mode));
    });
  }
  netlink.request(RTM.SETLINK, 0, builder, {
    action: "change interface",
    subject: `ifindex ${ifindex}`,
  });
}

/**
 * Deletes an interface, and the peer of a veth with it.
 *
 * @example Usage
 * ```ts
 * import { deleteLink, listLinks, type Rtnetlink } from "ebpf-ts-loader/netlink";
 * function deleteVeths(netlink: Rtnetlink): void {
 *   const veths = listLinks(netlink).filter(({ kind }) => kind === "veth");
 *   for (const { ifindex } of veths) deleteLink(netlink, ifindex);
 * }
 * ```
 */
export function deleteLink(netlink: Rtnetlink, ifindex: number): void {
  assertIfindex(ifindex);
  netlink.request(RTM.DELLINK, 0, new MessageBuilder(ifinfomsg(ifindex)), {
    action: "delete interface",
    subject: `ifindex ${ifindex}`,
  });
}

/**
 * The interface of that name, or `undefined` if there is none.
 *
 * @example Usage
 * ```ts
 * import { findLink, openRtnetlink } from "ebpf-ts-loader/netlink";
 * import { assertEquals } from "@std/assert";
 * using netlink = openRtnetlink();
 * assertEquals(findLink(netlink, "lo")?.ifindex, 1);
 * ```
 */
export function findLink(netlink: Rtnetlink, name: string): Link | undefined {
  assertName(name);
  const builder = new MessageBuilder(ifinfomsg(0)).string(IFLA.IFNAME, name);
  try {
    return parseLink(netlink.get(RTM.GETLINK, builder, { action: "find", subject: name }));
  } catch (error) {
    if (error instanceof NetlinkError && error.code === "ENODEV") return undefined;
    throw error;
  }
}

/**
 * All interfaces of the namespace, by index.
 *
 * @example Usage
 * ```ts
 * import { listLinks, openRtnetlink } from "ebpf-ts-loader/netlink";
 * import { assert } from "@std/assert";
 * using netlink = openRtnetlink();
 * assert(listLinks(netlink).some(({ name }) => name === "lo"));
 * ```
 */
export function listLinks(netlink: Rtnetlink): Link[] {
  const payloads = netlink.dump(RTM.GETLINK, new MessageBuilder(ifinfomsg(0)), {
    action: "list",
    subject: "interfaces",
  });
  return payloads.map(parseLink);
}

/** Reads the payload of RTM_NEWLINK. */
export function parseLink(payload: Uint8Array): Link {
  const { fixed, attributes } = parsePayload(payload, IFINFOMSG);
  const flags = fixed.getUint32(8, true);
  return {
    ifindex: fixed.getInt32(4, true),
    name: attributes.string(IFLA.IFNAME) ?? "",
    mac: attributes.bytes(IFLA.ADDRESS)?.slice() ?? new Uint8Array(),
    mtu: attributes.u32(IFLA.MTU) ?? 0,
    flags,
    up: (flags & IFF.UP) !== 0,
    kind: attributes.nested(IFLA.LINKINFO).string(IFLA_INFO.KIND),
  };
}
