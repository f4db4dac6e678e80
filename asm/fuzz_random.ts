/*
 * The generator's source of numbers: splitmix64 (Steele, Lea and Flood 2014). The same seed
 * gives the same packets on every machine.
 */

let state: u64 = 0;

export function seedRandom(seed: u64): void {
  state = seed;
}

// @ts-ignore: decorator
@inline
export function random64(): u64 {
  state += 0x9E3779B97F4A7C15;
  let z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

// @ts-ignore: decorator
@inline
export function random32(): u32 {
  return <u32>(random64() >> 32);
}

/** A whole number from 0 up to, not including, `limit`. */
// @ts-ignore: decorator
@inline
export function below(limit: u32): u32 {
  return <u32>((random64() >> 32) * <u64>limit >> 32);
}

// @ts-ignore: decorator
@inline
export function oneIn(chances: u32): bool {
  return below(chances) == 0;
}

/** Fills `bytes` bytes with random ones. */
export function fillRandom(to: usize, bytes: u32): void {
  let at: u32 = 0;
  for (; at + 8 <= bytes; at += 8) store<u64>(to + <usize>at, random64());
  let rest = random64();
  for (; at < bytes; ++at) {
    store<u8>(to + <usize>at, <u8>rest);
    rest >>= 8;
  }
}
