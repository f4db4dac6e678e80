/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Every number that the BPF programs, the emulator and user space share.
 *
 * They are enums, not macros, so that BTF carries them: `deno task gen` reads
 * them from there and writes asm/layout.ts and src/datapath/layout.ts.
 */
#pragma once

enum direction {
	DIRECTION_INGRESS = 0,
	DIRECTION_EGRESS = 1,
};

/* Why a packet was dropped. Numbers up to 205 are Cilium's (bpf/lib/drop_reasons.h),
 * so that its tools and its users' dashboards keep their meaning; ours start at 230.
 */
enum drop_reason {
	REASON_FORWARDED = 0,
	DROP_INVALID_SIP = 132,		/* source address is not the endpoint's */
	DROP_POLICY = 133,		/* no rule allows it */
	DROP_INVALID = 134,		/* header lies about its length, or is cut off; source route */
	DROP_CT_INVALID_HDR = 135,	/* L4 header cut off */
	DROP_CT_UNKNOWN_PROTO = 137,	/* ICMP of the other family */
	DROP_UNKNOWN_L3 = 139,		/* ethertype is neither IPv4, IPv6 nor ARP */
	DROP_MISSED_TAIL_CALL = 140,	/* destination endpoint has no program */
	DROP_WRITE_ERROR = 141,		/* packet could not be rewritten */
	DROP_CT_CREATE_FAILED = 155,	/* conntrack table refused the entry */
	DROP_INVALID_EXTHDR = 156,	/* IPv6 extension header */
	DROP_FRAG_NOSUPPORT = 157,	/* fragment table refused the entry */
	DROP_FRAG_NOT_FOUND = 175,	/* later fragment without its first one */
	DROP_PROXY_LOOKUP_FAILED = 178,	/* no proxy listens for this redirect */
	DROP_PROXY_SET_FAILED = 179,	/* redirect where none is possible: from the stack; or
					 * one that has missed its proxy */
	DROP_PROXY_UNKNOWN_PROTO = 180,	/* redirect of neither TCP nor UDP */
	DROP_POLICY_DENY = 181,		/* a deny rule */
	DROP_VLAN_FILTERED = 182,	/* VLAN tag */
	DROP_AUTH_REQUIRED = 189,	/* allowed only after authentication */
	DROP_TTL_EXCEEDED = 196,	/* TTL or hop limit would reach zero */
	DROP_EP_NOT_READY = 203,	/* endpoint has no policy yet */
	DROP_POLICY_IMAGE = 230,	/* policy image missing or damaged: fail closed */
	/* Not drops: counted beside them in the metrics map. */
	REASON_SLOT_FALLBACK = 240,	/* identity has no slot: judged by its scope */
	REASON_EVENT_LOST = 241,	/* ring buffer full */
	REASON_AUDITED = 242,		/* policy would have dropped it: audit mode */
};

/* What a policy entry says. */
enum policy_verdict {
	VERDICT_NONE = 0,	/* no entry: the packet is dropped, DROP_POLICY */
	VERDICT_ALLOW = 1,
	VERDICT_DENY = 2,
	VERDICT_REDIRECT = 3,	/* to an L7 proxy */
};

/* Which parts of the key the winning entry names; numbers as Cilium's. */
enum match_type {
	MATCH_NONE = 0,
	MATCH_L3 = 1,		/* peer identity, any protocol */
	MATCH_L3_L4 = 2,	/* peer identity, protocol and port */
	MATCH_L4 = 3,		/* any peer, protocol and port */
	MATCH_ALL = 4,		/* any peer, any protocol */
	MATCH_L3_PROTO = 5,	/* peer identity, protocol */
	MATCH_PROTO = 6,	/* any peer, protocol */
};

enum ct_state {
	CT_NEW = 0,
	CT_ESTABLISHED = 1,
	CT_REPLY = 2,
	CT_RELATED = 3,		/* ICMP error about a packet of a known flow */
	CT_UNTRACKED = 4,	/* other ICMP than echo: policy decides packet by packet */
};

enum ct_flags {
	CT_SEEN_REPLY = 1,
	CT_FORWARD_CLOSING = 2,	/* FIN or RST seen in the original direction */
	CT_REPLY_CLOSING = 4,	/* FIN or RST seen in the reply direction */
};

/* Conntrack lifetimes, in seconds; Cilium's defaults. */
enum ct_lifetime {
	CT_LIFETIME_TCP_SYN = 60,
	CT_LIFETIME_TCP = 8000,
	CT_LIFETIME_TCP_CLOSE = 10,
	CT_LIFETIME_OTHER = 60,
	CT_LIFETIME_FRAGMENT = 30,	/* Linux's own time for reassembly (ipfrag_time) */
};

/* Why user space has deleted an entry: what its flow last was. */
enum ct_expiry {
	CT_EXPIRED_UNANSWERED = 0,	/* never a reply */
	CT_EXPIRED_CLOSED = 1,		/* TCP, closed from both sides */
	CT_EXPIRED_IDLE = 2,		/* answered, then silent */
	CT_EXPIRY_COUNT = 3,
};

enum event_type {
	EVENT_DROP = 1,
	EVENT_TRACE = 4,
	EVENT_POLICY_VERDICT = 9,
};

/* Bits of CONFIG(events): which events an endpoint raises. */
enum event_mask {
	EVENTS_DROP = 1,
	EVENTS_POLICY_VERDICT = 2,
	EVENTS_TRACE = 4,
};

enum event_flags {
	EVENT_AUDITED = 1,	/* `reason` is what audit mode has overruled */
};

/* Bits of struct endpoint_policy. */
enum endpoint_flags {
	ENDPOINT_AUDIT = 1,	/* what policy drops passes, and is told */
	ENDPOINT_ACCOUNTING = 2, /* packets and bytes are counted by policy entry */
};

/* skb->mark: bits 8-11 say who marked it. Values as Cilium's but ENFORCED, which
 * Cilium leaves free. With MARK_IDENTITY and MARK_HOST the identity's low 16 bits
 * are in bits 16-31 and its high 8 bits in bits 0-7.
 */
enum mark {
	MARK_MASK = 0x0F00,
	MARK_TO_PROXY = 0x0200,	/* the proxy's port in bits 16-31, host byte order */
	MARK_ENFORCED = 0x0700,	/* ingress policy has passed it: skip to_container */
	MARK_HOST = 0x0C00,
	MARK_IDENTITY = 0x0F00,
};

/* skb->cb[] indexes, from from_container to the tail-called policy_ingress. */
enum control_buffer {
	CB_SRC_IDENTITY = 0,
	CB_SRC_SLOT = 1,
	CB_IFINDEX = 2,		/* deliver to this interface */
};

enum identity_number {
	IDENTITY_WILDCARD = 0,
	IDENTITY_HOST = 1,
	IDENTITY_WORLD = 2,
	IDENTITY_REMOTE_NODE = 6,
	IDENTITY_WORLD_IPV4 = 9,
	IDENTITY_WORLD_IPV6 = 10,
	IDENTITY_RESERVED_MAX = 255,
	IDENTITY_SCOPE_SHIFT = 24,
	IDENTITY_SCOPE_CLUSTER = 0,
	IDENTITY_SCOPE_LOCAL = 1,	/* CIDR and FQDN identities of this node */
	IDENTITY_SCOPE_REMOTE_NODE = 2,
};

/* Which of two programs an endpoint's packet enters. */
enum hook {
	HOOK_FROM_CONTAINER = 0,
	HOOK_TO_CONTAINER = 1,
};

enum limits {
	MAX_ENDPOINTS = 4096,		/* endpoint ids 1..4095 */
	MAX_POLICIES = 4096,		/* policy numbers 1..4095 */
	MAX_IDENTITIES = 131072,
	MAX_IPCACHE = 524288,
	MAX_CONNTRACK = 262144,
	MAX_REDIRECTS = 4096,		/* redirect ids 1..4095 */
	MAX_ACCOUNTING = 16384,		/* policy entries with counters */
	MAX_REPORTED = 16384,		/* kinds of events that are held back for an interval */
	MAX_FRAGMENTS = 8192,		/* packets whose fragments are under way, per family */
	MAX_CONNTRACK_SEEN_BY_TESTS = 131072, /* LRU eviction may differ: tests stay below */
	METRICS_SIZE = 512,		/* reason << 1 | direction */
	EVENTS_RING_BYTES = 8388608,
	PACKET_DATA_BYTES = 224,	/* harness: longest packet */
	PACKET_BATCH = 16384,		/* harness: packets in one batch */
};

/* What policy is asked for beside direction and peer, in one word. */
#define POLICY_KEY(protocol, port) ((__u32)(protocol) << 16 | (port))

/* A policy image: lines of 64 bytes; see image.h for what stands where. */
enum image_format {
	IMAGE_MAGIC = 0x49505754,	/* "TWPI" */
	IMAGE_VERSION = 1,
	IMAGE_LINE_BYTES = 64,
	IMAGE_CELLS_PER_LINE = 32,	/* u16 */
	IMAGE_KEYS_PER_LINE = 16,	/* u32 */
	IMAGE_ENTRIES_PER_LINE = 4,	/* 16 bytes each */
	IMAGE_CELLS_LINE = 2,		/* first line of the ingress cells */
	IMAGE_BLOCK_DEFAULT_ALLOW = 1,	/* reserved profile */
	IMAGE_BLOCK_LOCKDOWN = 2,	/* reserved profile: drops all */
	IMAGE_FIRST_BLOCK = 3,		/* first block a builder may hand out */
	IMAGE_CHILD_STRIDE = 17,	/* blocks of a child of a depth-2 profile */
	PROFILE_DEPTH_MASK = 3,		/* word 0 of a profile's first line */
	PROFILE_UNMERGED = 4,
};

/* Fixed size classes. A table number is class << 24 | index; index 0 is never used,
 * so a table number of 0 means "no table".
 */
enum image_class {
	IMAGE_CLASS_SHIFT = 24,
	IMAGE_INDEX_MASK = 0xFFFFFF,

	IMAGE_S_SLOTS = 4096,
	IMAGE_S_ENTRIES = 256,
	IMAGE_S_LINES = 1024,		/* 64 KiB */
	IMAGE_S_TABLES = 4096,

	IMAGE_M_SLOTS = 16384,
	IMAGE_M_ENTRIES = 4096,
	IMAGE_M_LINES = 32768,		/* 2 MiB */
	IMAGE_M_TABLES = 1024,

	IMAGE_L_SLOTS = 65536,
	IMAGE_L_ENTRIES = 65536,
	IMAGE_L_LINES = 151552,		/* 9.25 MiB */
	IMAGE_L_TABLES = 256,
};

/* Blocks of ipcache.h. */
enum ipcache_blocks {
	IPCACHE_ROOT_CELLS = 65536,	/* one for each /16 of a family */
	IPCACHE_BLOCK_CELLS = 256,	/* one for each value of a byte */
	IPCACHE_CHUNK_BLOCKS = 256,	/* blocks that are allocated at once: 512 KiB */
	IPCACHE_CHUNKS = 128,
	IPCACHE_POINTER_SHIFT = 63,	/* bit of a cell that names a block */
	IPCACHE_BYTE_SHIFT = 32,	/* of such a cell, IPv6: which byte chooses a cell of the block */
};

/* Cilium's policy map, for the LPM twin. */
enum lpm_policy_format {
	LPM_POLICY_FIXED_BITS = 40,	/* of a key: identity and direction */
	LPM_POLICY_FULL_PREFIX = 64,
	LPM_POLICY_DENY = 0x01,
	LPM_POLICY_REDIRECT = 0x02,	/* ours, in a bit that Cilium 1.19 leaves unused: without a
					 * port, a redirect must not read as an allow */
	LPM_POLICY_PREFIX_LEN_SHIFT = 3,
	LPM_POLICY_AUTH_TYPE_MASK = 0x7F,
	LPM_POLICY_EXPLICIT_AUTH = 0x80,
	LPM_POLICY_TABLES = 8192,	/* twice the policies: the old beside the new */
};
