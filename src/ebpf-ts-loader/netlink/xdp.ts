import { IFLA, IFLA_XDP, RTM, XDP_ATTACHED } from "./_constants.ts";
import { assertIfindex } from "./_checks.ts";
import { MessageBuilder, parsePayload } from "./message.ts";
import type { Rtnetlink } from "./rtnetlink.ts";

const IFINFOMSG = 16;

/** The XDP programs of an interface, by where they run; at most one in each place. */
export interface XdpState {
  /** Id of the program in the driver, before the kernel makes a packet buffer. */
  readonly native: number | undefined;
  /** Id of the program behind the driver, for any interface. */
  readonly generic: number | undefined;
  /** Id of the program inside the network card. */
  readonly offload: number | undefined;
}

/**
 * Reads which XDP programs an interface has, however they were attached.
 *
 * @throws {NetlinkError} ENODEV.
 *
 * @example Usage
 * ```ts
 * import { openRtnetlink, readXdp } from "ebpf-ts-loader/netlink";
 * import { assertEquals } from "@std/assert";
 * using netlink = openRtnetlink();
 * const LOOPBACK = 1;
 * assertEquals(readXdp(netlink, LOOPBACK).offload, undefined);
 * ```
 */
export function readXdp(netlink: Rtnetlink, ifindex: number): XdpState {
  assertIfindex(ifindex);
  const request = new DataView(new ArrayBuffer(IFINFOMSG));
  request.setInt32(4, ifindex, true);
  const payload = netlink.get(RTM.GETLINK, new MessageBuilder(new Uint8Array(request.buffer)), {
    action: "read XDP of",
    subject: `ifindex ${ifindex}`,
  });
  return parseXdp(payload);
}

/** Reads the payload of RTM_NEWLINK. */
export function parseXdp(payload: Uint8Array): XdpState {
  const xdp = parsePayload(payload, IFINFOMSG).attributes.nested(IFLA.XDP);
  const attached = xdp.u8(IFLA_XDP.ATTACHED);
  // With programs in several places, PROG_ID is left out.
  const only = (place: number) => attached === place ? xdp.u32(IFLA_XDP.PROG_ID) : undefined;
  return {
    native: xdp.u32(IFLA_XDP.DRV_PROG_ID) ?? only(XDP_ATTACHED.DRV),
    generic: xdp.u32(IFLA_XDP.SKB_PROG_ID) ?? only(XDP_ATTACHED.SKB),
    offload: xdp.u32(IFLA_XDP.HW_PROG_ID) ?? only(XDP_ATTACHED.HW),
  };
}
