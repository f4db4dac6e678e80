/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Routing to a local endpoint: what a router does to the packet on its last hop. */
#pragma once

static __always_inline const struct endpoint_info *endpoint_lookup(const struct packet *packet)
{
	struct endpoint_key key = {
		.address = { packet->tuple.daddr[0], packet->tuple.daddr[1], packet->tuple.daddr[2],
			     packet->tuple.daddr[3] },
		.family = packet->tuple.family,
	};

	return bpf_map_lookup_elem(&endpoints, &key);
}

/* Adds 1 to the checksum's high byte in one's complement, as RFC 1141 does for a TTL
 * that went down by one, and never makes 0xFFFF, which RFC 1624 has found to be wrong in it.
 */
static __always_inline __sum16 checksum_after_ttl(__sum16 check)
{
	__u32 sum = check + (__u32)bpf_htons(0x0100);

	return sum + (sum >= 0xFFFF);
}

/* Takes one off TTL or hop limit and sets the addresses of the last hop. Returns 0 or a
 * drop reason; the packet is whole in either case.
 */
static __always_inline int forward_to_endpoint(struct __sk_buff *skb,
					       const struct packet *packet,
					       const struct endpoint_info *endpoint)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;

	if (packet->tuple.family == 4) {
		struct iphdr *ip = data + ETH_HLEN;

		if ((void *)(ip + 1) > data_end)
			return DROP_WRITE_ERROR;
		if (ip->ttl <= 1)
			return DROP_TTL_EXCEEDED;
		ip->ttl--;
		ip->check = checksum_after_ttl(ip->check);
	} else {
		struct ipv6hdr *ip = data + ETH_HLEN;

		if ((void *)(ip + 1) > data_end)
			return DROP_WRITE_ERROR;
		if (ip->hop_limit <= 1)
			return DROP_TTL_EXCEEDED;
		ip->hop_limit--;
	}
	__builtin_memcpy(eth->dest, endpoint->mac, sizeof(eth->dest));
	__builtin_memcpy(eth->source, endpoint->node_mac, sizeof(eth->source));
	return 0;
}
