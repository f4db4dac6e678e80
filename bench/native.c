/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The emulator's baseline: the same algorithms by a C compiler, on the same bytes of
 * the same memory. Headers are parsed by bpf/parse.h, images read by bpf/image.h and
 * flows tracked by bpf/conntrack.h, as in the kernel; the ipcache is the emulator's trie
 * (asm/address_trie.ts) or, without one, its hash tables (asm/table.ts).
 *
 * Built with -O3 -march=native when the benchmark starts.
 */
#include "../bpf/include/types.h"

#define __always_inline inline __attribute__((always_inline))
/* What keeps the verifier's work small is left to the compiler here. */
#define __noinline static

#include "../bpf/include/net.h"
#include "../bpf/consts.h"
#include "../bpf/structs.h"

#define bpf_htons(x) __builtin_bswap16(x)
#define bpf_ntohs(x) __builtin_bswap16(x)

/* What bpf/parse.h reads of a context, with pointers of this machine. */
struct __sk_buff {
	__u32 len;
	__u32 vlan_present;
	__u64 data;
	__u64 data_end;
};

/* A packet lies in one piece: there is nothing to pull. */
static __always_inline int bpf_skb_pull_data(struct __sk_buff *skb, __u32 len)
{
	(void)skb;
	(void)len;
	return 0;
}

static __always_inline int bpf_skb_load_bytes(const struct __sk_buff *skb, __u32 offset,
					      void *to, __u32 len)
{
	if (offset > skb->len || len > skb->len - offset)
		return -1;
	__builtin_memcpy(to, (const void *)(skb->data + offset), len);
	return 0;
}

#include "../bpf/packet.h"
#include "../bpf/parse.h"

#include "native_tables.h"
#include "native_conntrack.h"

/* -- asm/classify.ts -- */

/* Policy lookups alone. */
void native_lookup_policies(const struct native_state *state,
			    const struct native_query *queries, __u32 count,
			    struct native_answer *answers)
{
	__u32 i;

	for (i = 0; i < count; i++)
		answers[i] = policy_decide(state, queries[i].policy, queries[i].direction & 1,
					   queries[i].slot, queries[i].key);
}

static __always_inline struct native_answer classify(const struct native_state *state,
						     const struct packet_slot *slot)
{
	const struct endpoint_policy *endpoints = at(state, state->endpoint_policies);
	struct packet packet = {};
	struct __sk_buff skb = { .data = (__u64)slot->data };
	identity_slot_t peer;
	__u32 policy;
	int reason;

	skb.len = slot->length < PACKET_DATA_BYTES ? slot->length : PACKET_DATA_BYTES;
	skb.data_end = skb.data + skb.len;
	reason = parse_packet(&skb, &packet);
	if (reason)
		return reason_answer(reason);
	policy = slot->endpoint < MAX_ENDPOINTS ? endpoints[slot->endpoint].policy : 0;
	peer = ipcache_lookup(state, packet.tuple.family, packet.tuple.daddr);
	return policy_decide(state, policy, DIRECTION_EGRESS, peer >> 32,
			     POLICY_KEY(packet.tuple.protocol, packet.policy_port));
}

/* Parse, identity of the destination, egress policy: the path without conntrack. */
void native_classify_packets(const struct native_state *state,
			     const struct packet_slot *packets, __u32 count,
			     struct native_answer *answers)
{
	__u32 i;

	for (i = 0; i < count; i++)
		answers[i] = classify(state, &packets[i]);
}

/* -- bpf/datapath.bpf.c -- */

static __always_inline void count(const struct native_state *state, __u32 reason,
				  __u32 direction, __u32 bytes)
{
	struct metrics_value *metrics = (void *)at(state, state->metrics);
	struct metrics_value *value = &metrics[(reason << 1 | direction) & (METRICS_SIZE - 1)];

	value->packets++;
	value->bytes += bytes;
}

/* policy_decide() of bpf/policy.h: an entry's verdict as a drop reason, 0 to go on. */
static __always_inline int verdict_reason(const struct policy_entry *entry)
{
	switch (entry->verdict) {
	case VERDICT_ALLOW:
		return entry->auth_type ? DROP_AUTH_REQUIRED : 0;
	case VERDICT_DENY:
		return DROP_POLICY_DENY;
	case VERDICT_REDIRECT:
		/* No proxy listens here. */
		return entry->auth_type ? DROP_AUTH_REQUIRED : DROP_PROXY_LOOKUP_FAILED;
	default:
		return DROP_POLICY;
	}
}

static __always_inline int admit(const struct native_state *state, const struct packet *packet,
				 const struct endpoint_policy *own, identity_slot_t peer,
				 __u32 now)
{
	const struct policy_table *tables = at(state, state->policy_tables);
	const struct policy_entry *decided;
	struct verdict verdict = {};
	struct ct_entry *entry = 0;
	__u32 slot = peer >> 32;
	int reason;

	verdict.ct_state = ct_lookup(packet, DIRECTION_EGRESS, now, &entry);
	if (verdict.ct_state == CT_RELATED || packet->always_allowed)
		return 0;
	if (verdict.ct_state != CT_REPLY) {
		if (!slot) {
			count(state, REASON_SLOT_FALLBACK, DIRECTION_EGRESS, packet->length);
			slot = scope_fallback((__u32)peer, packet->tuple.family);
		}
		if (own->policy >= MAX_POLICIES || !tables[own->policy].table)
			return DROP_EP_NOT_READY;
		decided = policy_table_lookup(state, tables[own->policy].table, DIRECTION_EGRESS,
					      slot,
					      POLICY_KEY(packet->tuple.protocol,
							 packet->policy_port));
		if (!decided)
			return DROP_POLICY_IMAGE;
		verdict.cookie = decided->cookie;
		reason = verdict_reason(decided);
		if (reason)
			return reason;
	}
	if (entry) {
		ct_update(entry, packet, &verdict, now);
		return 0;
	}
	return packet->creates ? ct_create(packet, &verdict, DIRECTION_EGRESS, now) : 0;
}

/* from_container() without fragments, events, accounting and audit, which the measured
 * packets do not meet, up to a destination beyond the node. Returns 0 or a drop reason.
 */
static __always_inline int from_container(const struct native_state *state,
					  struct packet_slot *slot, struct packet *packet)
{
	const struct native_config *configs = at(state, state->endpoint_configs);
	const struct endpoint_policy *policies = at(state, state->endpoint_policies);
	const struct endpoint_policy *own = &policies[slot->endpoint];
	struct __sk_buff skb = { .len = slot->length, .data = (__u64)slot->data };
	struct endpoint_key local = {};
	identity_slot_t peer;
	__u32 word;
	int reason;

	skb.data_end = skb.data + skb.len;
	reason = parse_packet(&skb, packet);
	if (reason)
		return reason;
	for (word = 0; word < 4; word++) {
		__be32 address = packet->tuple.family == 6 ? configs[slot->endpoint].ipv6[word] :
				 word			   ? 0 :
							     configs[slot->endpoint].ipv4;

		if (packet->tuple.saddr[word] != address)
			return DROP_INVALID_SIP;
	}
	packet->src_identity = (__u32)own->identity_slot;
	peer = ipcache_lookup(state, packet->tuple.family, packet->tuple.daddr);
	reason = admit(state, packet, own, peer, slot->now / 1000000000);
	if (reason)
		return reason;
	for (word = 0; word < 4; word++)
		local.address[word] = packet->tuple.daddr[word];
	local.family = packet->tuple.family;
	if (table_find(state, state->endpoints, &local, sizeof(local)) != NOT_FOUND)
		return DROP_MISSED_TAIL_CALL;
	slot->mark = packet->src_identity << 16 | MARK_IDENTITY | (packet->src_identity >> 16 & 0xFF);
	return 0;
}

/* Packets through the whole path, in place, as asm/emulator.ts runs them. */
void native_run_packets(const struct native_state *state, struct packet_slot *packets,
			__u32 packet_count)
{
	__u32 i;

	native = state;
	for (i = 0; i < packet_count; i++) {
		struct packet_slot *slot = &packets[i];
		struct packet packet = {};
		int reason;

		if (slot->length < 14 || slot->length > PACKET_DATA_BYTES ||
		    slot->endpoint >= MAX_ENDPOINTS || slot->hook != HOOK_FROM_CONTAINER) {
			slot->verdict = PACKET_NOT_RUN;
			continue;
		}
		reason = from_container(state, slot, &packet);
		count(state, reason > 0 ? reason : REASON_FORWARDED, DIRECTION_EGRESS,
		      packet.length);
		slot->verdict = reason > 0 ? PACKET_SHOT : PACKET_OK;
	}
}
