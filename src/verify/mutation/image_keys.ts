import { usedImageStarts } from "./image_mutant.ts";
import { canHaveKey, PACKET_KEYS } from "./packet_key.ts";

/**
 * Keys at both sides of every seam of some images: if two images answer alike at these,
 * they do at every key that a packet can have.
 */
export function packetKeysAround(
  images: readonly Uint8Array[],
  slots: readonly number[],
): number[] {
  const keys = new Set(PACKET_KEYS.flat());
  for (const image of images) {
    for (const start of usedImageStarts(image, slots)) {
      for (const key of [start - 1, start]) if (canHaveKey(key, key + 1)) keys.add(key);
    }
  }
  return [...keys];
}
