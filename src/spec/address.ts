import type { IpAddress } from "../cluster/ip_address.ts";
import type { IpPrefix } from "../cluster/ip_prefix.ts";
import type { SideFlow } from "./flow.ts";

/** Tells whether the block holds the address: their leading bits are the same. */
export function isInBlock({ address: block, length }: IpPrefix, address: IpAddress): boolean {
  return block.family === address.family &&
    bitsOf(block).slice(0, length) === bitsOf(address).slice(0, length);
}

/**
 * Tells whether the other end is at an address that a block can be for, and that one holds.
 *
 * Blocks are for addresses that belong to no pod and no node, unless the operator says
 * otherwise: https://docs.cilium.io/en/stable/security/policy/layer3/#ip-cidr-based and
 * https://docs.cilium.io/en/stable/security/policy/layer3/#selecting-nodes-with-cidr-ipblock
 *
 * Which block is the longest that anybody names does not matter: Cilium gives the longest
 * one an identity, and that has the labels of every shorter block around it. The host is
 * one identity with the labels of all of its addresses (`nodeIdentityLabels` in cilium
 * v1.19 pkg/node/manager/manager.go).
 */
export function isAtAddress(
  { other: { peer, reserved }, cidrMatchMode }: SideFlow,
  holds: (address: IpAddress) => boolean,
): boolean {
  if (peer.kind === "node") {
    if (!cidrMatchMode.includes("nodes")) return false;
    if (reserved.includes("host")) return peer.addresses.some(holds);
  }
  if (peer.kind === "pod" || peer.kind === "reserved") return false;
  return peer.address !== undefined && holds(peer.address);
}

function bitsOf({ family, words }: IpAddress): string {
  const used = family === 4 ? words.slice(0, 1) : words;
  return used.map((word) => word.toString(2).padStart(32, "0")).join("");
}
