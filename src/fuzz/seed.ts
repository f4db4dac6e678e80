/**
 * An unsigned 32-bit number for part `index` of what a seed makes (the finaliser of
 * MurmurHash3, Appleby): neighbouring parts have nothing in common.
 */
export function derivedSeed(seed: number, index: number): number {
  let x = (seed ^ Math.imul(index + 1, 0x9e3779b9)) >>> 0;
  x = Math.imul(x ^ x >>> 16, 0x85ebca6b);
  x = Math.imul(x ^ x >>> 13, 0xc2b2ae35);
  return (x ^ x >>> 16) >>> 0;
}
