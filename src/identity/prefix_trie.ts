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
  /** Nodes that have a value, by the text of their prefix. */
  readonly #exact = new Map<string, Node<V>>();

  /** Returns the value of exactly this prefix. */
  get(prefix: IpPrefix): V | undefined {
    return this.#exact.get(prefix.text)?.value?.of;
  }

  /** Adds or replaces the value of a prefix. */
  set(prefix: IpPrefix, value: V): void {
    const known = this.#exact.get(prefix.text);
    if (known !== undefined) {
      known.value = { of: value };
      return;
    }
    const { family } = prefix.address;
    const node: Node<V> = { prefix, value: { of: value }, children: [undefined, undefined] };
    this.#exact.set(prefix.text, node);
    this.#roots.set(family, insert(this.#roots.get(family), node));
  }

  /** Takes a prefix out; does nothing when it is not there. */
  delete(prefix: IpPrefix): void {
    if (!this.#exact.delete(prefix.text)) return;
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

/** Puts a node with a value where none has one; a node that only forks there gives way. */
function insert<V>(at: Node<V> | undefined, node: Node<V>): Node<V> {
  if (at === undefined) return node;
  if (containsPrefix(at.prefix, node.prefix)) {
    if (at.prefix.length === node.prefix.length) {
      [node.children[0], node.children[1]] = at.children;
      return node;
    }
    const side = bitOf(node.prefix, at.prefix.length);
    at.children[side] = insert(at.children[side], node);
    return at;
  }
  const length = commonLength(node.prefix, at.prefix);
  if (length === node.prefix.length) {
    node.children[bitOf(at.prefix, length)] = at;
    return node;
  }
  const fork: Node<V> = {
    prefix: ipPrefixOf(at.prefix.address, length),
    children: [undefined, undefined],
  };
  fork.children[bitOf(at.prefix, length)] = at;
  fork.children[bitOf(node.prefix, length)] = node;
  return fork;
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
