import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  allBehind,
  type Branch,
  commonBytes,
  depthOf,
  PrefixTree,
} from "../../src/datapath/prefix_tree.ts";
import { seeded } from "./_map_state.ts";

const BYTES = 6;

interface Prefix {
  readonly address: Uint8Array<ArrayBuffer>;
  readonly length: number;
}

/** Few values in each byte, so that prefixes have much in common. */
const prefix: fc.Arbitrary<Prefix> = fc.record({
  address: fc.array(fc.nat(2), { minLength: BYTES, maxLength: BYTES })
    .map((bytes) => Uint8Array.from(bytes)),
  length: fc.integer({ min: 17, max: BYTES * 8 }),
});

function branchesOf(tree: PrefixTree): Branch[] {
  return [...tree.root.values()].flatMap((branch) => [...allBehind(branch)]);
}

/** What a tree of these prefixes must look like, told without a tree. */
function mustHold(tree: PrefixTree, prefixes: readonly Prefix[]): void {
  const branches = branchesOf(tree);
  for (const { address, depth, own, total, children } of branches) {
    const inside = prefixes.filter((one) =>
      depthOf(one.length) >= depth && commonBytes(one.address, address, depth) === depth
    );
    assertEquals(total, inside.length);
    assertEquals(own, inside.filter(({ length }) => depthOf(length) === depth).length);
    assertEquals(own > 0 || children.size > 1, true, "a branch that nothing needs");
    for (const [way, child] of children) assertEquals(child.address[depth], way);
  }
  assertEquals(branches.reduce((sum, { own }) => sum + own, 0), prefixes.length);
}

Deno.test("PrefixTree has a branch where prefixes part or end, and nowhere else", () => {
  fc.assert(
    fc.property(fc.array(prefix, { maxLength: 40 }), fc.array(fc.nat()), (prefixes, picks) => {
      const tree = new PrefixTree();
      for (const { address, length } of prefixes) tree.add(address, length);
      mustHold(tree, prefixes);
      const left = [...prefixes];
      for (const pick of picks) {
        const [one] = left.splice(pick % Math.max(left.length, 1), 1);
        if (!one) break;
        const before = branchesOf(tree);
        const gone = tree.remove(one.address, one.length);
        assertEquals(new Set([...branchesOf(tree), ...gone]), new Set(before));
        mustHold(tree, left);
      }
    }),
    seeded(200),
  );
});

Deno.test("PrefixTree.remove() refuses what was not counted", () => {
  assertThrows(() => new PrefixTree().remove(new Uint8Array(BYTES), 24), TypeError, "/24");
});
