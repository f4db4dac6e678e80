/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Headers on the wire. */
#pragma once

#include "types.h"

enum {
	ETH_P_IP = 0x0800,
	ETH_P_ARP = 0x0806,
	ETH_P_8021Q = 0x8100,
	ETH_P_IPV6 = 0x86DD,
	ETH_P_8021AD = 0x88A8,
};

enum {
	IPPROTO_HOPOPTS = 0,
	IPPROTO_ICMP = 1,
	IPPROTO_TCP = 6,
	IPPROTO_UDP = 17,
	IPPROTO_ROUTING = 43,
	IPPROTO_FRAGMENT = 44,
	IPPROTO_AH = 51,
	IPPROTO_ICMPV6 = 58,
	IPPROTO_DSTOPTS = 60,
	IPPROTO_SCTP = 132,
};

enum {
	ICMP_ECHOREPLY = 0,
	ICMP_DEST_UNREACH = 3,
	ICMP_FRAG_NEEDED = 4, /* code of ICMP_DEST_UNREACH */
	ICMP_ECHO = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER_PROBLEM = 12,
	ICMPV6_DEST_UNREACH = 1,
	ICMPV6_PACKET_TOO_BIG = 2,
	ICMPV6_PARAMETER_PROBLEM = 4,
	ICMPV6_ECHO = 128,
	ICMPV6_ECHOREPLY = 129,
	NDP_ROUTER_SOLICIT = 133,
	NDP_NEIGHBOUR_SOLICIT = 135,
	NDP_NEIGHBOUR_ADVERT = 136,
};

enum {
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_ACK = 16,
};

struct ethhdr {
	__u8 dest[6];
	__u8 source[6];
	__be16 protocol;
} __attribute__((packed));

struct iphdr {
	__u8 version_ihl;
	__u8 tos;
	__be16 total_len;
	__be16 id;
	__be16 frag_off;
	__u8 ttl;
	__u8 protocol;
	__sum16 check;
	__be32 saddr;
	__be32 daddr;
};

struct ipv6hdr {
	__u8 version_class;
	__u8 class_flow[3];
	__be16 payload_len;
	__u8 next_header;
	__u8 hop_limit;
	__be32 saddr[4];
	__be32 daddr[4];
};

/* First words of an L4 header: what policy and conntrack read of it. */
struct l4_ports {
	__be16 sport;
	__be16 dport;
};

/* First bytes of every IPv6 extension header, and all of a fragment header. */
struct ipv6_extension {
	__u8 next_header;
	__u8 length;		/* units and what is not counted differ by header */
	__be16 fragment;	/* offset in units of 8 bytes << 3 | more fragments */
	__be32 fragment_id;
};

struct icmphdr {
	__u8 type;
	__u8 code;
	__sum16 check;
	__be16 id; /* of an echo */
	__be16 sequence;
};

enum {
	ETH_HLEN = 14,
	IPV4_HLEN = 20,
	IPV6_HLEN = 40,
	IP_MORE_FRAGMENTS = 0x2000,
	IP_FRAGMENT_OFFSET = 0x1FFF,
	IPV6_MORE_FRAGMENTS = 1,
	IPV6_FRAGMENT_OFFSET = 0xFFF8,
	IPV6_EXTENSION_LEN = 8,	/* at least */
	TCP_HLEN = 20,
	TCP_FLAGS_OFFSET = 13,
	UDP_HLEN = 8,
	ICMP_HLEN = 8,
	SCTP_HLEN = 12,
};
