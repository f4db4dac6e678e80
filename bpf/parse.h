/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Headers -> struct packet.
 *
 * Decided behaviour:
 *   ARP                         passed to the stack, no policy (PARSE_PASS)
 *   neighbour discovery         the same: ICMPv6 133-136 with hop limit 255
 *   VLAN tag, in the frame or taken out of it by the device   DROP_VLAN_FILTERED
 *   any other ethertype         DROP_UNKNOWN_L3
 *   lengths that lie            DROP_INVALID
 *   IPv4 or IPv6 fragment       DROP_FRAG_NOSUPPORT
 *   other extension header      DROP_INVALID_EXTHDR
 *   L4 header cut off           DROP_CT_INVALID_HDR
 *   other L4 protocol           DROP_CT_UNKNOWN_PROTO
 *   bytes behind the IP packet  ignored (Ethernet padding)
 */
#pragma once

/* Neither a drop reason nor 0. */
#define PARSE_PASS (-1)

/* Deepest header byte that is read: IPv4 with options, then TCP. */
#define PARSE_MAX (ETH_HLEN + 60 + TCP_HLEN)

/* Makes the first `len` bytes readable; most packets have them in their linear part. */
static __always_inline int packet_pull(struct __sk_buff *skb, __u32 len)
{
	if ((void *)(long)skb->data + len <= (void *)(long)skb->data_end)
		return 0;
	return bpf_skb_pull_data(skb, len < skb->len ? len : skb->len);
}

/* Reads what policy and conntrack need of the L4 header at `l4`, which has `l4_len`
 * bytes of the IP packet.
 */
static __always_inline int parse_l4(const void *l4, __u32 l4_len, const void *data_end,
				    struct packet *packet)
{
	const struct l4_ports *ports = l4;
	const struct icmphdr *icmp = l4;
	__u32 header_len;

	packet->trackable = 1;
	packet->creates = 1;
	switch (packet->protocol) {
	case IPPROTO_TCP:
		header_len = TCP_HLEN;
		break;
	case IPPROTO_UDP:
		header_len = UDP_HLEN;
		break;
	case IPPROTO_SCTP:
		header_len = SCTP_HLEN;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if ((packet->protocol == IPPROTO_ICMP) != (packet->family == 4))
			return DROP_CT_UNKNOWN_PROTO;
		header_len = ICMP_HLEN;
		break;
	default:
		return DROP_CT_UNKNOWN_PROTO;
	}
	if (l4_len < header_len)
		return DROP_CT_INVALID_HDR;

	if (packet->protocol != IPPROTO_ICMP && packet->protocol != IPPROTO_ICMPV6) {
		if ((const void *)(ports + 1) > data_end)
			return DROP_CT_INVALID_HDR;
		packet->sport = ports->sport;
		packet->dport = ports->dport;
		packet->policy_port = bpf_ntohs(ports->dport);
		if (packet->protocol == IPPROTO_TCP) {
			if (l4 + TCP_FLAGS_OFFSET + 1 > data_end)
				return DROP_CT_INVALID_HDR;
			packet->tcp_flags = ((const __u8 *)l4)[TCP_FLAGS_OFFSET];
		}
		return 0;
	}

	if ((const void *)(icmp + 1) > data_end)
		return DROP_CT_INVALID_HDR;
	packet->policy_port = icmp->type;
	if (icmp->type == (packet->family == 4 ? ICMP_ECHO : ICMPV6_ECHO)) {
		packet->sport = icmp->id;
	} else if (icmp->type == (packet->family == 4 ? ICMP_ECHOREPLY : ICMPV6_ECHOREPLY)) {
		packet->dport = icmp->id;
		packet->creates = 0;
	} else {
		packet->trackable = 0;
		packet->creates = 0;
		/* Path MTU discovery must not depend on policy. */
		packet->always_allowed = packet->family == 4 &&
					 icmp->type == ICMP_DEST_UNREACH &&
					 icmp->code == ICMP_FRAG_NEEDED;
	}
	return 0;
}

static __always_inline int parse_ipv4(const void *l3, const void *data_end,
				      struct packet *packet)
{
	const struct iphdr *ip = l3;
	__u32 header_len, total_len;

	if ((const void *)(ip + 1) > data_end)
		return DROP_INVALID;
	if (ip->version_ihl >> 4 != 4)
		return DROP_INVALID;
	header_len = (ip->version_ihl & 0xF) * 4;
	total_len = bpf_ntohs(ip->total_len);
	if (header_len < IPV4_HLEN || total_len < header_len ||
	    total_len > packet->length - ETH_HLEN)
		return DROP_INVALID;
	packet->family = 4;
	packet->saddr[0] = ip->saddr;
	packet->daddr[0] = ip->daddr;
	packet->protocol = ip->protocol;
	if (ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS_OR_OFFSET))
		return DROP_FRAG_NOSUPPORT;
	return parse_l4(l3 + header_len, total_len - header_len, data_end, packet);
}

static __always_inline int parse_ipv6(const void *l3, const void *data_end,
				      struct packet *packet)
{
	const struct ipv6hdr *ip = l3;
	const struct icmphdr *icmp = l3 + IPV6_HLEN;
	__u32 payload_len, i;

	if ((const void *)(ip + 1) > data_end)
		return DROP_INVALID;
	if (ip->version_class >> 4 != 6)
		return DROP_INVALID;
	payload_len = bpf_ntohs(ip->payload_len);
	if (payload_len > packet->length - ETH_HLEN - IPV6_HLEN)
		return DROP_INVALID;
	packet->family = 6;
	for (i = 0; i < 4; i++) {
		packet->saddr[i] = ip->saddr[i];
		packet->daddr[i] = ip->daddr[i];
	}
	packet->protocol = ip->next_header;
	switch (ip->next_header) {
	case IPPROTO_FRAGMENT:
		return DROP_FRAG_NOSUPPORT;
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_AH:
	case IPPROTO_DSTOPTS:
		return DROP_INVALID_EXTHDR;
	case IPPROTO_ICMPV6:
		/* RFC 4861: a hop limit of 255 proves that no router forwarded it. */
		if (ip->hop_limit == 255 && payload_len >= ICMP_HLEN &&
		    (const void *)(icmp + 1) <= data_end &&
		    icmp->type >= NDP_ROUTER_SOLICIT && icmp->type <= NDP_NEIGHBOUR_ADVERT)
			return PARSE_PASS;
		break;
	}
	return parse_l4(l3 + IPV6_HLEN, payload_len, data_end, packet);
}

/* Fills *packet (zeroed by the caller). Returns 0, PARSE_PASS or a drop reason; on a
 * drop *packet holds what was read until then.
 */
static __always_inline int parse_packet(struct __sk_buff *skb, struct packet *packet)
{
	const struct ethhdr *eth;
	const void *data_end;

	packet->length = skb->len;
	if (skb->vlan_present)
		return DROP_VLAN_FILTERED;
	packet_pull(skb, PARSE_MAX);
	eth = (const void *)(long)skb->data;
	data_end = (const void *)(long)skb->data_end;
	if ((const void *)(eth + 1) > data_end)
		return DROP_INVALID;
	switch (eth->protocol) {
	case bpf_htons(ETH_P_IP):
		return parse_ipv4(eth + 1, data_end, packet);
	case bpf_htons(ETH_P_IPV6):
		return parse_ipv6(eth + 1, data_end, packet);
	case bpf_htons(ETH_P_ARP):
		return PARSE_PASS;
	case bpf_htons(ETH_P_8021Q):
	case bpf_htons(ETH_P_8021AD):
		return DROP_VLAN_FILTERED;
	default:
		return DROP_UNKNOWN_L3;
	}
}
