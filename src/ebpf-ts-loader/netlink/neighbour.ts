import { NDA, NLM_F, NUD_PERMANENT, RTM } from "./_constants.ts";
import { assertIfindex, assertMac, familyOf } from "./_checks.ts";
import { MessageBuilder, parsePayload } from "./message.ts";
import type { Rtnetlink } from "./rtnetlink.ts";
import { AF } from "../sys/mod.ts";

// struct ndmsg: family u8 | pad u8, u16 | index i32 | state u16 | flags u8 | type u8
const NDMSG = 12;

/** An address on a link and the MAC address behind it. */
export interface Neighbour {
  /** Interface index. */
  readonly ifindex: number;
  /** 4 or 16 bytes, network byte order. */
  readonly address: Uint8Array;
  /** 6 bytes. */
  readonly mac: Uint8Array;
}

/** A neighbour as the kernel has it. */
export interface NeighbourState extends Omit<Neighbour, "mac"> {
  /** Unknown while it is being resolved. */
  readonly mac: Uint8Array | undefined;
  /** Never resolved anew. */
  readonly permanent: boolean;
}

function ndmsg(family: number, ifindex: number, state: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(NDMSG));
  view.setUint8(0, family);
  view.setInt32(4, ifindex, true);
  view.setUint16(8, state, true);
  return new Uint8Array(view.buffer);
}

/**
 * Sets a permanent neighbour, new or not: no ARP and no neighbour discovery for it.
 *
 * @example Usage
 * ```ts
 * import { type Rtnetlink, setNeighbour } from "ebpf-ts-loader/netlink";
 * function pinGateway(netlink: Rtnetlink, ifindex: number, mac: Uint8Array): void {
 *   setNeighbour(netlink, { ifindex, address: Uint8Array.of(169, 254, 1, 1), mac });
 * }
 * ```
 */
export function setNeighbour(netlink: Rtnetlink, { ifindex, address, mac }: Neighbour): void {
  assertIfindex(ifindex);
  assertMac(mac);
  const builder = new MessageBuilder(ndmsg(familyOf(address), ifindex, NUD_PERMANENT))
    .attribute(NDA.DST, address)
    .attribute(NDA.LLADDR, mac);
  netlink.request(RTM.NEWNEIGH, NLM_F.CREATE | NLM_F.REPLACE, builder, {
    action: "set neighbour on",
    subject: `ifindex ${ifindex}`,
  });
}

/**
 * Deletes a neighbour.
 *
 * @throws {NetlinkError} ENOENT if it is not there.
 *
 * @example Usage
 * ```ts
 * import { deleteNeighbour, listNeighbours, type Rtnetlink } from "ebpf-ts-loader/netlink";
 * function forgetAll(netlink: Rtnetlink, ifindex: number): void {
 *   const known = listNeighbours(netlink).filter((each) => each.ifindex === ifindex);
 *   for (const neighbour of known) deleteNeighbour(netlink, neighbour);
 * }
 * ```
 */
export function deleteNeighbour(
  netlink: Rtnetlink,
  { ifindex, address }: Omit<Neighbour, "mac">,
): void {
  assertIfindex(ifindex);
  const builder = new MessageBuilder(ndmsg(familyOf(address), ifindex, 0))
    .attribute(NDA.DST, address);
  netlink.request(RTM.DELNEIGH, 0, builder, {
    action: "delete neighbour on",
    subject: `ifindex ${ifindex}`,
  });
}

/**
 * All neighbours of the namespace, both families.
 *
 * @example Usage
 * ```ts
 * import { listNeighbours, openRtnetlink } from "ebpf-ts-loader/netlink";
 * import { assert } from "@std/assert";
 * using netlink = openRtnetlink();
 * assert(listNeighbours(netlink).every(({ ifindex }) => ifindex > 0));
 * ```
 */
export function listNeighbours(netlink: Rtnetlink): NeighbourState[] {
  return [AF.INET, AF.INET6].flatMap((family) => {
    const payloads = netlink.dump(RTM.GETNEIGH, new MessageBuilder(ndmsg(family, 0, 0)), {
      action: "list",
      subject: "neighbours",
    });
    return payloads.map(parseNeighbour);
  });
}

/** Reads the payload of RTM_NEWNEIGH. */
export function parseNeighbour(payload: Uint8Array): NeighbourState {
  const { fixed, attributes } = parsePayload(payload, NDMSG);
  return {
    ifindex: fixed.getInt32(4, true),
    address: attributes.address(NDA.DST) ?? new Uint8Array(),
    mac: attributes.bytes(NDA.LLADDR)?.slice(),
    permanent: (fixed.getUint16(8, true) & NUD_PERMANENT) !== 0,
  };
}
