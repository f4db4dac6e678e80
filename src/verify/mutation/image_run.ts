import { ROW_NODE, ROW_POLICY } from "../row_node.ts";
import { type ImageByte, usedImageBytes } from "./image_mutant.ts";
import { type Bench, Laboratory } from "./laboratory.ts";

/** One flipped bit of a policy's image. */
export interface ImageMutant extends ImageByte {
  readonly policy: number;
  readonly bit: number;
}

/** Fates of the mutants of images. */
export interface ImageFates {
  readonly killed: number;
  readonly survived: readonly ImageMutant[];
}

/** Images that are tried: every kind of profile, in an image of every class but the largest. */
const POLICIES: readonly number[] = [ROW_POLICY.SMALL];

/** Flips one bit of every byte that lookups read, in the kernel's copy of the image. */
export async function runImageMutants(
  bench: Bench,
  onProgress: (done: number, total: number) => void,
): Promise<ImageFates> {
  using laboratory = await Laboratory.open(bench);
  const slots = ROW_NODE.identities.map(({ slot }) => slot);
  const mutants: (ImageMutant & { value: number })[] = [];
  for (const policy of POLICIES) {
    const bytes = bench.memory.images.get(policy)?.bytes ?? new Uint8Array();
    for (const { offset, part } of usedImageBytes(bytes, slots)) {
      // Not always the same bit: the low ones matter most, and all of them occur.
      const bit = part === "profile flags" ? 2 : offset % 3;
      mutants.push({ policy, offset, part, bit, value: (bytes[offset] ?? 0) ^ 1 << bit });
    }
  }
  let killed = 0;
  const survived: ImageMutant[] = [];
  for (const [done, { value, ...mutant }] of mutants.entries()) {
    onProgress(done, mutants.length);
    const { policy, offset } = mutant;
    const sets = laboratory.sets.filter((set) =>
      set.policy === policy && set.fault === undefined && set.packets.length < MANY
    );
    const noticed = laboratory.withImageByte(
      policy,
      offset,
      value,
      () => laboratory.isNoticed(sets),
    );
    if (noticed) killed++;
    else survived.push(mutant);
  }
  return { killed, survived };
}

/** The packet table says nothing about images that the flows do not say. */
const MANY = 2000;
