/** A locally administered unicast address, distinct for every endpoint and side. */
export function madeUpMac(endpoint: number, side: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(0x02, 0x00, 0x00, side, endpoint >> 8, endpoint & 0xff);
}
