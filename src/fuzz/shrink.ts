import { VerifierError } from "ebpf-ts-loader";
import type { NodeState } from "../datapath/datapath.ts";
import { differencesOf } from "./lockstep.ts";
import { minimise } from "./minimise.ts";
import type { FuzzPacket } from "./packet_list.ts";
import type { Twins } from "./twins.ts";
import type { World } from "./world.ts";

/** A case that the twins treat differently. */
export interface FuzzCase {
  readonly world: World;
  readonly packets: readonly FuzzPacket[];
  /** One line each. */
  readonly differences: readonly string[];
}

/** Most runs of packets, and most loads of a world: a load takes a second on a busy machine. */
const PACKET_TRIALS = 400;
const WORLD_TRIALS = 30;

/**
 * Makes a case smaller: packets first, then the world.
 *
 * @param twins With the world loaded; afterwards with the smaller one.
 * @returns `undefined` if the packets alone, run one twin after the other, do not fail.
 */
export async function shrink(
  twins: Twins,
  world: World,
  packets: readonly FuzzPacket[],
): Promise<FuzzCase | undefined> {
  const fails = async (some: readonly FuzzPacket[]) =>
    (await differencesOf(twins, some)).length > 0;
  if (!(await fails(packets))) return undefined;
  const few = await minimise(packets, fails, PACKET_TRIALS);
  const small = await shrinkWorld(twins, world, few);
  await twins.load(small);
  return { world: small, packets: few, differences: await differencesOf(twins, few) };
}

/** A part of a world that can be made smaller by itself. */
interface Part<T> {
  readonly items: (world: World) => readonly T[];
  readonly withItems: (world: World, items: readonly T[]) => World;
}

async function shrinkWorld(
  twins: Twins,
  world: World,
  packets: readonly FuzzPacket[],
): Promise<World> {
  const fails = async (candidate: World) => {
    try {
      await twins.load(candidate);
    } catch (error) {
      // A world that cannot be is no smaller case.
      if (error instanceof RangeError || error instanceof VerifierError) return false;
      throw error;
    }
    return (await differencesOf(twins, packets)).length > 0;
  };
  const shrunk = async <T>(from: World, { items, withItems }: Part<T>) => {
    const some = await minimise(
      items(from),
      (left) => fails(withItems(from, left)),
      WORLD_TRIALS,
    );
    return withItems(from, some);
  };
  let small = world;
  small = await shrunk(small, nodePart("endpoints"));
  small = await shrunk(small, nodePart("policies"));
  small = await shrunk(small, nodePart("ipcache"));
  small = await shrunk(small, nodePart("identities"));
  for (const index of small.node.policies.keys()) small = await shrunk(small, entriesPart(index));
  small = await shrunk(small, {
    items: ({ ghosts }) => ghosts,
    withItems: (from, ghosts) => ({ ...from, ghosts }),
  });
  return small;
}

function nodePart<K extends "endpoints" | "policies" | "ipcache" | "identities">(
  key: K,
): Part<NodeState[K][number]> {
  return {
    items: ({ node }) => node[key],
    withItems: (world, items) => {
      const { manifests: _, ...rest } = world;
      const node = { ...world.node, [key]: items };
      const known = new Set(node.policies.map(({ number }) => number));
      const damaged = world.damaged.filter(({ policy }) => known.has(policy));
      return { ...rest, node, damaged };
    },
  };
}

function entriesPart(
  index: number,
): Part<World["node"]["policies"][number]["mapState"]["entries"][number]> {
  return {
    items: ({ node }) => node.policies[index]?.mapState.entries ?? [],
    withItems: (world, entries) => {
      const policies = world.node.policies.map((policy, i) =>
        i === index ? { ...policy, mapState: { entries } } : policy
      );
      return { ...world, node: { ...world.node, policies } };
    },
  };
}
