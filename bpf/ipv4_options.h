/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * IPv4 options are skipped, but for source routes: policy judges a packet's destination, and
 * with one of these that is a stop on its way. RFC 7126 has routers drop them too; a packet to
 * another endpoint of the node meets no router but this one. Options that end behind the header
 * are dropped with them, since a receiver may see a source route in what remains.
 */
#pragma once

#define IPV4_OPTIONS_LEN_MAX 40
/* A power of 2: the verifier sees by a mask that an index stays below it. */
#define IPV4_OPTIONS_ROOM 64

enum {
	IPV4_OPTION_END = 0,
	IPV4_OPTION_NOOP = 1,
	IPV4_OPTION_LOOSE_ROUTE = 131,
	IPV4_OPTION_STRICT_ROUTE = 137,
	IPV4_OPTION_HLEN = 2,	/* type and length, which counts both */
};

/* Returns 0 or a drop reason. */
__noinline int check_ipv4_options(struct __sk_buff *skb, __u32 length)
{
	__u8 options[IPV4_OPTIONS_ROOM] = {};
	/* The verifier forgets what it knows of a byte in memory: of a position in a register it
	 * would follow every sum of lengths.
	 */
	volatile __u8 next = 0;
	__u32 i, at, type, bytes;

	if (!length || length > IPV4_OPTIONS_LEN_MAX ||
	    bpf_skb_load_bytes(skb, ETH_HLEN + IPV4_HLEN, options, length))
		return DROP_INVALID;
#pragma clang loop unroll(disable)
	for (i = 0; i < IPV4_OPTIONS_LEN_MAX; i++) {
		at = next;
		if (at >= length)
			return 0;
		type = options[at % IPV4_OPTIONS_ROOM];
		if (type == IPV4_OPTION_END)
			return 0;
		if (type == IPV4_OPTION_NOOP) {
			next = at + 1;
			continue;
		}
		if (type == IPV4_OPTION_LOOSE_ROUTE || type == IPV4_OPTION_STRICT_ROUTE)
			return DROP_INVALID;
		if (length - at < IPV4_OPTION_HLEN)
			return DROP_INVALID;
		bytes = options[(at + 1) % IPV4_OPTIONS_ROOM];
		if (bytes < IPV4_OPTION_HLEN || bytes > length - at)
			return DROP_INVALID;
		next = at + bytes;
	}
	return 0;
}
