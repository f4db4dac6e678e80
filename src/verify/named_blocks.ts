import type { IpAddress } from "../cluster/ip_address.ts";
import { type IpPrefix, ipPrefixOf } from "../cluster/ip_prefix.ts";
import type { ClusterObject } from "../cluster/object.ts";

/** Every block and address that the objects name, wherever it stands in them. */
export function namedBlocks(objects: Iterable<ClusterObject>): IpPrefix[] {
  const blocks: IpPrefix[] = [];
  const walk = (value: unknown) => {
    if (typeof value !== "object" || value === null) return;
    if (isPrefix(value)) return void blocks.push(value);
    if (isAddress(value)) return void blocks.push(ipPrefixOf(value));
    for (const inner of value instanceof Map ? value.values() : Object.values(value)) walk(inner);
  };
  for (const object of objects) if (object.kind !== "Pod") walk(object);
  return blocks;
}

function isPrefix(value: object): value is IpPrefix {
  return "address" in value && "length" in value && "text" in value;
}

function isAddress(value: object): value is IpAddress {
  return "family" in value && "words" in value && "text" in value;
}
