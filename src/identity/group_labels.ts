import type { IpPrefix } from "../cluster/ip_prefix.ts";
import type { CiliumCidrGroup } from "../cluster/object.ts";
import { type Label, labelsOf } from "./label.ts";
import { PrefixTrie } from "./prefix_trie.ts";

/** Key of the label that names a group, before its name (cilium/cilium pkg/policy/api/cidr.go). */
export const GROUP_NAME_PREFIX = "io.cilium.policy.cidrgroupname/";

/**
 * Labels of source `cidrgroup` that addresses have: those of the CiliumCIDRGroups whose
 * blocks hold them, and one with the name of each such group. Where two groups say different
 * things, the longer block counts, then the group that comes first by name.
 *
 * Addresses have them only while a selector asks for them: each block costs an identity.
 */
export class GroupLabels {
  readonly #groups = new Map<string, CiliumCidrGroup>();
  readonly #onChange: (block: IpPrefix) => void;
  /** Groups by their blocks; empty while nobody asks. */
  #blocks = new PrefixTrie<readonly CiliumCidrGroup[]>();
  #listed: readonly IpPrefix[] = [];
  #uses = 0;

  /** @param onChange Told of every block inside of which labels may have changed. */
  constructor(onChange: (block: IpPrefix) => void) {
    this.#onChange = onChange;
  }

  /** Notes a group as it is now; `undefined` when it is gone. */
  set(name: string, group: CiliumCidrGroup | undefined): void {
    if (group === undefined) this.#groups.delete(name);
    else this.#groups.set(name, group);
    if (this.#uses > 0) this.#list();
  }

  /** Notes that a selector asks for labels of groups. Matched by {@linkcode dropLabels}. */
  useLabels(): void {
    if (this.#uses++ === 0) this.#list();
  }

  /** Notes that a selector does not ask for labels of groups any more. */
  dropLabels(): void {
    if (--this.#uses === 0) this.#list();
  }

  /** Tells whether a group has exactly this block. */
  has(block: IpPrefix): boolean {
    return this.#blocks.get(block) !== undefined;
  }

  /** The blocks of groups that lie inside of a block. */
  *within(block: IpPrefix): Generator<IpPrefix> {
    for (const [inner] of this.#blocks.within(block)) yield inner;
  }

  /** The labels of what lies at an address or block. */
  labelsAt(prefix: IpPrefix): readonly Label[] {
    const labels: Label[] = [];
    for (const [, groups] of this.#blocks.covering(prefix)) {
      // Of two labels with one key the last stays: the longer block's, then the first group's.
      for (const { name, labels: own } of groups.toReversed()) {
        labels.push({ source: "cidrgroup", key: GROUP_NAME_PREFIX + name, value: "" });
        for (const [key, value] of own) labels.push({ source: "cidrgroup", key, value });
      }
    }
    return labelsOf(labels);
  }

  #list(): void {
    const before = this.#listed;
    const byText = new Map<string, { block: IpPrefix; groups: CiliumCidrGroup[] }>();
    const groups = this.#uses === 0 ? [] : [...this.#groups.values()];
    for (const group of groups.sort((a, b) => a.name < b.name ? -1 : 1)) {
      for (const block of group.cidrs) {
        // The whole of a family is the world, which has an identity already.
        if (block.length === 0) continue;
        const known = byText.get(block.text);
        if (known === undefined) byText.set(block.text, { block, groups: [group] });
        else if (!known.groups.includes(group)) known.groups.push(group);
      }
    }
    this.#blocks = new PrefixTrie();
    for (const { block, groups } of byText.values()) this.#blocks.set(block, groups);
    this.#listed = [...byText.values()].map(({ block }) => block);
    for (const block of [...before, ...this.#listed]) this.#onChange(block);
  }
}
