/** Offset of the first byte in which two areas differ, or `bytes` if they are equal. */
export function firstDifference(a: usize, b: usize, bytes: u32): u32 {
  let at: u32 = 0;
  for (; at + 16 <= bytes; at += 16) {
    const equal = i8x16.eq(v128.load(a + <usize>at), v128.load(b + <usize>at));
    const mask = <u32>i8x16.bitmask(equal);
    if (mask != 0xFFFF) return at + ctz<u32>(~mask);
  }
  for (; at < bytes; ++at) {
    if (load<u8>(a + <usize>at) != load<u8>(b + <usize>at)) return at;
  }
  return bytes;
}
