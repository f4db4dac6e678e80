import { type IpPrefix, ipPrefixOf } from "../cluster/ip_prefix.ts";
import type { NodeState } from "../datapath/datapath.ts";
import { addressBits, addressNumber, addressOfBytes, type Family, lastAddress } from "./address.ts";
import { type Interval, Partition } from "./partition.ts";

/** What may treat addresses differently. */
export interface AddressBoundaries {
  readonly node: Pick<NodeState, "endpoints" | "ipcache">;
  /** Blocks and addresses that objects name, on top of those of the IP cache. */
  readonly blocks?: Iterable<IpPrefix>;
}

/** The addresses of a family, cut at every boundary of the tables and of the text. */
export function addressPartition(
  { node, blocks = [] }: AddressBoundaries,
  family: Family,
): Partition {
  const ranges: Interval[] = [];
  const cut = ({ address, length }: IpPrefix) => {
    if (address.family !== family) return;
    const first = addressNumber(address);
    ranges.push({ first, last: first + (1n << BigInt(addressBits(family) - length)) - 1n });
  };
  for (const { address, prefixLength } of node.ipcache) {
    cut(ipPrefixOf(addressOfBytes(address), prefixLength));
  }
  for (const { ipv4, ipv6 } of node.endpoints) {
    const bytes = family === 4 ? ipv4 : ipv6;
    if (bytes !== undefined) cut(ipPrefixOf(addressOfBytes(bytes)));
  }
  for (const block of blocks) cut(block);
  return new Partition(lastAddress(family), ranges);
}
