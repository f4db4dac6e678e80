/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Every struct that crosses a boundary: maps, events, images, the test harness.
 * The only place where a layout is written; see `deno task gen`.
 *
 * Addresses and ports of packets are in network byte order (__be*), everything
 * else in host byte order. No struct has implicit padding.
 */
#pragma once

/* identity in bits 0-31, slot in bits 32-63: one aligned load reads both, so no
 * reader sees the identity of one version and the slot of another.
 */
typedef __u64 identity_slot_t;

struct ipcache4_key {
	__be32 address;
};

struct ipcache6_key {
	__be32 address[4];
};

/* The addresses whose bits under `mask` are those of `address`. */
struct ipcache6_prefix {
	__be32 address[4];
	__be32 mask[4];
};

struct ipcache4_cidr_key {
	__u32 prefix_len;
	__be32 address;
};

struct ipcache6_cidr_key {
	__u32 prefix_len;
	__be32 address[4];
};

struct ipcache_info {
	identity_slot_t identity_slot;
	__be32 tunnel_endpoint;
	__u32 flags;
};

struct endpoint_key {
	__be32 address[4];	/* IPv4: the first word, the others zero */
	__u32 family;		/* 4 or 6 */
};

/* Where a local endpoint is reached. */
struct endpoint_info {
	__u32 ifindex;		/* host side of the veth */
	__u32 endpoint;		/* endpoint id */
	__u32 identity;
	__u8 mac[6];		/* container side */
	__u8 node_mac[6];	/* host side */
};

struct endpoint_policy {
	identity_slot_t identity_slot;	/* the endpoint's own */
	__u32 policy;			/* policy number, 0: not ready */
	__u32 flags;			/* enum endpoint_flags */
};

/* policy number -> this; the swap is one aligned 64-bit store. */
struct policy_table {
	__u32 table;
	__u32 revision;
};

struct ct4_key {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__u8 protocol;
	__u8 direction;		/* enum direction: at which policy the entry was made */
	__u16 pad;
};

struct ct6_key {
	__be32 saddr[4];
	__be32 daddr[4];
	__be16 sport;
	__be16 dport;
	__u8 protocol;
	__u8 direction;
	__u16 pad;
};

struct ct_entry {
	__u64 packets;		/* in the flow's own direction */
	__u64 bytes;
	__u64 reply_packets;
	__u64 reply_bytes;
	__u32 expires;		/* seconds of the ambient clock */
	__u32 reported;		/* when a verdict event last told of it, same clock */
	__u32 reply_reported;	/* when a trace event last told of its replies */
	__u32 src_identity;
	__u32 cookie;		/* of the entry that allowed its last packet */
	__u16 redirect;		/* id in the redirects map, 0: none */
	__u16 rev_nat;		/* reserved for service translation */
	__u8 flags;		/* enum ct_flags */
	__u8 tcp_flags;		/* seen in the flow's own direction */
	__u8 reply_tcp_flags;
	__u8 pad[5];
};

/* A packet that travels in fragments: RFC 791 for IPv4, RFC 8200 for IPv6. */
struct fragment4_key {
	__be32 saddr;
	__be32 daddr;
	__be16 id;
	__u8 protocol;
	__u8 pad[5];
};

struct fragment6_key {
	__be32 saddr[4];
	__be32 daddr[4];
	__be32 id;
	__u32 pad;
};

/* What its first fragment said, for the later ones, which have no L4 header. */
struct fragment_info {
	__u32 expires;		/* seconds of the ambient clock */
	__u32 policy_port;
	__be16 sport;
	__be16 dport;
	__u8 protocol;
	__u8 trackable;		/* as in struct packet */
	__u8 creates;
	__u8 pad;
};

struct metrics_value {
	__u64 packets;
	__u64 bytes;
};

/* The part of a policy entry's key that a packet has matched. */
struct accounting_key {
	__u32 endpoint;
	__u32 identity;		/* of the peer; 0: the entry names none */
	__u16 port;		/* host byte order, only the bits that the entry names */
	__u8 protocol;		/* 0: the entry names none */
	__u8 direction;
	__u8 prefix_len;	/* protocol and port bits, 0-24 */
	__u8 pad[3];
};

/* Events of packets without a flow of which one in an interval tells. */
struct reported_key {
	__u32 src_identity;
	__u32 dst_identity;
	__u16 endpoint;
	__u16 policy_port;
	__u8 type;		/* enum event_type */
	__u8 reason;
	__u8 direction;
	__u8 protocol;
};

/* One record of the events ring. `timestamp` and `ifindex` are ambient: equal in
 * both twins only when the ambient input is driven.
 */
struct event {
	__u8 type;		/* enum event_type */
	__u8 reason;		/* enum drop_reason */
	__u8 direction;
	__u8 match_type;
	__u16 endpoint;		/* whose policy or program raised it */
	__u8 verdict;		/* enum policy_verdict */
	__u8 ct_state;
	__u64 timestamp;	/* ns */
	__u32 src_identity;
	__u32 dst_identity;
	__u32 cookie;
	__u32 revision;		/* of the policy table */
	__u32 length;		/* bytes, Ethernet header included */
	__u32 ifindex;
	__u8 family;		/* 4, 6, or 0 when no IP header was read */
	__u8 protocol;
	__u8 tcp_flags;
	__u8 flags;		/* enum event_flags */
	__be16 sport;
	__be16 dport;		/* ICMP: the type, as a port */
	__be32 saddr[4];	/* IPv4: the first word */
	__be32 daddr[4];
};

/* -- policy image -- */

struct image_header {
	__u32 magic;
	__u32 version;
	__u32 policy;
	__u32 revision;
	__u32 slots;		/* limits of the size class ... */
	__u32 entries;
	__u32 lines;
	__u32 blocks;
	__u32 used_entries;	/* ... and what is used of them */
	__u32 used_blocks;
	__u16 broad_block[2];	/* profile of a peer whose cell is 0, by direction */
	__u32 flags;
	__u32 pad[4];
};

/* 16 bytes, entry number 0 is VERDICT_NONE. */
struct policy_entry {
	__u32 precedence;
	__u32 cookie;		/* names the rules behind it */
	__u16 redirect;		/* id in the redirects map, 0: none */
	__u8 verdict;		/* enum policy_verdict */
	__u8 match_type;	/* enum match_type */
	__u8 prefix_len;	/* protocol and port bits, 0-24 */
	__u8 auth_type;
	__u16 pad;
};

struct image_cells_line {
	__u16 cells[32];
};

/* 16 words: range starts (protocol << 16 | port), or entry numbers. */
struct image_words_line {
	__u32 words[16];
};

struct image_entries_line {
	struct policy_entry entries[4];
};

/* -- canonical map state, as the image builder reads it -- */

/* Cilium's policy key and entry, flat. */
struct map_state_entry {
	__u32 identity;		/* 0: every peer */
	__u32 slot;		/* of that identity, 0 for identity 0 */
	__u16 port;		/* host byte order */
	__u8 port_prefix;	/* 0-16 bits of port that count */
	__u8 protocol;		/* 0: any */
	__u8 direction;
	__u8 verdict;
	__u8 auth_type;
	__u8 pad;
	__u16 redirect;
	__u16 pad2;
	__u32 precedence;
	__u32 cookie;
	__u32 pad3;
};

/* -- LPM twin: the policy map layout of Cilium 1.19 (bpf/lib/policy.h there) -- */

struct lpm_policy_key {
	__u32 prefix_len;	/* 40 bits of identity and direction always count */
	__u32 identity;
	__u8 egress;
	__u8 protocol;
	__be16 port;
};

struct lpm_policy_entry {
	__be16 proxy_port;	/* 0: no redirect */
	__u8 deny_and_prefix_len; /* enum lpm_policy_format */
	__u8 auth;		/* the same */
	__u32 precedence;
	__u32 cookie;
};

/* -- ambient input and the test harness -- */

struct ambient {
	__u64 now;		/* ns, CLOCK_MONOTONIC */
};

/* One packet of a bulk run. `verdict` holds PACKET_NOT_RUN until the program ran. */
struct packet_slot {
	__u64 now;		/* in: ambient clock, ns */
	__u32 endpoint;		/* in: endpoint id */
	__u32 hook;		/* in: enum hook */
	__u32 length;		/* in, out: bytes of data */
	__u32 mark;		/* in, out */
	__s32 verdict;		/* out: TC_ACT_* */
	__u32 pad;
	__u8 data[224];		/* in, out: from the Ethernet header */
};

enum packet_verdict {
	PACKET_NOT_RUN = -1,
	PACKET_OK = 0,		/* TC_ACT_OK */
	PACKET_SHOT = 2,	/* TC_ACT_SHOT */
	PACKET_REDIRECT = 7,	/* TC_ACT_REDIRECT */
};
