import { NLM_F, RTM, TCA, TCA_BPF, TCA_BPF_FLAG_ACT_DIRECT } from "./_constants.ts";
import { assertIfindex } from "./_checks.ts";
import { MessageBuilder, parsePayload } from "./message.ts";
import { NetlinkError } from "./netlink_error.ts";
import type { Rtnetlink } from "./rtnetlink.ts";

// struct tcmsg: family u8 | pad u8 | pad u16 | ifindex i32 | handle u32 | parent u32 | info u32
const TCMSG = 20;

const CLSACT_HANDLE = 0xffff_0000;
const CLSACT_PARENT = 0xffff_fff1;
const PARENT = { ingress: 0xffff_fff2, egress: 0xffff_fff3 } as const;
/** ETH_P_ALL in network byte order: packets of every protocol. */
const ALL_PROTOCOLS_BE = 0x0300;
const MAX_PRIORITY = 0xffff;

/** Where a filter of a clsact qdisc stands. */
export interface BpfFilterPlace {
  /** Interface index. */
  readonly ifindex: number;
  /** Direction seen from the interface. */
  readonly direction: "ingress" | "egress";
  /** 1 to 65535; lower ones run first. */
  readonly priority: number;
  /** Tells filters of one priority apart; not 0. @default {1} */
  readonly handle?: number | undefined;
}

/** A cls_bpf filter with "direct action", as the kernel has it. */
export interface BpfFilter extends Required<BpfFilterPlace> {
  /** Id of the program. Requires Linux 4.13; else 0. */
  readonly programId: number;
  /** What it was named when it was made, as a rule after the program. */
  readonly name: string;
}

function tcmsg(ifindex: number, handle: number, parent: number, info: number): Uint8Array {
  assertIfindex(ifindex);
  const view = new DataView(new ArrayBuffer(TCMSG));
  view.setInt32(4, ifindex, true);
  view.setUint32(8, handle, true);
  view.setUint32(12, parent, true);
  view.setUint32(16, info, true);
  return new Uint8Array(view.buffer);
}

function filterMessage(place: BpfFilterPlace): MessageBuilder {
  const { ifindex, direction, priority, handle = 1 } = place;
  if (!Number.isInteger(priority) || priority < 1 || priority > MAX_PRIORITY) {
    throw new RangeError(
      `Cannot use priority "${priority}": out of range, expected 1 to ${MAX_PRIORITY}`,
    );
  }
  if (!Number.isInteger(handle) || handle < 1 || handle > 0xffff_ffff) {
    throw new RangeError(`Cannot use handle "${handle}": out of range, expected 1 to 2³² − 1`);
  }
  const info = priority * 0x10000 + ALL_PROTOCOLS_BE;
  return new MessageBuilder(tcmsg(ifindex, handle, PARENT[direction], info)).string(
    TCA.KIND,
    "bpf",
  );
}

const subjectOf = ({ ifindex, direction, priority }: BpfFilterPlace) =>
  `ifindex ${ifindex} ${direction}, priority ${priority}`;

/**
 * Gives an interface the qdisc that filters of both directions hang on; false if it had it. It
 * costs a packet nothing while it has no filters. Requires Linux 4.5.
 *
 * @throws {NetlinkError} EPERM without CAP_NET_ADMIN, ENODEV.
 *
 * @example Usage
 * ```ts ignore
 * import { addClsact, createVeth, findLink, openRtnetlink } from "ebpf-ts-loader/netlink";
 * import { createNetns } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * using netns = createNetns();
 * using netlink = openRtnetlink(netns);
 * createVeth(netlink, { name: "a", peer: { name: "b" } });
 * const ifindex = findLink(netlink, "a")?.ifindex ?? 0;
 * assertEquals([addClsact(netlink, ifindex), addClsact(netlink, ifindex)], [true, false]);
 * ```
 */
export function addClsact(netlink: Rtnetlink, ifindex: number): boolean {
  const builder = new MessageBuilder(tcmsg(ifindex, CLSACT_HANDLE, CLSACT_PARENT, 0))
    .string(TCA.KIND, "clsact");
  try {
    netlink.request(RTM.NEWQDISC, NLM_F.CREATE | NLM_F.EXCL, builder, {
      action: "add clsact to",
      subject: `ifindex ${ifindex}`,
    });
    return true;
  } catch (error) {
    if (error instanceof NetlinkError && error.code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Takes the clsact qdisc away, with all its filters, whoever made them.
 *
 * @throws {NetlinkError} EINVAL or ENOENT if there is none.
 *
 * @example Usage
 * ```ts
 * import { deleteClsact, openRtnetlink } from "ebpf-ts-loader/netlink";
 * function removeAllFilters(ifindex: number): void {
 *   using netlink = openRtnetlink();
 *   deleteClsact(netlink, ifindex);
 * }
 * ```
 */
export function deleteClsact(netlink: Rtnetlink, ifindex: number): void {
  const builder = new MessageBuilder(tcmsg(ifindex, CLSACT_HANDLE, CLSACT_PARENT, 0));
  netlink.request(RTM.DELQDISC, 0, builder, {
    action: "delete clsact from",
    subject: `ifindex ${ifindex}`,
  });
}

/** What {@linkcode setBpfFilter} sets. */
export interface BpfFilterOptions extends BpfFilterPlace {
  /** Descriptor of a tc program; the filter holds the program on its own. */
  readonly programFd: number;
  /** Shown by `tc filter show`. */
  readonly name: string;
  /** `create` fails with EEXIST if the place is taken; `replace` swaps at once. */
  readonly mode: "create" | "replace";
}

/**
 * Makes or replaces a filter that runs a BPF program and takes its return value as the verdict
 * (direct action). The interface needs {@linkcode addClsact} first. The filter stays until it, the
 * qdisc or the interface is deleted, also beyond the end of the process.
 *
 * @throws {NetlinkError} EEXIST, EINVAL (no clsact, or not a tc program).
 *
 * @example Usage
 * ```ts
 * import { addClsact, openRtnetlink, setBpfFilter } from "ebpf-ts-loader/netlink";
 * function attach(ifindex: number, programFd: number): void {
 *   using netlink = openRtnetlink();
 *   addClsact(netlink, ifindex);
 *   const place = { ifindex, direction: "ingress", priority: 1 } as const;
 *   setBpfFilter(netlink, { ...place, programFd, name: "firewall", mode: "create" });
 * }
 * ```
 */
export function setBpfFilter(netlink: Rtnetlink, options: BpfFilterOptions): void {
  const { programFd, name, mode } = options;
  const builder = filterMessage(options).nested(
    TCA.OPTIONS,
    (inner) =>
      inner.u32(TCA_BPF.FD, programFd)
        .string(TCA_BPF.NAME, name)
        .u32(TCA_BPF.FLAGS, TCA_BPF_FLAG_ACT_DIRECT),
  );
  const flags = NLM_F.CREATE | (mode === "create" ? NLM_F.EXCL : NLM_F.REPLACE);
  netlink.request(RTM.NEWTFILTER, flags, builder, {
    action: "set BPF filter on",
    subject: subjectOf(options),
  });
}

/**
 * Deletes a filter.
 *
 * @throws {NetlinkError} ENOENT if it is not there, EINVAL if the qdisc is not.
 *
 * @example Usage
 * ```ts
 * import { type BpfFilter, deleteBpfFilter, openRtnetlink } from "ebpf-ts-loader/netlink";
 * function remove(filter: BpfFilter): void {
 *   using netlink = openRtnetlink();
 *   deleteBpfFilter(netlink, filter);
 * }
 * ```
 */
export function deleteBpfFilter(netlink: Rtnetlink, place: BpfFilterPlace): void {
  netlink.request(RTM.DELTFILTER, 0, filterMessage(place), {
    action: "delete BPF filter from",
    subject: subjectOf(place),
  });
}

/**
 * The BPF filters of an interface's clsact qdisc with direct action, in the order they run; none
 * if it has no such qdisc.
 *
 * @example Usage
 * ```ts
 * import { listBpfFilters, openRtnetlink } from "ebpf-ts-loader/netlink";
 * import { assertEquals } from "@std/assert";
 * using netlink = openRtnetlink();
 * const LOOPBACK = 1;
 * assertEquals(listBpfFilters(netlink, LOOPBACK, "egress").every(({ name }) => name === ""), true);
 * ```
 */
export function listBpfFilters(
  netlink: Rtnetlink,
  ifindex: number,
  direction: BpfFilterPlace["direction"],
): BpfFilter[] {
  const payloads = netlink.dump(
    RTM.GETTFILTER,
    new MessageBuilder(tcmsg(ifindex, 0, PARENT[direction], 0)),
    { action: "list filters of", subject: `ifindex ${ifindex} ${direction}` },
  );
  return payloads.map(parseBpfFilter).filter((filter) => filter !== undefined)
    .sort((a, b) => a.priority - b.priority);
}

/** Reads the payload of RTM_NEWTFILTER; `undefined` for what {@linkcode BpfFilter} is not. */
export function parseBpfFilter(payload: Uint8Array): BpfFilter | undefined {
  const { fixed, attributes } = parsePayload(payload, TCMSG);
  const parent = fixed.getUint32(12, true);
  const handle = fixed.getUint32(8, true);
  const direction = parent === PARENT.ingress
    ? "ingress"
    : parent === PARENT.egress
    ? "egress"
    : undefined;
  // The head of each chain is listed too, with handle 0.
  if (!direction || handle === 0 || attributes.string(TCA.KIND) !== "bpf") return undefined;
  const options = attributes.nested(TCA.OPTIONS);
  if (((options.u32(TCA_BPF.FLAGS) ?? 0) & TCA_BPF_FLAG_ACT_DIRECT) === 0) return undefined;
  return {
    ifindex: fixed.getInt32(4, true),
    direction,
    priority: fixed.getUint32(16, true) >>> 16,
    handle,
    programId: options.u32(TCA_BPF.ID) ?? 0,
    name: options.string(TCA_BPF.NAME) ?? "",
  };
}
