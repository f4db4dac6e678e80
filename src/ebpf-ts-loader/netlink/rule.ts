import { FR_ACT_TO_TBL, FRA, NLM_F, RTM } from "./_constants.ts";
import { assertName, assertPrefixLength, assertU32, familyOf } from "./_checks.ts";
import { type Attributes, MessageBuilder, parsePayload } from "./message.ts";
import type { Rtnetlink } from "./rtnetlink.ts";
import { AF } from "../sys/mod.ts";

/*
 * struct fib_rule_hdr: family u8 | destination length u8 | source length u8 | tos u8 |
 *                      table u8 | reserved u8 | reserved u8 | action u8 | flags u32
 */
const FIB_RULE_HDR = 12;
const ALL_BITS = 0xffff_ffff;

/** A block of addresses. */
export interface AddressPrefix {
  /** First address, 4 or 16 bytes in network byte order. */
  readonly address: Uint8Array;
  /** Bits that count. */
  readonly prefixLength: number;
}

/** A routing rule that sends packets to a table: `ip rule … lookup TABLE`. All conditions hold. */
export interface Rule {
  /** IP version: rules are kept for each one. */
  readonly family: 4 | 6;
  /** 0 to 2³² − 1; lower ones are asked first. */
  readonly priority: number;
  /** Number of the routing table: 254 is main, 255 local. */
  readonly table: number;
  /** The packet's mark, as far as `mask` goes. @default any */
  readonly mark?: number | undefined;
  /** Bits of the mark that count. @default {0xffffffff} with a mark */
  readonly mask?: number | undefined;
  /** Where the packet comes from. @default anywhere */
  readonly source?: AddressPrefix | undefined;
  /** Where the packet goes to. @default anywhere */
  readonly destination?: AddressPrefix | undefined;
  /** Name of the interface it came in by; the rule may be older than the interface. @default any */
  readonly inputInterface?: string | undefined;
}

function assertPrefix(prefix: AddressPrefix | undefined, family: number): void {
  if (!prefix) return;
  assertPrefixLength(prefix.address, prefix.prefixLength);
  if (familyOf(prefix.address) === family) return;
  throw new TypeError(
    `Cannot use address "${prefix.address}": ${prefix.address.length} bytes, ` +
      `expected ${family === AF.INET ? 4 : 16}`,
  );
}

function ruleMessage(rule: Rule): MessageBuilder {
  const { priority, table, mark, source, destination, inputInterface } = rule;
  const family = rule.family === 4 ? AF.INET : AF.INET6;
  assertPrefix(source, family);
  assertPrefix(destination, family);
  assertU32("priority", priority);
  assertU32("table", table);
  const header = new Uint8Array(FIB_RULE_HDR);
  header.set([family, destination?.prefixLength ?? 0, source?.prefixLength ?? 0]);
  header[7] = FR_ACT_TO_TBL;
  const builder = new MessageBuilder(header)
    .u32(FRA.PRIORITY, priority)
    .u32(FRA.TABLE, table);
  if (mark !== undefined) {
    const mask = rule.mask ?? ALL_BITS;
    assertU32("mark", mark);
    assertU32("mask", mask);
    builder.u32(FRA.FWMARK, mark).u32(FRA.FWMASK, mask);
  } else if (rule.mask !== undefined) {
    throw new TypeError(`Cannot use mask "${rule.mask}": no mark, expected one`);
  }
  if (source) builder.attribute(FRA.SRC, source.address);
  if (destination) builder.attribute(FRA.DST, destination.address);
  if (inputInterface !== undefined) {
    assertName(inputInterface);
    builder.string(FRA.IIFNAME, inputInterface);
  }
  return builder;
}

const subjectOf = ({ family, priority, table }: Rule) =>
  `IPv${family} priority ${priority} to table ${table}`;

/**
 * Adds a routing rule.
 *
 * @throws {NetlinkError} EEXIST if there is the same one.
 *
 * @example Usage
 * ```ts ignore
 * import { addRule, openRtnetlink } from "ebpf-ts-loader/netlink";
 * import { createNetns } from "ebpf-ts-loader/sys";
 * using netns = createNetns();
 * using netlink = openRtnetlink(netns);
 * // ip rule add fwmark 0x200/0xf00 lookup 2004 priority 9
 * addRule(netlink, { family: 4, priority: 9, table: 2004, mark: 0x200, mask: 0xf00 });
 * ```
 */
export function addRule(netlink: Rtnetlink, rule: Rule): void {
  netlink.request(RTM.NEWRULE, NLM_F.CREATE | NLM_F.EXCL, ruleMessage(rule), {
    action: "add rule",
    subject: subjectOf(rule),
  });
}

/**
 * Deletes a routing rule, given as it was added.
 *
 * @throws {NetlinkError} ENOENT if it is not there.
 *
 * @example Usage
 * ```ts
 * import { deleteRule, listRules, openRtnetlink } from "ebpf-ts-loader/netlink";
 * function removeRulesTo(table: number): void {
 *   using netlink = openRtnetlink();
 *   const rules = listRules(netlink).filter((rule) => rule.table === table);
 *   for (const rule of rules) deleteRule(netlink, rule);
 * }
 * ```
 */
export function deleteRule(netlink: Rtnetlink, rule: Rule): void {
  netlink.request(RTM.DELRULE, 0, ruleMessage(rule), {
    action: "delete rule",
    subject: subjectOf(rule),
  });
}

/**
 * The rules of the namespace that send packets to a table, both families, in the order they are
 * asked. Rules with conditions that {@linkcode Rule} cannot tell are left out.
 *
 * @example Usage
 * ```ts
 * import { listRules, openRtnetlink } from "ebpf-ts-loader/netlink";
 * import { assert } from "@std/assert";
 * using netlink = openRtnetlink();
 * const MAIN = 254;
 * assert(listRules(netlink).some(({ table }) => table === MAIN));
 * ```
 */
export function listRules(netlink: Rtnetlink): Rule[] {
  return [AF.INET, AF.INET6].flatMap((family) => {
    const fixed = new Uint8Array(FIB_RULE_HDR);
    fixed[0] = family;
    const payloads = netlink.dump(RTM.GETRULE, new MessageBuilder(fixed), {
      action: "list",
      subject: "rules",
    });
    return payloads.map(parseRule).filter((rule) => rule !== undefined);
  });
}

/** Attributes that say what {@linkcode Rule} can, or nothing that changes what it matches. */
const KNOWN: readonly number[] = [
  FRA.DST,
  FRA.SRC,
  FRA.IIFNAME,
  FRA.PRIORITY,
  FRA.FWMARK,
  FRA.TABLE,
  FRA.FWMASK,
  FRA.SUPPRESS_PREFIXLEN,
  FRA.PAD,
  FRA.PROTOCOL,
];

/** Reads the payload of RTM_NEWRULE; `undefined` for what {@linkcode Rule} does not describe. */
export function parseRule(payload: Uint8Array): Rule | undefined {
  const { fixed, attributes } = parsePayload(payload, FIB_RULE_HDR);
  const family = fixed.getUint8(0);
  const TOS = 3;
  const ACTION = 7;
  const described = attributes.types().every((type) => KNOWN.includes(type)) &&
    fixed.getUint8(TOS) === 0 && fixed.getUint8(ACTION) === FR_ACT_TO_TBL &&
    (family === AF.INET || family === AF.INET6) && !isInverted(fixed) &&
    (attributes.u32(FRA.SUPPRESS_PREFIXLEN) ?? ALL_BITS) === ALL_BITS;
  if (!described) return undefined;
  return {
    family: family === AF.INET ? 4 : 6,
    priority: attributes.u32(FRA.PRIORITY) ?? 0,
    table: attributes.u32(FRA.TABLE) ?? fixed.getUint8(4),
    ...markAndMask(attributes),
    ...prefix("source", attributes, FRA.SRC, fixed.getUint8(2)),
    ...prefix("destination", attributes, FRA.DST, fixed.getUint8(1)),
    ...inputInterface(attributes),
  };
}

const FIB_RULE_INVERT = 2;

function isInverted(fixed: DataView): boolean {
  return (fixed.getUint32(8, true) & FIB_RULE_INVERT) !== 0;
}

/** The kernel leaves out a mark of 0, and both if the mask is 0 too. */
function markAndMask(attributes: Attributes): Pick<Rule, "mark" | "mask"> {
  const mask = attributes.u32(FRA.FWMASK);
  return mask === undefined ? {} : { mark: attributes.u32(FRA.FWMARK) ?? 0, mask };
}

function prefix(
  name: "source" | "destination",
  attributes: Attributes,
  type: number,
  prefixLength: number,
): Pick<Rule, "source" | "destination"> {
  const address = attributes.address(type);
  return address ? { [name]: { address, prefixLength } } : {};
}

function inputInterface(attributes: Attributes): Pick<Rule, "inputInterface"> {
  const name = attributes.string(FRA.IIFNAME);
  return name === undefined ? {} : { inputInterface: name };
}
