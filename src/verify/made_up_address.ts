import { type IpAddress, ipAddressFromWords } from "../cluster/ip_address.ts";
import type { ClusterObject, Pod } from "../cluster/object.ts";
import { namedBlocks } from "./named_blocks.ts";

/**
 * Gives a pair of addresses to every pod that has none: one that a workload stands for, or
 * one of a manifest without status. They are unique, and no policy names them alone; within a
 * block they are like any other address of a pod.
 */
export function withAddresses(objects: readonly ClusterObject[]): readonly ClusterObject[] {
  const taken = new Set(namedBlocks(objects).map(({ address }) => address.text));
  for (const object of objects) {
    if (object.kind === "Pod") { for (const { text } of object.addresses) taken.add(text); }
  }
  let next = 1;
  const free = (family: 4 | 6): IpAddress => {
    for (;;) {
      const address = madeUpAddress(family, next++);
      if (!taken.has(address.text)) return address;
    }
  };
  return objects.map((object) =>
    isHomeless(object) ? { ...object, addresses: [free(4), free(6)] } : object
  );
}

function isHomeless(object: ClusterObject): object is Pod {
  return object.kind === "Pod" && !object.hostNetwork && !object.terminated &&
    object.addresses.length === 0;
}

/** Addresses for benchmarks (RFC 2544), and unique local ones. */
function madeUpAddress(family: 4 | 6, number: number): IpAddress {
  return family === 4
    ? ipAddressFromWords(4, [(0xc6120000 + number) >>> 0, 0, 0, 0])
    : ipAddressFromWords(6, [0xfdc61200, 0, 0, number]);
}
