import type { IpAddress } from "../cluster/ip_address.ts";
import { ipPrefixOf } from "../cluster/ip_prefix.ts";
import type { IpcacheEntry } from "./ipcache.ts";
import { PrefixTrie } from "./prefix_trie.ts";
import { RESERVED } from "./reserved.ts";

/** Finds identities of addresses in the lines of an IP cache, as a datapath does. */
export class AddressLookup {
  readonly #addresses = new Map<string, number>();
  readonly #blocks = new PrefixTrie<number>();

  constructor(
    lines: Iterable<Pick<IpcacheEntry, "address" | "prefixLength" | "identity">>,
  ) {
    for (const { address, prefixLength, identity } of lines) {
      if (prefixLength === undefined) this.#addresses.set(address.text, identity);
      else this.#blocks.set(ipPrefixOf(address, prefixLength), identity);
    }
  }

  /** The identity of the longest prefix that holds an address; without one, the world's. */
  identityAt(address: IpAddress): number {
    const known = this.#addresses.get(address.text);
    if (known !== undefined) return known;
    const world = address.family === 4 ? RESERVED.WORLD_IPV4 : RESERVED.WORLD_IPV6;
    let identity: number = world;
    for (const [, id] of this.#blocks.covering(ipPrefixOf(address))) identity = id;
    return identity;
  }
}
