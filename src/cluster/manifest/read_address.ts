import { type IpAddress, tryParseIpAddress } from "../ip_address.ts";
import type { Cursor } from "./cursor.ts";

/** Reads an address. */
export function readAddress(field: Cursor): IpAddress {
  const text = field.string();
  return tryParseIpAddress(text) ??
    field.fail(`is ${JSON.stringify(text)}`, "an IPv4 or IPv6 address");
}
