import { containsPrefix, type IpPrefix, ipPrefixOf } from "../cluster/ip_prefix.ts";

interface Node<V> {
  readonly prefix: IpPrefix;
  /** Absent in nodes that only fork. */
  value?: { readonly of: V };
  readonly children: [Node<V> | undefined, Node<V> | undefined];
}

/**
 * Values by prefix, as a path-compressed binary trie for each family: what contains a
 * prefix and what a prefix contains is found in as many steps as prefixes lie on the way.
 */
export class PrefixTrie<V> {
  readonly #roots = new Map<4 | 6, Node<V>>();

  /** Returns the value of exactly this prefix. */
  get(prefix: IpPrefix): V | undefined {
    let node = this.#roots.get(prefix.address.family);
    while (node !== undefined && containsPrefix(node.prefix, prefix)) {
      if (node.prefix.length === prefix.length) return node.value?.of;
      node = node.children[bitOf(prefix, node.prefix.length)];
    }
    return undefined;
  }

  /** Adds or replaces the value of a prefix. */
  set(prefix: IpPrefix, value: V): void {
    const { family } = prefix.address;
    this.#roots.set(family, insert(this.#roots.get(family), prefix, { of: value }));
  }

  /** Takes a prefix out; does nothing when it is not there. */
  delete(prefix: IpPrefix): void {
    const { family } = prefix.address;
    const root = remove(this.#roots.get(family), prefix);
    if (root === undefined) this.#roots.delete(family);
    else this.#roots.set(family, root);
  }

  /** The prefixes that contain this one (itself among them), the shortest first. */
  covering(prefix: IpPrefix): [IpPrefix, V][] {
    const found: [IpPrefix, V][] = [];
    let node = this.#roots.get(prefix.address.family);
    while (node !== undefined && containsPrefix(node.prefix, prefix)) {
      if (node.value !== undefined) found.push([node.prefix, node.value.of]);
      node = node.children[bitOf(prefix, node.prefix.length)];
    }
    return found;
  }

  /** The prefixes that this one contains (itself among them), in no order. */
  within(prefix: IpPrefix): [IpPrefix, V][] {
    let node = this.#roots.get(prefix.address.family);
    while (node !== undefined && !containsPrefix(prefix, node.prefix)) {
      if (!containsPrefix(node.prefix, prefix)) return [];
      node = node.children[bitOf(prefix, node.prefix.length)];
    }
    const found: [IpPrefix, V][] = [];
    const open = node === undefined ? [] : [node];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next.value !== undefined) found.push([next.prefix, next.value.of]);
      for (const child of next.children) if (child !== undefined) open.push(child);
    }
    return found;
  }
}

function insert<V>(node: Node<V> | undefined, prefix: IpPrefix, value: { of: V }): Node<V> {
  if (node === undefined) return { prefix, value, children: [undefined, undefined] };
  if (node.prefix.length === prefix.length && containsPrefix(node.prefix, prefix)) {
    node.value = value;
    return node;
  }
  if (containsPrefix(node.prefix, prefix)) {
    const side = bitOf(prefix, node.prefix.length);
    node.children[side] = insert(node.children[side], prefix, value);
    return node;
  }
  const fork: Node<V> = {
    prefix: ipPrefixOf(prefix.address, commonLength(prefix, node.prefix)),
    children: [undefined, undefined],
  };
  fork.children[bitOf(node.prefix, fork.prefix.length)] = node;
  return insert(fork, prefix, value);
}

function remove<V>(node: Node<V> | undefined, prefix: IpPrefix): Node<V> | undefined {
  if (node === undefined || !containsPrefix(node.prefix, prefix)) return node;
  if (node.prefix.length === prefix.length) {
    delete node.value;
  } else {
    const side = bitOf(prefix, node.prefix.length);
    node.children[side] = remove(node.children[side], prefix);
  }
  const [left, right] = node.children;
  if (node.value !== undefined || (left !== undefined && right !== undefined)) return node;
  return left ?? right;
}

/** Length of the longest prefix that contains both. */
function commonLength(a: IpPrefix, b: IpPrefix): number {
  const limit = Math.min(a.length, b.length);
  for (let word = 0; word * 32 < limit; word++) {
    const difference = (a.address.words[word] ?? 0) ^ (b.address.words[word] ?? 0);
    if (difference !== 0) return Math.min(word * 32 + Math.clz32(difference), limit);
  }
  return limit;
}

/** Bit number `at` of the prefix's address, counted from the left. */
function bitOf(prefix: IpPrefix, at: number): 0 | 1 {
  return ((prefix.address.words[at >>> 5] ?? 0) >>> (31 - (at & 31)) & 1) as 0 | 1;
}
