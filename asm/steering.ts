import { mix32 } from "./hash";
import {
  PACKET_DATA_BYTES,
  PACKET_SLOT_DATA_OFF,
  PACKET_SLOT_LENGTH_OFF,
} from "./layout";
import {
  ETH_HLEN,
  ETH_P_IP_BE,
  ETH_P_IPV6_BE,
  ETH_PROTOCOL_OFF,
  IPPROTO_ICMP,
  IPV4_DADDR_OFF,
  IPV4_HLEN,
  IPV4_PROTOCOL_OFF,
  IPV4_SADDR_OFF,
  IPV6_HLEN,
} from "./net";
import { clearPacket, packet, quoted, Tuple, tuple } from "./packet";
import { parsePacket } from "./parse";

/*
 * Which worker runs a packet: what a network card does with receive queues. Both directions
 * of a flow, its fragments, and the ICMP errors about it go to one worker, which so is the
 * only one that ever sees the flow's state: tables that packets write need no lock.
 *
 * The unordered pair of addresses decides, since fragments have no ports and an ICMP error
 * comes from any router: that of the packet which an error quotes counts. An error in fragments
 * belongs to no flow.
 */

// @ts-ignore: decorator
@inline
function pairHash(ends: Tuple): u32 {
  const pair = ends.saddrLow ^ ends.daddrLow ^ ends.saddrHigh ^ ends.daddrHigh;
  return <u32>pair ^ <u32>(pair >> 32);
}

/** Of packets whose addresses are not where they mostly are. */
function parsedHash(data: usize, length: u32): u32 {
  clearPacket();
  parsePacket(data, length);
  return pairHash(packet.quotes ? quoted : tuple());
}

/** A number that packets of one flow have in common. */
// @ts-ignore: decorator
@inline
function flowHash(data: usize, length: u32): u32 {
  const ip = data + <usize>ETH_HLEN;
  const type = <u32>load<u16>(data, ETH_PROTOCOL_OFF);
  if (type == ETH_P_IP_BE && length >= ETH_HLEN + IPV4_HLEN) {
    if (load<u8>(ip, IPV4_PROTOCOL_OFF) == IPPROTO_ICMP) return parsedHash(data, length);
    return load<u32>(ip, IPV4_SADDR_OFF) ^ load<u32>(ip, IPV4_DADDR_OFF);
  }
  if (type == ETH_P_IPV6_BE && length >= ETH_HLEN + IPV6_HLEN) return parsedHash(data, length);
  return 0;
}

/** The worker, of so many, that runs the packet in a slot. */
// @ts-ignore: decorator
@inline
export function workerOf(slot: usize, workers: u32): u32 {
  if (workers == 1) return 0;
  const length = min(load<u32>(slot, PACKET_SLOT_LENGTH_OFF), PACKET_DATA_BYTES);
  const hash = mix32(flowHash(slot + PACKET_SLOT_DATA_OFF, length));
  return <u32>(<u64>hash * <u64>workers >> 32);
}
