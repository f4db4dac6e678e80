/**
 * The checksum of RFC 1071 over bytes whose own checksum field is 0, host byte order.
 * Over bytes with a right checksum it is 0.
 */
export function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] ?? 0) << 8 | (bytes[i + 1] ?? 0);
  while (sum > 0xFFFF) sum = (sum & 0xFFFF) + Math.floor(sum / 0x10000);
  return ~sum & 0xFFFF;
}
