import { ROW_NODE } from "../row_node.ts";
import { ROW_POLICY } from "../row_policies.ts";
import { packetKeysAround } from "./image_keys.ts";
import { type ImageByte, usedImageBytes } from "./image_mutant.ts";
import { ImageReader } from "./image_reader.ts";
import { type Bench, Laboratory } from "./laboratory.ts";
import { nameOfFlows, type PacketSet } from "./packet_set.ts";

/** One flipped bit of a policy's image. */
export interface ImageMutant extends ImageByte {
  readonly policy: number;
  readonly bit: number;
  /** No lookup that a packet can cause gives another answer. */
  readonly equivalent: boolean;
}

/** Fates of the mutants of images. */
export interface ImageFates {
  readonly killed: number;
  readonly survived: readonly ImageMutant[];
}

/** The subject's usual policy: it has every kind of entry, and index lines. */
const POLICIES: readonly number[] = [ROW_POLICY.SMALL];

/** Flips one bit of every byte that lookups read, in the kernel's copy of the image. */
export async function runImageMutants(
  bench: Bench,
  onProgress: (done: number, total: number) => void,
): Promise<ImageFates> {
  using laboratory = await Laboratory.open(bench);
  const slots = ROW_NODE.identities.map(({ slot }) => slot);
  let killed = 0;
  const survived: ImageMutant[] = [];
  for (const policy of POLICIES) {
    // A copy: images in the memory move when it grows.
    const image = (bench.memory.images.get(policy)?.bytes ?? new Uint8Array()).slice();
    const answers = new Answers(image, slots);
    // Flows say most, and the packet table what becomes of redirects past from_container.
    const isFlows = ({ name }: PacketSet) => name === nameOfFlows(policy);
    const [table] = laboratory.sets;
    const sets = [...laboratory.sets.filter(isFlows), ...(table ? [table] : [])];
    const bytes = usedImageBytes(image, slots);
    for (const [done, { offset, part }] of bytes.entries()) {
      onProgress(done, bytes.length);
      // Not always the same bit: the low ones matter most, and all of them occur.
      const bit = part === "profile flags" ? 2 : offset % 3;
      const value = (image[offset] ?? 0) ^ 1 << bit;
      const noticed = laboratory.withImageByte(
        policy,
        offset,
        value,
        () => laboratory.isNoticed(sets),
      );
      if (noticed) killed++;
      else {
        const equivalent = answers.areAsWith(offset, value);
        survived.push({ policy, offset, part, bit, equivalent });
      }
    }
  }
  return { killed, survived };
}

/** Redirects that lead somewhere: packets for all others are dropped alike. */
const LISTENING: ReadonlySet<number> = new Set(
  ROW_NODE.redirects?.filter(({ port }) => port !== 0).map(({ id }) => id),
);

/** Everything that lookups in an image can answer. */
class Answers {
  readonly #image: Uint8Array;
  readonly #slots: readonly number[];
  readonly #known = new Map<string, string>();

  constructor(image: Uint8Array, slots: readonly number[]) {
    this.#image = image;
    this.#slots = [0, ...slots];
  }

  /** Tells whether they stay as they are if a byte is another. */
  areAsWith(offset: number, value: number): boolean {
    const other = this.#image.slice();
    other[offset] = value;
    const keys = packetKeysAround([this.#image, other], this.#slots);
    const before = new ImageReader(this.#image, LISTENING);
    const after = new ImageReader(other, LISTENING);
    const cells = (slot: number) => `${before.cellsOf(slot)} ${after.cellsOf(slot)}`;
    const slots = new Map(this.#slots.map((slot) => [cells(slot), slot])).values();
    return slots.every((slot) =>
      keys.every((key) =>
        ([0, 1] as const).every((direction) =>
          this.#before(before, direction, slot, key) === after.lookup(direction, slot, key)
        )
      )
    );
  }

  #before(reader: ImageReader, direction: 0 | 1, slot: number, key: number): string {
    const name = `${direction} ${slot} ${key}`;
    const known = this.#known.get(name) ?? reader.lookup(direction, slot, key);
    this.#known.set(name, known);
    return known;
  }
}
