import { tryParseIpAddress } from "../ip_address.ts";
import { containsPrefix, type IpPrefix, ipPrefixOf, tryParseIpPrefix } from "../ip_prefix.ts";
import type { CidrSetItem } from "../rule_peer.ts";
import type { Cursor } from "./cursor.ts";
import { onlyField } from "./only_field.ts";
import { LABEL_SELECTOR_SCHEMA, readPlainSelector } from "./read_label_selector.ts";
import type { Schema } from "./schema.ts";

/** Fields of one item of `fromCIDRSet` and `toCIDRSet`. */
export const CIDR_SET_SCHEMA: Schema = {
  cidr: {},
  cidrGroupRef: { feature: "CIDR groups" },
  cidrGroupSelector: { feature: "CIDR groups", fields: LABEL_SELECTOR_SCHEMA },
  except: {},
};

const NAMES = ["cidr", "cidrGroupRef", "cidrGroupSelector"] as const;

/** Reads a block, `address/length`. */
export function readPrefix(field: Cursor): IpPrefix {
  const text = field.string();
  return tryParseIpPrefix(text) ??
    field.fail(`is ${JSON.stringify(text)}`, "an address block like 10.0.0.0/8 or fd00::/8");
}

/** Reads an item of `fromCIDR` or `toCIDR`: a block, or one address. */
export function readCidr(field: Cursor): IpPrefix {
  const address = tryParseIpAddress(field.string());
  return address === undefined ? readPrefix(field) : ipPrefixOf(address);
}

/**
 * Reads an item of `fromCIDRSet` or `toCIDRSet`.
 *
 * Every block of `except` lies inside `cidr`. With groups it need not: their blocks are
 * only known later (cilium/cilium pkg/policy/api/rule_validation.go, CIDRRule.Validate).
 */
export function readCidrSetItem(field: Cursor): CidrSetItem {
  const fields = field.fields(CIDR_SET_SCHEMA);
  const [name, found] = onlyField(field, fields, NAMES, `exactly one of ${NAMES.join(", ")}`);
  const exceptions = fields.get("except")?.items() ?? [];
  const except = exceptions.map(readPrefix);
  if (name === "cidrGroupSelector") {
    return { cidrGroupSelector: readPlainSelector(found, "cidrgroup"), except };
  }
  if (name === "cidrGroupRef") return { cidrGroupRef: readGroupName(found), except };
  const cidr = readPrefix(found);
  except.forEach((block, i) => {
    if (!containsPrefix(cidr, block)) {
      exceptions[i]?.fail(`is ${block.text}, outside of ${cidr.text}`, "a block inside of it");
    }
  });
  return { cidr, except };
}

function readGroupName(field: Cursor): string {
  const name = field.string();
  if (name.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)) return name;
  field.fail(`is ${JSON.stringify(name)}`, "the name of a CiliumCIDRGroup");
}
