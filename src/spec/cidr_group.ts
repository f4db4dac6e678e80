import type { IpPrefix } from "../cluster/ip_prefix.ts";
import type { CiliumCidrGroup, ClusterObject } from "../cluster/object.ts";
import type { CidrSetItem } from "../cluster/rule_peer.ts";
import { holdsFor } from "./select.ts";

/** The CiliumCIDRGroups of a cluster. */
export function groupsOf(objects: readonly ClusterObject[]): CiliumCidrGroup[] {
  return objects.filter((object) => object.kind === "CiliumCIDRGroup");
}

/** The blocks that a set stands for, before its exceptions. */
export function blocksOf(set: CidrSetItem, objects: readonly ClusterObject[]): IpPrefix[] {
  if ("cidr" in set) return [set.cidr];
  return groupsOf(objects)
    .filter((group) =>
      "cidrGroupRef" in set
        ? group.name === set.cidrGroupRef
        : holdsFor(set.cidrGroupSelector, group.labels)
    )
    .flatMap(({ cidrs }) => cidrs);
}
