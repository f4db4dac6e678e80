import type { IpAddress } from "../ip_address.ts";
import type { IpPrefix } from "../ip_prefix.ts";
import type { Node, NodeAddressType } from "../object.ts";
import type { Cursor } from "./cursor.ts";
import { readMetadata } from "./metadata.ts";
import { present } from "./presence.ts";
import { readAddress } from "./read_address.ts";
import { readPrefix } from "./read_cidr.ts";

/** Cilium's agent notes the addresses of `cilium_host` here, in this form or the older one. */
const INTERNAL_IP_ANNOTATIONS = [
  "network.cilium.io/ipv4-cilium-host",
  "network.cilium.io/ipv6-cilium-host",
  "io.cilium.network.ipv4-cilium-host",
  "io.cilium.network.ipv6-cilium-host",
];

/** Types of `status.addresses` that are addresses; the others are host names. */
const ADDRESS_TYPES: readonly NodeAddressType[] = ["InternalIP", "ExternalIP", "CiliumInternalIP"];

/** Reads a Node (`v1`). */
export function readNode(object: Cursor): Node {
  const { location } = object;
  const fields = object.entries();
  const metadata = fields.get("metadata");
  const { name, labels } = readMetadata("Node", object, metadata);
  const spec = present(fields.get("spec"))?.entries();
  const status = present(fields.get("status"))?.entries();
  const annotations = present(metadata?.entries().get("annotations"))?.entries();
  const addresses = [
    ...readAddresses(present(status?.get("addresses"))?.items() ?? [], "address"),
    ...INTERNAL_IP_ANNOTATIONS.flatMap((key) => {
      const field = present(annotations?.get(key));
      return field === undefined
        ? []
        : [{ type: "CiliumInternalIP" as const, address: readAddress(field) }];
    }),
  ];
  return {
    kind: "Node",
    name,
    labels,
    addresses: unique(addresses),
    podCidrs: readPodCidrs(spec),
    location,
  };
}

function readAddresses(items: readonly Cursor[], addressName: string): NodeAddress[] {
  return items.flatMap((item) => {
    const fields = item.entries();
    const text = present(fields.get("type"))?.string();
    const type = ADDRESS_TYPES.find((t) => t === text);
    const address = present(fields.get(addressName));
    return type === undefined || address === undefined
      ? []
      : [{ type, address: readAddress(address) }];
  });
}

type NodeAddress = { readonly type: NodeAddressType; readonly address: IpAddress };

function unique(addresses: readonly NodeAddress[]): NodeAddress[] {
  return [...new Map(addresses.map((a) => [`${a.type} ${a.address.text}`, a])).values()];
}

/** `podCIDR` repeats the first of `podCIDRs`. */
function readPodCidrs(spec: ReadonlyMap<string, Cursor> | undefined): IpPrefix[] {
  const many = present(spec?.get("podCIDRs"))?.items() ?? [];
  const single = present(spec?.get("podCIDR"));
  const all = [...many, ...(single === undefined ? [] : [single])].map(readPrefix);
  return [...new Map(all.map((prefix) => [prefix.text, prefix])).values()];
}
