/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Counters by policy entry. The key holds what the entry names and nothing else, so that all
 * packets of one entry and peer share a counter. Whatever the entry says of them is counted:
 * packets that no entry matches are not, and replies are not either, which conntrack admits.
 */
#pragma once

#define PROTOCOL_BITS 8
#define PORT_BITS 16

static __always_inline int names_peer(__u32 match_type)
{
	return match_type == MATCH_L3 || match_type == MATCH_L3_L4 ||
	       match_type == MATCH_L3_PROTO;
}

__noinline int account(__u32 direction, __u32 peer_identity, const struct packet *packet,
		       const struct verdict *verdict)
{
	struct metrics_value first = {};
	struct accounting_key key = {};
	struct metrics_value *value;
	__u32 bits;

	/* Null only for the verifier, which does not see the callers from here. */
	if (!packet || !verdict || verdict->match_type == MATCH_NONE)
		return 0;
	key.endpoint = CONFIG(endpoint);
	key.direction = direction;
	key.prefix_len = verdict->prefix_len;
	if (names_peer(verdict->match_type))
		key.identity = peer_identity;
	if (verdict->prefix_len >= PROTOCOL_BITS) {
		bits = (verdict->prefix_len - PROTOCOL_BITS) & 31;
		key.protocol = packet->tuple.protocol;
		key.port = packet->policy_port & ~(0xFFFFU >> bits);
	}
	value = bpf_map_lookup_elem(&accounting, &key);
	if (value) {
		/* Per CPU, and a program is not preempted by another on its CPU. */
		value->packets++;
		value->bytes += packet->length;
		return 0;
	}
	first.packets = 1;
	first.bytes = packet->length;
	bpf_map_update_elem(&accounting, &key, &first, BPF_ANY);
	return 0;
}
