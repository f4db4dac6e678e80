/**
 * Where prefixes of addresses branch off, byte by byte: a radix tree that counts them.
 *
 * @module
 */

/** A place where more than one way leads on, or where prefixes end. */
export interface Branch {
  /** The bytes in common, and zeros behind them. */
  readonly address: Uint8Array<ArrayBuffer>;
  /** How many bytes are in common; the byte behind them chooses the way. */
  readonly depth: number;
  /** Prefixes that end in that byte. */
  own: number;
  /** These, and all those further on. */
  total: number;
  /** The ways on, by that byte. */
  readonly children: Ways;
  /** The block that answers here, if there is one. */
  block: number | undefined;
}

/** Branches by the next byte; at the root by the first two. */
export type Ways = Map<number, Branch>;

/** Bytes that the root goes by. */
export const ROOT_BYTES = 2;

/** Bytes of a prefix before the one in which it ends. */
export function depthOf(prefixLength: number): number {
  return prefixLength - 1 >>> 3;
}

/** How many of the first `most` bytes two addresses have in common. */
export function commonBytes(a: Uint8Array, b: Uint8Array, most: number): number {
  for (let i = 0; i < most; i++) if (a[i] !== b[i]) return i;
  return most;
}

/** By what the root knows an address. */
export function rootKey([first = 0, second = 0]: Uint8Array): number {
  return first << 8 | second;
}

/** A tree of prefixes longer than the root's bytes. */
export class PrefixTree {
  /** The ways on from the root. */
  readonly root: Ways = new Map();

  /** Counts a prefix in. */
  add(address: Uint8Array, prefixLength: number): void {
    const depth = depthOf(prefixLength);
    let ways = this.root;
    let way = rootKey(address);
    for (;;) {
      let branch = ways.get(way);
      if (branch === undefined) {
        branch = newBranch(address, depth);
        ways.set(way, branch);
      }
      const common = commonBytes(branch.address, address, Math.min(branch.depth, depth));
      if (common < branch.depth) {
        const fork = newBranch(address, common);
        fork.total = branch.total;
        fork.children.set(branch.address[common] ?? 0, branch);
        ways.set(way, fork);
        branch = fork;
      }
      branch.total++;
      if (branch.depth === depth) {
        branch.own++;
        return;
      }
      ways = branch.children;
      way = address[branch.depth] ?? 0;
    }
  }

  /**
   * Counts out a prefix that was counted in. Returns the branches that are no more, and whose
   * blocks nothing of the tree names.
   */
  remove(address: Uint8Array, prefixLength: number): Branch[] {
    const depth = depthOf(prefixLength);
    const path: { ways: Ways; way: number; branch: Branch }[] = [];
    let ways = this.root;
    let way = rootKey(address);
    for (;;) {
      const branch = ways.get(way);
      if (branch === undefined) throw new TypeError(`Cannot remove /${prefixLength}: not counted`);
      path.push({ ways, way, branch });
      branch.total--;
      if (branch.depth === depth) {
        branch.own--;
        break;
      }
      ways = branch.children;
      way = address[branch.depth] ?? 0;
    }
    const gone: Branch[] = [];
    for (const { ways, way, branch } of path.reverse()) {
      const [only] = branch.children.values();
      if (branch.own > 0 || branch.children.size > 1) break;
      if (only) ways.set(way, only);
      else ways.delete(way);
      gone.push(branch);
      if (only) break;
    }
    return gone;
  }
}

function newBranch(address: Uint8Array, depth: number): Branch {
  const common = new Uint8Array(address.length);
  common.set(address.subarray(0, depth));
  return { address: common, depth, own: 0, total: 0, children: new Map(), block: undefined };
}

/** A branch and all behind it. */
export function* allBehind(branch: Branch): Generator<Branch> {
  yield branch;
  for (const child of branch.children.values()) yield* allBehind(child);
}
