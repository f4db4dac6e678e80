import {
  NLM_F,
  RT_SCOPE,
  RT_TABLE_MAIN,
  RTA,
  RTM,
  RTN,
  RTNH_F_ONLINK,
  RTPROT_STATIC,
} from "./_constants.ts";
import { assertIfindex, assertPrefixLength, assertU32, familyOf } from "./_checks.ts";
import { MessageBuilder, parsePayload } from "./message.ts";
import type { Rtnetlink } from "./rtnetlink.ts";
import { AF } from "../sys/mod.ts";

/*
 * struct rtmsg: family u8 | destination length u8 | source length u8 | tos u8 |
 *               table u8 | protocol u8 | scope u8 | type u8 | flags u32
 */
const RTMSG = 12;

/** A unicast or local route. */
export interface Route {
  /**
   * `local` delivers to this node: with the loopback's index, every packet that the table sees is
   * taken for one's own (transparent proxies). @default {"unicast"}
   */
  readonly type?: "unicast" | "local" | undefined;
  /** Number of the routing table, 1 to 2³² − 1; see {@linkcode addRule}. @default {254}, main */
  readonly table?: number | undefined;
  /** First address of the destination, 4 or 16 bytes; `0.0.0.0` or `::` with length 0 = default. */
  readonly destination: Uint8Array;
  /** Bits of the destination that count. */
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
  const { type = "unicast", table = RT_TABLE_MAIN } = route;
  assertU32("table", table);
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
  view.setUint8(5, RTPROT_STATIC);
  view.setUint8(6, scopeOf(route, family));
  view.setUint8(7, type === "local" ? RTN.LOCAL : RTN.UNICAST);
  view.setUint32(8, onlink ? RTNH_F_ONLINK : 0, true);
  const builder = new MessageBuilder(new Uint8Array(view.buffer));
  if (prefixLength > 0) builder.attribute(RTA.DST, destination);
  if (gateway) builder.attribute(RTA.GATEWAY, gateway);
  builder.u32(RTA.OIF, ifindex).u32(RTA.TABLE, table); // the header's u8 is too small
  if (metric !== undefined) builder.u32(RTA.PRIORITY, metric);
  return builder;
}

function scopeOf({ gateway, type }: Route, family: number): number {
  if (gateway || family === AF.INET6) return RT_SCOPE.UNIVERSE;
  return type === "local" ? RT_SCOPE.HOST : RT_SCOPE.LINK;
}

/**
 * Adds a route. The interface must be up.
 *
 * @throws {NetlinkError} EEXIST if it is there, ENETUNREACH if the gateway is not on the link.
 *
 * @example Usage
 * ```ts
 * import { addRoute, type Rtnetlink } from "ebpf-ts-loader/netlink";
 * // ip route add local default dev lo table 2004
 * function deliverAll(netlink: Rtnetlink, loopback: number): void {
 *   const everything = { destination: new Uint8Array(4), prefixLength: 0 };
 *   addRoute(netlink, { ...everything, type: "local", ifindex: loopback, table: 2004 });
 * }
 * ```
 */
export function addRoute(netlink: Rtnetlink, route: Route): void {
  netlink.request(RTM.NEWROUTE, NLM_F.CREATE | NLM_F.EXCL, routeMessage(route), {
    action: "add route through",
    subject: `ifindex ${route.ifindex}`,
  });
}

/**
 * Deletes a route.
 *
 * @throws {NetlinkError} ESRCH if it is not there.
 *
 * @example Usage
 * ```ts
 * import { deleteRoute, listRoutes, type Rtnetlink } from "ebpf-ts-loader/netlink";
 * function emptyTable(netlink: Rtnetlink, table: number): void {
 *   for (const route of listRoutes(netlink, { table })) deleteRoute(netlink, route);
 * }
 * ```
 */
export function deleteRoute(netlink: Rtnetlink, route: Route): void {
  netlink.request(RTM.DELROUTE, 0, routeMessage(route), {
    action: "delete route through",
    subject: `ifindex ${route.ifindex}`,
  });
}

/** Options of {@linkcode listRoutes}. */
export interface ListRoutesOptions {
  /** Number of the routing table. @default {254}, main */
  readonly table?: number | undefined;
}

/**
 * The unicast and local routes of a table, both families; multipath routes are left out. Fields
 * that have their default are absent, but for `onlink` and `metric`.
 *
 * @example Usage
 * ```ts
 * import { listRoutes, openRtnetlink } from "ebpf-ts-loader/netlink";
 * import { assert } from "@std/assert";
 * using netlink = openRtnetlink();
 * const LOCAL = 255;
 * assert(listRoutes(netlink, { table: LOCAL }).every(({ type }) => type === "local"));
 * ```
 */
export function listRoutes(netlink: Rtnetlink, options: ListRoutesOptions = {}): Route[] {
  const { table = RT_TABLE_MAIN } = options;
  return [AF.INET, AF.INET6].flatMap((family) => {
    const fixed = new Uint8Array(RTMSG);
    fixed[0] = family;
    const payloads = netlink.dump(RTM.GETROUTE, new MessageBuilder(fixed), {
      action: "list",
      subject: "routes",
    });
    return payloads.map(parseRoute)
      .filter((route) => route !== undefined)
      .filter((route) => (route.table ?? RT_TABLE_MAIN) === table);
  });
}

/** Reads the payload of RTM_NEWROUTE; `undefined` for what {@linkcode Route} does not describe. */
export function parseRoute(payload: Uint8Array): Route | undefined {
  const { fixed, attributes } = parsePayload(payload, RTMSG);
  const family = fixed.getUint8(0);
  const table = attributes.u32(RTA.TABLE) ?? fixed.getUint8(4);
  const ifindex = attributes.u32(RTA.OIF);
  const type = fixed.getUint8(7);
  if ((type !== RTN.UNICAST && type !== RTN.LOCAL) || ifindex === undefined) return undefined;
  return {
    ...(type === RTN.LOCAL ? { type: "local" } : {}),
    ...(table === RT_TABLE_MAIN ? {} : { table }),
    destination: attributes.address(RTA.DST) ?? new Uint8Array(family === AF.INET ? 4 : 16),
    prefixLength: fixed.getUint8(1),
    ifindex,
    gateway: attributes.address(RTA.GATEWAY),
    onlink: (fixed.getUint32(8, true) & RTNH_F_ONLINK) !== 0,
    metric: attributes.u32(RTA.PRIORITY) ?? 0,
  };
}
