/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Neighbour discovery is between an endpoint and its node: no policy, and any source, since an
 * endpoint asks before it has an address. What it claims reaches the node's neighbour table of
 * that endpoint's own device, and no route to another endpoint leads there. The same holds of
 * ARP, which nobody routes. A node does route IPv6 with a hop limit of 255, though, whatever
 * its type: so only what stays on the link goes unread, or a container could send anything to
 * anybody. An endpoint's gateway has a link-local address, or one that the ipcache knows as the
 * host's.
 */
#pragma once

#define IPV6_LINK_LOCAL 0x3FA		/* the first 10 bits of fe80::/10 */
#define IPV6_LINK_MULTICAST 0xFF02	/* the first 16 of ff02::/16 */

/* Whether what a container sends to this destination ends at its node. */
static __always_inline int stays_on_link(const struct packet *packet)
{
	__u32 first = bpf_ntohl(packet->tuple.daddr[0]);

	return first >> 22 == IPV6_LINK_LOCAL || first >> 16 == IPV6_LINK_MULTICAST ||
	       (__u32)ipcache_lookup(6, packet->tuple.daddr) == IDENTITY_HOST;
}
