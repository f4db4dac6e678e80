import type { IcmpField, IcmpRule } from "../rule_peer.ts";
import type { Cursor } from "./cursor.ts";
import { itemsUpTo, MAX_PORTS } from "./limits.ts";
import { nearest, type Schema } from "./schema.ts";

const FIELD_SCHEMA: Schema = { family: {}, type: {} };

/** Fields of one item of `icmps`. */
export const ICMP_SCHEMA: Schema = { fields: { list: true, fields: FIELD_SCHEMA } };

/** Names of types as Cilium knows them (cilium/cilium pkg/policy/api/icmp.go). */
const TYPES_V4: ReadonlyMap<string, number> = new Map([
  ["EchoReply", 0],
  ["DestinationUnreachable", 3],
  ["Redirect", 5],
  ["Echo", 8],
  ["EchoRequest", 8],
  ["RouterAdvertisement", 9],
  ["RouterSelection", 10],
  ["TimeExceeded", 11],
  ["ParameterProblem", 12],
  ["Timestamp", 13],
  ["TimestampReply", 14],
  ["Photuris", 40],
  ["ExtendedEchoRequest", 42],
  ["ExtendedEchoReply", 43],
]);

/** The same for ICMPv6. */
const TYPES_V6: ReadonlyMap<string, number> = new Map([
  ["DestinationUnreachable", 1],
  ["PacketTooBig", 2],
  ["TimeExceeded", 3],
  ["ParameterProblem", 4],
  ["EchoRequest", 128],
  ["EchoReply", 129],
  ["MulticastListenerQuery", 130],
  ["MulticastListenerReport", 131],
  ["MulticastListenerDone", 132],
  ["RouterSolicitation", 133],
  ["RouterAdvertisement", 134],
  ["NeighborSolicitation", 135],
  ["NeighborAdvertisement", 136],
  ["RedirectMessage", 137],
  ["RouterRenumbering", 138],
  ["ICMPNodeInformationQuery", 139],
  ["ICMPNodeInformationResponse", 140],
  ["InverseNeighborDiscoverySolicitation", 141],
  ["InverseNeighborDiscoveryAdvertisement", 142],
  ["HomeAgentAddressDiscoveryRequest", 144],
  ["HomeAgentAddressDiscoveryReply", 145],
  ["MobilePrefixSolicitation", 146],
  ["MobilePrefixAdvertisement", 147],
  ["DuplicateAddressRequestCodeSuffix", 157],
  ["DuplicateAddressConfirmationCodeSuffix", 158],
  ["ExtendedEchoRequest", 160],
  ["ExtendedEchoReply", 161],
]);

/** Reads an item of `icmps`: 1 to 40 types. */
export function readIcmpRule(field: Cursor): IcmpRule {
  const list = field.fields(ICMP_SCHEMA).get("fields") ??
    field.fail("has no fields", "fields with at least one type");
  return { fields: itemsUpTo(list, MAX_PORTS, "ICMP type").map(readField) };
}

function readField(field: Cursor): IcmpField {
  const fields = field.fields(FIELD_SCHEMA);
  const familyField = fields.get("family");
  const family = familyField?.oneOf(["IPv4", "IPv6"]) === "IPv6" ? 6 : 4;
  const typeField = fields.get("type") ?? field.fail("has no type", "a number or a name");
  return { family, type: readType(typeField, family) };
}

function readType(field: Cursor, family: 4 | 6): number {
  const text = field.stringOrNumber();
  if (/^(0|[1-9][0-9]{0,2})$/.test(text) && Number(text) <= 255) return Number(text);
  const names = family === 4 ? TYPES_V4 : TYPES_V6;
  const type = names.get(text);
  if (type !== undefined) return type;
  const other = (family === 4 ? TYPES_V6 : TYPES_V4).has(text)
    ? `, a type of IPv${family === 4 ? 6 : 4} only`
    : "";
  field.fail(
    `is ${JSON.stringify(text)}${other}`,
    `0 to 255 or the name of an ICMP type of IPv${family}`,
    nearest(text, [...names.keys()]),
  );
}
