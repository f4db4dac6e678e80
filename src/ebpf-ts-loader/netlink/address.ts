import { IFA, IFA_F, NLM_F, RTM } from "./_constants.ts";
import { assertIfindex, assertPrefixLength, familyOf } from "./_checks.ts";
import { MessageBuilder, parsePayload } from "./message.ts";
import type { Rtnetlink } from "./rtnetlink.ts";
import { AF } from "../sys/mod.ts";

// struct ifaddrmsg: family u8 | prefix length u8 | flags u8 | scope u8 | index u32
const IFADDRMSG = 8;

/** An address of an interface. */
export interface InterfaceAddress {
  /** Interface index. */
  readonly ifindex: number;
  /** 4 or 16 bytes, network byte order. */
  readonly address: Uint8Array;
  /** Bits of the address that name its network. */
  readonly prefixLength: number;
}

/** An address as the kernel has it. */
export interface InterfaceAddressState extends InterfaceAddress {
  /** IPv6: duplicate address detection has not ended, and no packet is sent from it. */
  readonly tentative: boolean;
}

/** Options for {@linkcode addAddress}. */
export interface AddAddressOptions {
  /**
   * Whether IPv6 checks that nobody else has the address, which takes a second or more.
   * @default {true}
   */
  readonly duplicateDetection?: boolean | undefined;
}

function ifaddrmsg(family: number, prefixLength: number, ifindex: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(IFADDRMSG));
  view.setUint8(0, family);
  view.setUint8(1, prefixLength);
  view.setUint32(4, ifindex, true);
  return new Uint8Array(view.buffer);
}

function addressMessage(
  { ifindex, address, prefixLength }: InterfaceAddress,
  flags: number,
): MessageBuilder {
  assertIfindex(ifindex);
  assertPrefixLength(address, prefixLength);
  const builder = new MessageBuilder(ifaddrmsg(familyOf(address), prefixLength, ifindex));
  builder.attribute(IFA.LOCAL, address).attribute(IFA.ADDRESS, address);
  if (flags !== 0) builder.u32(IFA.FLAGS, flags);
  return builder;
}

/**
 * Gives an interface an address.
 *
 * @throws {NetlinkError} EEXIST if it has it.
 *
 * @example Usage
 * ```ts
 * import { addAddress, type Rtnetlink } from "ebpf-ts-loader/netlink";
 * function give(netlink: Rtnetlink, ifindex: number): void {
 *   addAddress(netlink, { ifindex, address: Uint8Array.of(10, 0, 0, 1), prefixLength: 24 });
 * }
 * ```
 */
export function addAddress(
  netlink: Rtnetlink,
  address: InterfaceAddress,
  options: AddAddressOptions = {},
): void {
  const flags = options.duplicateDetection === false ? IFA_F.NODAD : 0;
  netlink.request(RTM.NEWADDR, NLM_F.CREATE | NLM_F.EXCL, addressMessage(address, flags), {
    action: "add address to",
    subject: `ifindex ${address.ifindex}`,
  });
}

/**
 * Takes an address away.
 *
 * @throws {NetlinkError} EADDRNOTAVAIL if it is not there.
 *
 * @example Usage
 * ```ts
 * import { deleteAddress, listAddresses, type Rtnetlink } from "ebpf-ts-loader/netlink";
 * function takeAll(netlink: Rtnetlink, ifindex: number): void {
 *   const own = listAddresses(netlink).filter((address) => address.ifindex === ifindex);
 *   for (const address of own) deleteAddress(netlink, address);
 * }
 * ```
 */
export function deleteAddress(netlink: Rtnetlink, address: InterfaceAddress): void {
  netlink.request(RTM.DELADDR, 0, addressMessage(address, 0), {
    action: "delete address from",
    subject: `ifindex ${address.ifindex}`,
  });
}

/**
 * All addresses of the namespace, both families.
 *
 * @example Usage
 * ```ts
 * import { listAddresses, openRtnetlink } from "ebpf-ts-loader/netlink";
 * import { assert } from "@std/assert";
 * using netlink = openRtnetlink();
 * assert(listAddresses(netlink).every(({ address }) => [4, 16].includes(address.length)));
 * ```
 */
export function listAddresses(netlink: Rtnetlink): InterfaceAddressState[] {
  return [AF.INET, AF.INET6].flatMap((family) => {
    const payloads = netlink.dump(RTM.GETADDR, new MessageBuilder(ifaddrmsg(family, 0, 0)), {
      action: "list",
      subject: "addresses",
    });
    return payloads.map(parseAddress);
  });
}

/** Reads the payload of RTM_NEWADDR. */
export function parseAddress(payload: Uint8Array): InterfaceAddressState {
  const { fixed, attributes } = parsePayload(payload, IFADDRMSG);
  const flags = attributes.u32(IFA.FLAGS) ?? fixed.getUint8(2);
  return {
    ifindex: fixed.getUint32(4, true),
    // Of a point-to-point interface ADDRESS is the peer's, LOCAL one's own.
    address: attributes.address(IFA.LOCAL) ?? attributes.address(IFA.ADDRESS) ?? new Uint8Array(),
    prefixLength: fixed.getUint8(1),
    tentative: (flags & IFA_F.TENTATIVE) !== 0,
  };
}
