/*
 * Hashing of keys in raw memory. Sizes are literals at every call, so the branches
 * fold away when the functions are inlined.
 */

/** Murmur3's 32-bit finaliser: a bijection, so equal results mean equal inputs. */
// @ts-ignore: decorator
@inline
export function mix32(value: u32): u32 {
  value ^= value >> 16;
  value *= 0x85EBCA6B;
  value ^= value >> 13;
  value *= 0xC2B2AE35;
  return value ^ (value >> 16);
}

/** One round over 8 bytes: multiply, then bring the strong high bits down. */
// @ts-ignore: decorator
@inline
function round64(hash: u64, word: u64): u64 {
  hash = (hash ^ word) * 0x9E3779B97F4A7C15;
  return hash ^ (hash >> 32);
}

// @ts-ignore: decorator
@inline
function fold(hash: u64): u32 {
  return <u32>(hash ^ (hash >> 29));
}

/**
 * The last 4 bytes of a flow's key (protocol, direction, padding), as they are in the one of
 * the flow and its reply whose ends are in order: exchanging the ends turns the direction.
 */
// @ts-ignore: decorator
@inline
function orderedRest(ports: u64, source: u64, destination: u64): u64 {
  const rest = ports >> 32;
  return rest ^ (source == destination ? rest & 0x100 : <u64>(source > destination) << 8);
}

/**
 * Hash of 16 bytes, from their two words. Of a struct ct4_key it is that of the reply's key as
 * well: one walk of the index meets both.
 */
// @ts-ignore: decorator
@inline
export function hashFlow4(addresses: u64, ports: u64): u32 {
  const source = (addresses & 0xFFFFFFFF) | (ports & 0xFFFF) << 32;
  const destination = addresses >> 32 | (ports >> 16 & 0xFFFF) << 32;
  const rest = orderedRest(ports, source, destination);
  return fold(round64(round64(0, source) + round64(0, destination), rest));
}

/** The same for the 40 bytes of a struct ct6_key. */
// @ts-ignore: decorator
@inline
export function hashFlow6(
  saddrLow: u64,
  saddrHigh: u64,
  daddrLow: u64,
  daddrHigh: u64,
  ports: u64,
): u32 {
  const source = round64(round64(ports & 0xFFFF, saddrLow), saddrHigh);
  const destination = round64(round64(ports >> 16 & 0xFFFF, daddrLow), daddrHigh);
  return fold(round64(source + destination, orderedRest(ports, source, destination)));
}

/** Hash of a key of 4, 8, 16, 20 or 40 bytes. */
// @ts-ignore: decorator
@inline
export function hashKey(key: usize, size: usize): u32 {
  if (size == 4) return mix32(load<u32>(key));
  if (size == 16) return hashFlow4(load<u64>(key), load<u64>(key, 8));
  if (size == 40) {
    return hashFlow6(
      load<u64>(key),
      load<u64>(key, 8),
      load<u64>(key, 16),
      load<u64>(key, 24),
      load<u64>(key, 32),
    );
  }
  let hash: u64 = round64(0, load<u64>(key));
  if (size == 20) {
    hash = round64(hash, load<u64>(key, 8));
    hash = round64(hash, <u64>load<u32>(key, 16));
  }
  return fold(hash);
}

/** Compares two keys of 4, 8, 16, 20 or 40 bytes. */
// @ts-ignore: decorator
@inline
export function keysEqual(a: usize, b: usize, size: usize): bool {
  if (size == 4) return load<u32>(a) == load<u32>(b);
  let difference: u64 = load<u64>(a) ^ load<u64>(b);
  if (size >= 16) difference |= load<u64>(a, 8) ^ load<u64>(b, 8);
  if (size == 20) difference |= <u64>(load<u32>(a, 16) ^ load<u32>(b, 16));
  if (size == 40) {
    difference |= load<u64>(a, 16) ^ load<u64>(b, 16);
    difference |= load<u64>(a, 24) ^ load<u64>(b, 24);
    difference |= load<u64>(a, 32) ^ load<u64>(b, 32);
  }
  return difference == 0;
}

/** Hash of whole 64-byte lines, for interning. */
export function hashLines(lines: usize, bytes: usize): u32 {
  let hash: u64 = bytes;
  for (let at = lines, end = lines + bytes; at < end; at += 16) {
    hash = round64(hash, load<u64>(at));
    hash = round64(hash, load<u64>(at, 8));
  }
  return <u32>(hash ^ (hash >> 29));
}

/** Compares whole 64-byte lines. */
export function linesEqual(a: usize, b: usize, bytes: usize): bool {
  for (let at: usize = 0; at < bytes; at += 16) {
    if (v128.any_true(v128.xor(v128.load(a + at), v128.load(b + at)))) return false;
  }
  return true;
}
