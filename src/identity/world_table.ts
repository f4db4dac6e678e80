import type { IpAddress } from "../cluster/ip_address.ts";
import { type IpPrefix, ipPrefixOf } from "../cluster/ip_prefix.ts";
import { canonicalName, type FqdnPattern } from "./fqdn_pattern.ts";
import { CIDR_SCOPE, type Identity } from "./identity.ts";
import { GroupLabels } from "./group_labels.ts";
import type { Ipcache } from "./ipcache.ts";
import { type Label, labelsOf } from "./label.ts";
import { PrefixTrie } from "./prefix_trie.ts";
import { ScopedIdentities } from "./scoped_identities.ts";

interface AddressFacts {
  readonly address: IpAddress;
  /** Names that led to the address. */
  readonly names: Set<string>;
  /** The Kubernetes API is served there. */
  apiServer: boolean;
}

interface PatternUse {
  readonly pattern: FqdnPattern;
  uses: number;
}

const WORLD: Readonly<Record<4 | 6, Label>> = {
  4: { source: "reserved", key: "world-ipv4", value: "" },
  6: { source: "reserved", key: "world-ipv6", value: "" },
};

/**
 * Addresses outside of the cluster and their identities.
 *
 * Every block that a rule names has an identity of its own, the blocks of `except` too:
 * so the longest known block that holds an address decides what the rules say of it. An
 * address that DNS names led to has the identity of *the set of patterns* that match
 * those names (as in Cilium since 1.16) and of the block around it. What nothing is known
 * of is `world-ipv4` or `world-ipv6`, which 0.0.0.0/0 and ::/0 are as well.
 *
 * The label `cidr` is that of the longest block that rules name around an address. Blocks of
 * a CiliumCIDRGroup are among those while a rule refers to the group; labels of the group are
 * what {@linkcode GroupLabels} says.
 *
 * An API server outside of the cluster is part of the world and of `kube-apiserver`.
 */
export class WorldTable {
  readonly #ipcache: Ipcache;
  readonly #identities = new ScopedIdentities(CIDR_SCOPE);
  /** Blocks that rules name, with the number of uses. */
  readonly #blocks = new PrefixTrie<number>();
  readonly #facts = new PrefixTrie<AddressFacts>();
  readonly #addressesOf = new Map<string, readonly IpAddress[]>();
  readonly #patterns = new Map<string, PatternUse>();
  readonly #claims = new Map<string, Identity>();
  readonly #dirty = new Map<string, IpPrefix>();
  /** Labels that CiliumCIDRGroups give to addresses. */
  readonly groups = new GroupLabels((block) => {
    this.#touchWithin(block);
    for (const [inner] of this.#blocks.within(block)) this.#touch(inner);
  });
  #apiServers: readonly IpAddress[] = [];

  constructor(ipcache: Ipcache) {
    this.#ipcache = ipcache;
  }

  /** Notes that a rule names a block. Matched by {@linkcode dropBlock}. */
  useBlock(block: IpPrefix): void {
    const uses = this.#blocks.get(block) ?? 0;
    this.#blocks.set(block, uses + 1);
    if (uses === 0) this.#touchWithin(block);
  }

  /** Notes that a rule does not name the block any more. */
  dropBlock(block: IpPrefix): void {
    const uses = this.#blocks.get(block) ?? 0;
    if (uses > 1) return this.#blocks.set(block, uses - 1);
    this.#blocks.delete(block);
    this.#touchWithin(block);
  }

  /** Notes that a rule names a pattern of DNS names. Matched by {@linkcode dropPattern}. */
  usePattern(pattern: FqdnPattern): void {
    const use = this.#patterns.get(pattern.text);
    if (use !== undefined) use.uses++;
    else this.#patterns.set(pattern.text, { pattern, uses: 1 });
    if (use === undefined) this.#touchNames(pattern);
  }

  /** Notes that a rule does not name the pattern any more. */
  dropPattern(pattern: FqdnPattern): void {
    const use = this.#patterns.get(pattern.text);
    if (use === undefined || --use.uses > 0) return;
    this.#patterns.delete(pattern.text);
    this.#touchNames(pattern);
  }

  /** Notes the addresses that a DNS name leads to now; none when it has been forgotten. */
  setName(written: string, addresses: readonly IpAddress[]): void {
    const name = canonicalName(written);
    for (const address of this.#addressesOf.get(name) ?? []) {
      this.#factsOf(address).names.delete(name);
      this.#touch(ipPrefixOf(address));
    }
    if (addresses.length === 0) this.#addressesOf.delete(name);
    else this.#addressesOf.set(name, addresses);
    for (const address of addresses) {
      this.#factsOf(address).names.add(name);
      this.#touch(ipPrefixOf(address));
    }
  }

  /** Notes where the Kubernetes API is served. */
  setApiServers(addresses: readonly IpAddress[]): void {
    for (const address of this.#apiServers) this.#factsOf(address).apiServer = false;
    for (const address of addresses) this.#factsOf(address).apiServer = true;
    for (const address of [...this.#apiServers, ...addresses]) this.#touch(ipPrefixOf(address));
    this.#apiServers = addresses;
  }

  /** Brings identities and IP cache up to date, and returns which identities came and went. */
  reconcile(): { added: readonly Identity[]; deleted: readonly number[] } {
    for (const prefix of this.#dirty.values()) this.#reconcile(prefix);
    this.#dirty.clear();
    return this.#identities.takeNews();
  }

  #reconcile(prefix: IpPrefix): void {
    const old = this.#claims.get(prefix.text);
    const next = this.#identityOf(prefix);
    if (next === undefined) this.#claims.delete(prefix.text);
    else this.#claims.set(prefix.text, next);
    const owner = `world/${prefix.text}`;
    const { address, length } = prefix;
    const whole = length === (address.family === 4 ? 32 : 128);
    if (next !== undefined && next.id !== old?.id) {
      const block = whole ? {} : { prefixLength: length };
      this.#ipcache.upsert({ address, ...block, identity: next.id, owner, source: "world" });
    } else if (next === undefined && old !== undefined) {
      this.#ipcache.delete(address, owner, whole ? undefined : length);
    }
    if (old !== undefined) this.#identities.release(old);
    const facts = this.#facts.get(prefix);
    if (facts !== undefined && !facts.apiServer && facts.names.size === 0) {
      this.#facts.delete(prefix);
    }
  }

  /** Takes a reference on the identity that a block or address needs, if it needs one. */
  #identityOf(prefix: IpPrefix): Identity | undefined {
    // The whole of a family is the world of that family, which has an identity already.
    if (prefix.length === 0) return undefined;
    const facts = this.#facts.get(prefix);
    const patterns = this.#patternsOf(facts);
    const named = patterns.length > 0 || (facts?.apiServer ?? false);
    const isBlock = this.#blocks.get(prefix) !== undefined || this.groups.has(prefix);
    if (!named && !isBlock) return undefined;
    const { address: { family } } = prefix;
    const [around = ipPrefixOf(prefix.address, 0)] = this.#blocks.covering(prefix).at(-1) ?? [];
    const labels = [...patterns, ...this.groups.labelsAt(prefix)];
    if (around.length > 0) labels.push({ source: "cidr", key: around.text, value: "" });
    labels.push(WORLD[family]);
    if (facts?.apiServer) labels.push({ source: "reserved", key: "kube-apiserver", value: "" });
    return this.#identities.acquire(labelsOf(labels), [around]);
  }

  #patternsOf(facts: AddressFacts | undefined): Label[] {
    if (facts === undefined || facts.names.size === 0) return [];
    const names = [...facts.names];
    return [...this.#patterns.values()].filter(({ pattern }) => names.some(pattern.matches))
      .map(({ pattern: { text } }) => ({ source: "fqdn", key: text, value: "" }));
  }

  #factsOf(address: IpAddress): AddressFacts {
    const prefix = ipPrefixOf(address);
    const known = this.#facts.get(prefix);
    if (known !== undefined) return known;
    const facts: AddressFacts = { address, names: new Set(), apiServer: false };
    this.#facts.set(prefix, facts);
    return facts;
  }

  #touch(prefix: IpPrefix): void {
    this.#dirty.set(prefix.text, prefix);
  }

  #touchWithin(block: IpPrefix): void {
    this.#touch(block);
    for (const [prefix] of this.#facts.within(block)) this.#touch(prefix);
    for (const prefix of this.groups.within(block)) this.#touch(prefix);
  }

  #touchNames({ matches }: FqdnPattern): void {
    for (const [name, addresses] of this.#addressesOf) {
      if (!matches(name)) continue;
      for (const address of addresses) this.#touch(ipPrefixOf(address));
    }
  }
}
