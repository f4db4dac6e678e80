/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the stages of the datapath know of one packet. */
#pragma once

/* Both ends of a flow, as one of its packets names them. */
struct tuple {
	__be32 saddr[4];	/* IPv4: the first word, the others 0 */
	__be32 daddr[4];
	__be16 sport;		/* an echo: its id on the side of the one who asks */
	__be16 dport;
	__u8 family;		/* 4, 6 or 0 */
	__u8 protocol;
	__u16 pad;
};

enum fragment {
	FRAGMENT_NONE = 0,	/* a whole packet */
	FRAGMENT_FIRST = 1,
	FRAGMENT_LATER = 2,	/* without an L4 header: see fragment.h */
};

struct packet {
	struct tuple tuple;	/* conntrack's view */
	struct tuple quoted;	/* of the packet that an ICMP error is about */
	__u32 policy_port;	/* host byte order; ICMP: the type; 0 where there is none */
	__u32 length;		/* bytes, Ethernet header included */
	__u32 src_identity;
	__u32 dst_identity;
	__be32 fragment_id;	/* IPv4: 16 bits */
	__u8 fragment;		/* enum fragment */
	__u8 tcp_flags;
	__u8 trackable;		/* conntrack keeps its flow */
	__u8 creates;		/* may start a flow */
	__u8 always_allowed;	/* never asked of policy: path MTU discovery */
	__u8 quotes;		/* `quoted` is set */
	__u16 pad;
};

/* What policy said of it. */
struct verdict {
	__u32 cookie;
	__u32 revision;
	__u16 redirect;		/* id in the redirects map, 0: none */
	__u16 proxy_port;	/* where it leads, host byte order; 0: not to a proxy */
	__u8 verdict;		/* enum policy_verdict */
	__u8 match_type;
	__u8 ct_state;
	__u8 audited;		/* the drop reason that audit mode has overruled, or 0 */
	__u8 prefix_len;	/* of the entry: protocol and port bits */
	__u8 pad[3];
};
