/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Headers -> struct packet.
 *
 * Decided behaviour:
 *   ARP                         passed to the stack unread, no policy (PARSE_PASS)
 *   neighbour discovery         the same where it stays on the link; see neighbour.h: ICMPv6
 *                               133, 135 and 136 with hop limit 255, directly behind the
 *                               IPv6 header
 *   router advertisements       no part of it: an endpoint's addresses and routes are given
 *                               to it, and a container that advertises takes over its node's
 *                               (CVE-2020-13401). Judged as any ICMPv6
 *   VLAN tags, one or more      DROP_VLAN_FILTERED, 802.1Q or 802.1ad, in the frame or
 *                               taken out of it by the device: a pod is in no VLAN, and
 *                               what stands behind a tag is not what is routed
 *   any other ethertype         DROP_UNKNOWN_L3
 *   IP header cut off, of
 *   another version, or with
 *   lengths that lie            DROP_INVALID
 *   IPv4 total length 0,
 *   IPv6 payload length 0       taken by the letter: BIG TCP is off on pods' devices, a
 *                               jumbogram is DROP_INVALID_EXTHDR
 *   IPv4 options                skipped
 *     source routes, options
 *     that end behind the
 *     header                    DROP_INVALID: see ipv4_options.h
 *   reserved bits               ignored, in IPv4's flags and in IPv6 fragment headers
 *   IPv6 extension headers      hop-by-hop (first only), routing, destination and AH are
 *                               skipped, up to IPV6_EXTENSIONS_MAX of all kinds
 *     more, cut off, misplaced,
 *     two fragment headers      DROP_INVALID_EXTHDR
 *     routing, segments left    DROP_INVALID_EXTHDR: the destination that policy would
 *                               judge is not the last one
 *   fragments                   the first one must hold the whole L4 header; a later one
 *                               is judged as its first one was: see fragment.h
 *     tiny, overlapping         of IPv4, a later one begins 8 bytes behind the L4 header's start
 *                               or further: it overwrites no port and no ICMP type, which is
 *                               all that policy reads (RFC 1858, RFC 3128). Of IPv6, extension
 *                               headers may stand before it, but receivers take no overlapping
 *                               fragments (RFC 5722)
 *     IPv6, offset 0, no more   a whole packet (RFC 6946)
 *   TCP, UDP, SCTP              judged and tracked by ports: see conntrack.h
 *     their lengths, offsets,
 *     sequence numbers, flags
 *     that make no sense        their receiver's to refuse
 *   ICMP, ICMPv6                judged by (protocol, type), whatever the code; echoes tracked by
 *                               their id, others not tracked: redirects and multicast
 *                               listeners too
 *   ICMP errors                 3, 11, 12, ICMPv6 1-4: where they quote a packet of a known
 *                               flow, part of it: see conntrack.h
 *   path MTU                    ICMP 3/4 and ICMPv6 2: never refused by policy, nor asked
 *                               whether they belong to a flow: as Cilium has it for ICMP 3/4
 *     either in fragments       neither: both fit into any MTU (RFC 1812, RFC 4443)
 *   ICMP of the other family    DROP_CT_UNKNOWN_PROTO
 *   other L4 protocol           by number: judged as (protocol, port 0), which only an
 *                               entry for all protocols or for that one allows; tracked by
 *                               addresses. AH over IPv4, ESP, "no next header" are such
 *   L4 header cut off           DROP_CT_INVALID_HDR
 *   checksums, of IP and L4     not verified: whoever receives the packet does
 *   bytes behind the IP packet  ignored (Ethernet padding)
 *
 * datapath.bpf.c tells who a packet is from, and conntrack.h which flow it belongs to.
 */
#pragma once

#include "ipv4_options.h"

/* Neither drop reasons nor 0. */
#define PARSE_PASS (-1)
#define PARSE_NEIGHBOUR (-2)	/* neighbour discovery, read whole like any ICMPv6 */

/* Header bytes of nearly every packet: IPv6, then ICMPv6, by which neighbour discovery is told.
 * No more than IPv4 and TCP with its timestamps have: a TCP segment's payload lies outside of
 * the linear part, and to pull a byte of it the kernel copies the head of every segment.
 */
#define PARSE_LIKELY (ETH_HLEN + IPV6_HLEN + ICMP_HLEN)

/* Extension headers that a packet may have; longer chains serve nobody but evasion. */
#define IPV6_EXTENSIONS_MAX 8

/* An L4 header starts before this: all extension headers at their longest. */
#define L4_OFFSET_MAX (ETH_HLEN + IPV6_HLEN + IPV6_EXTENSIONS_MAX * 256 * 8)

/* Makes the first `len` bytes readable; most packets have them in their linear part. */
static __always_inline int packet_pull(struct __sk_buff *skb, __u32 len)
{
	if ((void *)(long)skb->data + len <= (void *)(long)skb->data_end)
		return 0;
	return bpf_skb_pull_data(skb, len < skb->len ? len : skb->len);
}

/* Where a walk over extension headers stands. */
struct extensions {
	__u32 offset;		/* of the next header, from the Ethernet header */
	__u32 end;		/* of the IP packet */
	__be32 fragment_id;
	__u8 next_header;
	__u8 fragment;		/* enum fragment */
	__u16 pad;
};

static __always_inline int is_extension(__u32 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_AH ||
	       protocol == IPPROTO_DSTOPTS;
}

/* Walks to the first header that is no extension, or to the end of what a later fragment
 * tells. Returns 0 or a drop reason.
 *
 * This and the other stages that few packets enter are global functions: the verifier walks
 * them once and not on every path.
 */
__noinline int skip_extensions(struct __sk_buff *skb, struct extensions *chain)
{
	struct ipv6_extension header = {};
	__u32 i, bytes, fragment, fragmented = 0;

	/* Only for the verifier, which does not see the callers from here. */
	if (!chain)
		return DROP_INVALID_EXTHDR;
#pragma clang loop unroll(disable)
	for (i = 0; i < IPV6_EXTENSIONS_MAX; i++) {
		if (!is_extension(chain->next_header))
			return 0;
		if (chain->end - chain->offset < IPV6_EXTENSION_LEN ||
		    bpf_skb_load_bytes(skb, chain->offset, &header, sizeof(header)))
			return DROP_INVALID_EXTHDR;
		bytes = (header.length + 1) * 8;
		fragment = bpf_ntohs(header.fragment);
		switch (chain->next_header) {
		case IPPROTO_HOPOPTS:
			if (i)
				return DROP_INVALID_EXTHDR;
			break;
		case IPPROTO_ROUTING:
			/* The low byte holds the segments left. */
			if (fragment & 0xFF)
				return DROP_INVALID_EXTHDR;
			break;
		case IPPROTO_AH:
			bytes = (header.length + 2) * 4;
			break;
		case IPPROTO_FRAGMENT:
			if (fragmented)
				return DROP_INVALID_EXTHDR;
			fragmented = 1;
			bytes = IPV6_EXTENSION_LEN;
			chain->fragment_id = header.fragment_id;
			if (fragment & IPV6_FRAGMENT_OFFSET)
				chain->fragment = FRAGMENT_LATER;
			else if (fragment & IPV6_MORE_FRAGMENTS)
				chain->fragment = FRAGMENT_FIRST;
			break;
		}
		if (bytes > chain->end - chain->offset)
			return DROP_INVALID_EXTHDR;
		chain->offset += bytes;
		chain->next_header = header.next_header;
		if (chain->fragment == FRAGMENT_LATER)
			return 0;
	}
	return is_extension(chain->next_header) ? DROP_INVALID_EXTHDR : 0;
}

/* Reads IPv4 addresses and protocol of a quoted packet. Returns the offset of its L4 header,
 * or 0 where there is none to read.
 */
static __always_inline __u32 quoted_ipv4(struct __sk_buff *skb, struct tuple *quoted,
					 __u32 offset, __u32 end)
{
	struct iphdr ip = {};
	__u32 header_len;

	if (end - offset < sizeof(ip) || bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)))
		return 0;
	header_len = (ip.version_ihl & 0xF) * 4;
	if (ip.version_ihl >> 4 != 4 || header_len < IPV4_HLEN ||
	    ip.frag_off & bpf_htons(IP_FRAGMENT_OFFSET))
		return 0;
	quoted->saddr[0] = ip.saddr;
	quoted->daddr[0] = ip.daddr;
	quoted->protocol = ip.protocol;
	return offset + header_len;
}

/* The same for IPv6. */
static __always_inline __u32 quoted_ipv6(struct __sk_buff *skb, struct tuple *quoted,
					 __u32 offset, __u32 end)
{
	struct extensions chain = { .offset = offset + IPV6_HLEN, .end = end };
	struct ipv6hdr ip = {};
	__u32 i;

	if (end - offset < sizeof(ip) || bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)))
		return 0;
	if (ip.version_class >> 4 != 6)
		return 0;
	chain.next_header = ip.next_header;
	if (is_extension(ip.next_header) &&
	    (skip_extensions(skb, &chain) || chain.fragment == FRAGMENT_LATER))
		return 0;
	for (i = 0; i < 4; i++) {
		quoted->saddr[i] = ip.saddr[i];
		quoted->daddr[i] = ip.daddr[i];
	}
	quoted->protocol = chain.next_header;
	return chain.offset;
}

/* Reads the ends of the packet that an ICMP error quotes from `offset` on. An error that
 * quotes nothing readable, or that is not sent to who sent the quoted packet, belongs to no
 * flow.
 */
__noinline int parse_quoted(struct __sk_buff *skb, struct packet *packet, __u32 offset,
			    __u32 end)
{
	struct tuple *quoted;
	__be32 other = 0;
	union {
		struct l4_ports ports;
		struct icmphdr icmp;
	} l4 = {};
	__u32 family, i;

	if (!packet || offset > end)
		return 0;
	quoted = &packet->quoted;
	family = packet->tuple.family;
	quoted->family = family;
	offset = family == 4 ? quoted_ipv4(skb, quoted, offset, end) :
			       quoted_ipv6(skb, quoted, offset, end);
	if (!offset || offset > end || end - offset < sizeof(l4) ||
	    bpf_skb_load_bytes(skb, offset, &l4, sizeof(l4)))
		return 0;
	for (i = 0; i < 4; i++)
		other |= quoted->saddr[i] ^ packet->tuple.daddr[i];
	if (other)
		return 0;
	switch (quoted->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		quoted->sport = l4.ports.sport;
		quoted->dport = l4.ports.dport;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (l4.icmp.type == (family == 4 ? ICMP_ECHO : ICMPV6_ECHO))
			quoted->sport = l4.icmp.id;
		else if (l4.icmp.type == (family == 4 ? ICMP_ECHOREPLY : ICMPV6_ECHOREPLY))
			quoted->dport = l4.icmp.id;
		else
			return 0;
		break;
	}
	packet->quotes = 1;
	return 0;
}

/* Whether an ICMP message of this type quotes the packet that it is about. */
static __always_inline int is_icmp_error(__u32 family, __u32 type)
{
	if (family == 6)
		return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMETER_PROBLEM;
	return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
	       type == ICMP_PARAMETER_PROBLEM;
}

/* Path MTU discovery must not depend on policy. */
static __always_inline int is_path_mtu(__u32 family, const struct icmphdr *icmp)
{
	if (family == 6)
		return icmp->type == ICMPV6_PACKET_TOO_BIG;
	return icmp->type == ICMP_DEST_UNREACH && icmp->code == ICMP_FRAG_NEEDED;
}

/* Types of ICMPv6; routers' advertisements and redirects are none. */
static __always_inline int is_neighbour_discovery(__u32 type)
{
	return type == NDP_ROUTER_SOLICIT || type == NDP_NEIGHBOUR_SOLICIT ||
	       type == NDP_NEIGHBOUR_ADVERT;
}

static __always_inline void parse_icmp(struct __sk_buff *skb, const struct icmphdr *icmp,
				       struct packet *packet, __u32 offset, __u32 end)
{
	__u32 family = packet->tuple.family;
	__u32 type = icmp->type;

	packet->policy_port = type;
	if (type == (family == 4 ? ICMP_ECHO : ICMPV6_ECHO)) {
		packet->tuple.sport = icmp->id;
		return;
	}
	packet->creates = 0;
	if (type == (family == 4 ? ICMP_ECHOREPLY : ICMPV6_ECHOREPLY)) {
		packet->tuple.dport = icmp->id;
		return;
	}
	packet->trackable = 0;
	if (packet->fragment)
		return;
	packet->always_allowed = is_path_mtu(family, icmp);
	if (is_icmp_error(family, type))
		parse_quoted(skb, packet, offset + ICMP_HLEN, end);
}

/* Bytes that the L4 header must have; 0: nothing of it is read. */
static __always_inline __u32 l4_header_len(__u32 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return TCP_HLEN;
	case IPPROTO_SCTP:
		return SCTP_HLEN;
	case IPPROTO_UDP:
		return UDP_HLEN;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return ICMP_HLEN;
	default:
		return 0;
	}
}

/* Reads what policy and conntrack need of the L4 header between `offset` and the IP packet's
 * `end`, both from the Ethernet header.
 */
static __always_inline int parse_l4(struct __sk_buff *skb, struct packet *packet, __u32 offset,
				    __u32 end)
{
	__u32 protocol = packet->tuple.protocol;
	__u32 header_len = l4_header_len(protocol);
	const struct l4_ports *ports;
	const void *data_end, *l4;

	if (protocol == (packet->tuple.family == 4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return DROP_CT_UNKNOWN_PROTO;
	if (packet->fragment == FRAGMENT_LATER)
		return 0;
	packet->trackable = 1;
	packet->creates = 1;
	if (!header_len)
		return 0;
	if (offset > L4_OFFSET_MAX || end - offset < header_len)
		return DROP_CT_INVALID_HDR;
	packet_pull(skb, offset + header_len);
	l4 = (const void *)(long)skb->data + offset;
	data_end = (const void *)(long)skb->data_end;
	if (l4 + UDP_HLEN > data_end)
		return DROP_CT_INVALID_HDR;
	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
		parse_icmp(skb, l4, packet, offset, end);
		return 0;
	}
	ports = l4;
	packet->tuple.sport = ports->sport;
	packet->tuple.dport = ports->dport;
	packet->policy_port = bpf_ntohs(ports->dport);
	if (protocol == IPPROTO_TCP) {
		if (l4 + TCP_FLAGS_OFFSET + 1 > data_end)
			return DROP_CT_INVALID_HDR;
		packet->tcp_flags = ((const __u8 *)l4)[TCP_FLAGS_OFFSET];
	}
	return 0;
}

static __always_inline int parse_ipv4(struct __sk_buff *skb, const struct iphdr *ip,
				      const void *data_end, struct packet *packet)
{
	__u32 header_len, total_len, fragment;
	int reason;

	if ((const void *)(ip + 1) > data_end)
		return DROP_INVALID;
	if (ip->version_ihl >> 4 != 4)
		return DROP_INVALID;
	header_len = (ip->version_ihl & 0xF) * 4;
	total_len = bpf_ntohs(ip->total_len);
	if (header_len < IPV4_HLEN || total_len < header_len ||
	    total_len > packet->length - ETH_HLEN)
		return DROP_INVALID;
	packet->tuple.family = 4;
	packet->tuple.saddr[0] = ip->saddr;
	packet->tuple.daddr[0] = ip->daddr;
	packet->tuple.protocol = ip->protocol;
	fragment = bpf_ntohs(ip->frag_off);
	if (fragment & (IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET)) {
		packet->fragment_id = ip->id;
		packet->fragment = fragment & IP_FRAGMENT_OFFSET ? FRAGMENT_LATER :
								   FRAGMENT_FIRST;
	}
	if (header_len > IPV4_HLEN) {
		reason = check_ipv4_options(skb, header_len - IPV4_HLEN);
		if (reason)
			return reason;
	}
	return parse_l4(skb, packet, ETH_HLEN + header_len, ETH_HLEN + total_len);
}

static __always_inline int parse_ipv6(struct __sk_buff *skb, const struct ipv6hdr *ip,
				      const void *data_end, struct packet *packet)
{
	struct extensions chain = { .offset = ETH_HLEN + IPV6_HLEN };
	__u32 payload_len, discovery, i;
	int reason;

	if ((const void *)(ip + 1) > data_end)
		return DROP_INVALID;
	if (ip->version_class >> 4 != 6)
		return DROP_INVALID;
	payload_len = bpf_ntohs(ip->payload_len);
	if (payload_len > packet->length - ETH_HLEN - IPV6_HLEN)
		return DROP_INVALID;
	packet->tuple.family = 6;
	for (i = 0; i < 4; i++) {
		packet->tuple.saddr[i] = ip->saddr[i];
		packet->tuple.daddr[i] = ip->daddr[i];
	}
	packet->tuple.protocol = ip->next_header;
	/* RFC 4861: a hop limit of 255 proves that no router forwarded it. */
	discovery = ip->next_header == IPPROTO_ICMPV6 && ip->hop_limit == 255;
	chain.end = chain.offset + payload_len;
	if (is_extension(ip->next_header)) {
		chain.next_header = ip->next_header;
		reason = skip_extensions(skb, &chain);
		packet->tuple.protocol = chain.next_header;
		packet->fragment = chain.fragment;
		packet->fragment_id = chain.fragment_id;
		if (reason)
			return reason;
	}
	reason = parse_l4(skb, packet, chain.offset, chain.end);
	return !reason && discovery && is_neighbour_discovery(packet->policy_port) ?
		       PARSE_NEIGHBOUR :
		       reason;
}

/* Fills *packet (zeroed by the caller). Returns 0, PARSE_PASS, PARSE_NEIGHBOUR or a drop
 * reason; on a drop *packet holds what was read until then.
 */
__noinline int parse_packet(struct __sk_buff *skb, struct packet *packet)
{
	const struct ethhdr *eth;
	const void *data_end;

	if (!packet)
		return DROP_INVALID;
	packet->length = skb->len;
	if (skb->vlan_present)
		return DROP_VLAN_FILTERED;
	packet_pull(skb, PARSE_LIKELY);
	eth = (const void *)(long)skb->data;
	data_end = (const void *)(long)skb->data_end;
	if ((const void *)(eth + 1) > data_end)
		return DROP_INVALID;
	switch (eth->protocol) {
	case bpf_htons(ETH_P_IP):
		return parse_ipv4(skb, (const void *)(eth + 1), data_end, packet);
	case bpf_htons(ETH_P_IPV6):
		return parse_ipv6(skb, (const void *)(eth + 1), data_end, packet);
	case bpf_htons(ETH_P_ARP):
		return PARSE_PASS;
	case bpf_htons(ETH_P_8021Q):
	case bpf_htons(ETH_P_8021AD):
		return DROP_VLAN_FILTERED;
	default:
		return DROP_UNKNOWN_L3;
	}
}
