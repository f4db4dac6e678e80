/**
 * A small, strict rtnetlink: interfaces, addresses, neighbours, routes, routing rules and BPF
 * filters of a network namespace.
 *
 * Addresses are bytes in network byte order (4 or 16), MAC addresses are 6 bytes. A connection
 * belongs to the namespace that it was opened in. Calls block, for microseconds as a rule, and
 * throw {@linkcode NetlinkError} with the errno and the kernel's own words. Changes need
 * CAP_NET_ADMIN. Requires Linux 4.20.
 *
 * @example Usage
 * ```ts ignore
 * import { createNetns } from "ebpf-ts-loader/sys";
 * import { createVeth, findLink, openRtnetlink, setLink } from "ebpf-ts-loader/netlink";
 * import { assert } from "@std/assert";
 *
 * using node = createNetns();
 * using pod = createNetns();
 * using netlink = openRtnetlink(node);
 * createVeth(netlink, { name: "lxc1", peer: { name: "eth0", netns: pod } });
 * const link = findLink(netlink, "lxc1");
 * assert(link && !link.up);
 * setLink(netlink, link.ifindex, { state: "up" });
 * ```
 *
 * @module
 */

export {
  addAddress,
  type AddAddressOptions,
  deleteAddress,
  type InterfaceAddress,
  type InterfaceAddressState,
  listAddresses,
} from "./address.ts";
export {
  createVeth,
  deleteLink,
  findLink,
  type Link,
  type LinkChange,
  listLinks,
  setLink,
  type VethEnd,
  type VethOptions,
} from "./link.ts";
export { NetlinkFormatError } from "./message.ts";
export {
  deleteNeighbour,
  listNeighbours,
  type Neighbour,
  type NeighbourState,
  setNeighbour,
} from "./neighbour.ts";
export { NetlinkError } from "./netlink_error.ts";
export { addRoute, deleteRoute, listRoutes, type ListRoutesOptions, type Route } from "./route.ts";
export { openRtnetlink, type Rtnetlink } from "./rtnetlink.ts";
export { type AddressPrefix, addRule, deleteRule, listRules, type Rule } from "./rule.ts";
export {
  addClsact,
  type BpfFilter,
  type BpfFilterOptions,
  type BpfFilterPlace,
  deleteBpfFilter,
  deleteClsact,
  listBpfFilters,
  setBpfFilter,
} from "./traffic_control.ts";
export { readXdp, type XdpState } from "./xdp.ts";
