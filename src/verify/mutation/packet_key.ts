import { PROTOCOL } from "../../policy/map_state.ts";

const PORT_MAX = 0xffff;
const ICMP_TYPE_MAX = 0xff;

/** Keys that packets can have: protocol << 16 | port, or type. */
export const PACKET_KEYS: readonly (readonly [first: number, last: number])[] = [
  ...[PROTOCOL.ICMP, PROTOCOL.ICMPV6].map((p) => [p << 16, p << 16 | ICMP_TYPE_MAX] as const),
  ...[PROTOCOL.TCP, PROTOCOL.UDP, PROTOCOL.SCTP].map((p) => [p << 16, p << 16 | PORT_MAX] as const),
];

/** Tells whether a packet can have one of the keys from `first` up to, not including, `end`. */
export function canHaveKey(first: number, end: number): boolean {
  return PACKET_KEYS.some(([low, high]) => low < end && first <= high);
}
