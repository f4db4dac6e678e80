/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the stages of the datapath know of one packet. */
#pragma once

struct packet {
	__be32 saddr[4];	/* IPv4: the first word, the others 0 */
	__be32 daddr[4];
	__be16 sport;		/* conntrack's view; an echo: its id on one side */
	__be16 dport;
	__u32 policy_port;	/* host byte order; ICMP: the type */
	__u32 length;		/* bytes, Ethernet header included */
	__u32 src_identity;
	__u32 dst_identity;
	__u8 family;		/* 4, 6 or 0 */
	__u8 protocol;
	__u8 tcp_flags;
	__u8 trackable;		/* conntrack keeps its flow */
	__u8 always_allowed;	/* never asked of policy: fragmentation needed */
	__u8 creates;		/* may start a flow */
};

/* What policy said of it. */
struct verdict {
	__u32 cookie;
	__u32 revision;
	__u8 verdict;		/* enum policy_verdict */
	__u8 match_type;
	__u8 ct_state;
};
