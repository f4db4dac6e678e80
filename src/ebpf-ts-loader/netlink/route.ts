import {
  NLM_F,
  RT_SCOPE,
  RT_TABLE_MAIN,
  RTA,
  RTM,
  RTN_UNICAST,
  RTNH_F_ONLINK,
  RTPROT_STATIC,
} from "./_constants.ts";
import { assertIfindex, assertPrefixLength, familyOf } from "./_checks.ts";
import { MessageBuilder, parsePayload } from "./message.ts";
import type { Rtnetlink } from "./rtnetlink.ts";
import { AF } from "../sys/mod.ts";

/*
 * struct rtmsg: family u8 | destination length u8 | source length u8 | tos u8 |
 *               table u8 | protocol u8 | scope u8 | type u8 | flags u32
 */
const RTMSG = 12;

/** A unicast route of the main table. */
export interface Route {
  /** First address of the destination, 4 or 16 bytes; `0.0.0.0` or `::` with length 0 = default. */
  readonly destination: Uint8Array;
  readonly prefixLength: number;
  /** Interface that leads there. */
  readonly ifindex: number;
  /** Next hop, of the destination's family; absent means a neighbour on the link. */
  readonly gateway?: Uint8Array | undefined;
  /** The gateway is on the link although no route says so. @default {false} */
  readonly onlink?: boolean | undefined;
  /** Lower wins. @default 0 for IPv4, 1024 for IPv6 */
  readonly metric?: number | undefined;
}

function routeMessage(route: Route): MessageBuilder {
  const { destination, prefixLength, ifindex, gateway, onlink, metric } = route;
  assertIfindex(ifindex);
  assertPrefixLength(destination, prefixLength);
  const family = familyOf(destination);
  if (gateway && familyOf(gateway) !== family) {
    throw new TypeError(
      `Cannot use gateway "${gateway}": ${gateway.length} bytes, expected ${destination.length}`,
    );
  }
  const view = new DataView(new ArrayBuffer(RTMSG));
  view.setUint8(0, family);
  view.setUint8(1, prefixLength);
  view.setUint8(4, RT_TABLE_MAIN);
  view.setUint8(5, RTPROT_STATIC);
  view.setUint8(6, gateway || family === AF.INET6 ? RT_SCOPE.UNIVERSE : RT_SCOPE.LINK);
  view.setUint8(7, RTN_UNICAST);
  view.setUint32(8, onlink ? RTNH_F_ONLINK : 0, true);
  const builder = new MessageBuilder(new Uint8Array(view.buffer));
  if (prefixLength > 0) builder.attribute(RTA.DST, destination);
  if (gateway) builder.attribute(RTA.GATEWAY, gateway);
  builder.u32(RTA.OIF, ifindex);
  if (metric !== undefined) builder.u32(RTA.PRIORITY, metric);
  return builder;
}

/**
 * Adds a route to the main table. The interface must be up.
 *
 * @throws {NetlinkError} EEXIST if it is there, ENETUNREACH if the gateway is not on the link.
 */
export function addRoute(netlink: Rtnetlink, route: Route): void {
  netlink.request(RTM.NEWROUTE, NLM_F.CREATE | NLM_F.EXCL, routeMessage(route), {
    action: "add route through",
    subject: `ifindex ${route.ifindex}`,
  });
}

/** Deletes a route of the main table. @throws {NetlinkError} ESRCH if it is not there. */
export function deleteRoute(netlink: Rtnetlink, route: Route): void {
  netlink.request(RTM.DELROUTE, 0, routeMessage(route), {
    action: "delete route through",
    subject: `ifindex ${route.ifindex}`,
  });
}

/** The unicast routes of the main table, both families; multipath routes are left out. */
export function listRoutes(netlink: Rtnetlink): Route[] {
  return [AF.INET, AF.INET6].flatMap((family) => {
    const fixed = new Uint8Array(RTMSG);
    fixed[0] = family;
    const payloads = netlink.dump(RTM.GETROUTE, new MessageBuilder(fixed), {
      action: "list",
      subject: "routes",
    });
    return payloads.map(parseRoute).filter((route) => route !== undefined);
  });
}

/** Reads the payload of RTM_NEWROUTE; `undefined` for what {@linkcode Route} does not describe. */
export function parseRoute(payload: Uint8Array): Route | undefined {
  const { fixed, attributes } = parsePayload(payload, RTMSG);
  const family = fixed.getUint8(0);
  const table = attributes.u32(RTA.TABLE) ?? fixed.getUint8(4);
  const ifindex = attributes.u32(RTA.OIF);
  if (table !== RT_TABLE_MAIN || fixed.getUint8(7) !== RTN_UNICAST || ifindex === undefined) {
    return undefined;
  }
  return {
    destination: attributes.address(RTA.DST) ?? new Uint8Array(family === AF.INET ? 4 : 16),
    prefixLength: fixed.getUint8(1),
    ifindex,
    gateway: attributes.address(RTA.GATEWAY),
    onlink: (fixed.getUint32(8, true) & RTNH_F_ONLINK) !== 0,
    metric: attributes.u32(RTA.PRIORITY) ?? 0,
  };
}
