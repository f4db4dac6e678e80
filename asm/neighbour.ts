import { ipcacheLookup } from "./ipcache";
import { IDENTITY_HOST } from "./layout";
import { DADDR_OFF, packet } from "./packet";

/* bpf/neighbour.h in AssemblyScript: neighbour discovery that a container may send unread. */

/** The first 10 bits of fe80::/10. */
const IPV6_LINK_LOCAL: u32 = 0x3FA;
/** The first 16 of ff02::/16. */
const IPV6_LINK_MULTICAST: u32 = 0xFF02;

/** Whether what a container sends to this destination ends at its node. */
export function staysOnLink(): bool {
  const destination = changetype<usize>(packet) + DADDR_OFF;
  const first = bswap<u32>(load<u32>(destination));
  return first >> 22 == IPV6_LINK_LOCAL || first >> 16 == IPV6_LINK_MULTICAST ||
    <u32>ipcacheLookup(6, destination) == IDENTITY_HOST;
}
