/**
 * Labels of source `cidr`, `cidrgroup` and `fqdn`, which addresses have and pods have not. A
 * selector sees them only where it asks for them.
 *
 * What is outside has the label of *one* block, the longest that any rule in force names
 * around it, and through that of every block around that one; an address around which no rule
 * names a block has none (cilium v1.19 pkg/labels/cidr.go, `GetCIDRLabels`, and
 * pkg/ipcache/metadata.go, `mergeParentLabels`). So a selector of blocks says nothing of
 * itself: it picks among what other rules name.
 *
 * @module
 */
import type { IpAddress } from "../cluster/ip_address.ts";
import { type IpPrefix, ipPrefixOf, parseIpPrefix } from "../cluster/ip_prefix.ts";
import type { ClusterObject } from "../cluster/object.ts";
import type { TrafficRule } from "../cluster/rule.ts";
import type { FqdnSelector } from "../cluster/rule_peer.ts";
import { isInBlock } from "./address.ts";
import { blocksOf, groupsOf } from "./cidr_group.ts";
import { rulesOf } from "./cilium_policy.ts";
import { coversName } from "./dns_name.ts";
import type { SideFlow } from "./flow.ts";
import { typesOf } from "./network_policy.ts";
import type { AddressLabels, Seen } from "./select.ts";
import { addressesBehind } from "./service.ts";

const DIRECTIONS = ["ingress", "egress"] as const;

/** Says which labels the other end of a flow has for its address. */
export function addressLabels(
  { peer, reserved }: Seen,
  { objects, names, cidrMatchMode }: Pick<SideFlow, "objects" | "names" | "cidrMatchMode">,
): AddressLabels {
  return {
    hasBlock(text) {
      const block = parseIpPrefix(text);
      return own().some(({ address, length }) =>
        length >= block.length && isInBlock(block, address)
      );
    },
    hasName(name) {
      if (peer.kind !== "address" || !isNameUsed(name, objects)) return false;
      return [...names].some(([answered, addresses]) =>
        coversName({ matchName: name }, answered) &&
        addresses.some(({ text }) => text === peer.address.text)
      );
    },
    groupLabel: (key) => peer.kind === "address" ? groupLabel(key, peer.address) : undefined,
  };

  /** Blocks of the labels that the end itself has. */
  function own(): readonly IpPrefix[] {
    if (peer.kind === "address") return longest(peer.address);
    if (peer.kind !== "node" || !cidrMatchMode.includes("nodes")) return [];
    const { addresses, address } = peer;
    // The host is one identity, at all of its addresses.
    if (reserved.includes("host")) return addresses.map((one) => ipPrefixOf(one));
    return address === undefined ? [] : [ipPrefixOf(address)];
  }

  function longest(address: IpAddress): readonly IpPrefix[] {
    const around = [...namedBlocks(objects)]
      .filter((block) => block.length > 0 && isInBlock(block, address));
    return around.toSorted((a, b) => b.length - a.length).slice(0, 1);
  }

  /** The longest block counts, then the group that is first by name. */
  function groupLabel(key: string, address: IpAddress): string | undefined {
    const said = groupsOf(objects).flatMap(({ name, labels, cidrs }) => {
      const value = key === `io.cilium.policy.cidrgroupname/${name}` ? "" : labels.get(key);
      if (value === undefined) return [];
      return cidrs.filter((block) => block.length > 0 && isInBlock(block, address))
        .map(({ length }) => ({ length, name, value }));
    });
    const [first] = said.sort((a, b) => b.length - a.length || (a.name < b.name ? -1 : 1));
    return first?.value;
  }
}

/** Every block that a rule of any policy names, for whomever it is. */
function* namedBlocks(objects: readonly ClusterObject[]): Generator<IpPrefix> {
  for (const { cidrs = [], cidrSets = [], services = [] } of ciliumRules(objects)) {
    yield* cidrs;
    for (const set of cidrSets) {
      const blocks = blocksOf(set, objects);
      yield* blocks;
      if (blocks.length > 0) yield* set.except;
    }
    for (const service of services) {
      for (const address of addressesBehind(service, objects)) yield ipPrefixOf(address);
    }
  }
  for (const object of objects) {
    if (object.kind === "NetworkPolicy") {
      for (const direction of typesOf(object)) {
        for (const { peers = [] } of object[direction] ?? []) {
          for (const peer of peers) {
            if ("ipBlock" in peer) yield* [peer.ipBlock.cidr, ...peer.ipBlock.except];
          }
        }
      }
    } else if (object.kind === "ClusterNetworkPolicy") {
      for (const { peers } of [...object.ingress, ...object.egress]) {
        for (const peer of peers) if ("networks" in peer) yield* peer.networks;
      }
    }
  }
}

/** Does a rule of any policy name exactly this DNS name? */
function isNameUsed(name: string, objects: readonly ClusterObject[]): boolean {
  const asked: FqdnSelector[] = ciliumRules(objects).flatMap(({ fqdns = [] }) => fqdns);
  for (const object of objects) {
    if (object.kind !== "ClusterNetworkPolicy") continue;
    for (const { peers } of [...object.ingress, ...object.egress]) {
      for (const peer of peers) {
        if (!("domainNames" in peer)) continue;
        asked.push(...peer.domainNames.map((matchName) => ({ matchName })));
      }
    }
  }
  return asked.some((selector) => {
    const text = "matchName" in selector ? selector.matchName : selector.matchPattern;
    return !text.includes("*") && coversName({ matchName: text }, name);
  });
}

function ciliumRules(objects: readonly ClusterObject[]): TrafficRule[] {
  return objects.flatMap((object) => {
    if (
      object.kind !== "CiliumNetworkPolicy" && object.kind !== "CiliumClusterwideNetworkPolicy"
    ) return [];
    return object.specs.flatMap((spec) => DIRECTIONS.flatMap((d) => rulesOf(spec, d)))
      .map(({ rule }) => rule);
  });
}
