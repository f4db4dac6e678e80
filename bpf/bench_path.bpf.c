/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The datapath's stages, one more in each program, without counters and events, for
 * `deno task bench`. The harness feeds them packets. A program's verdict and the mark that it
 * sets are what is compared.
 */
#include "include/bpf.h"
#include "include/net.h"
#include "consts.h"
#include "structs.h"
#include "config.h"
#include "maps.h"
#include "ambient.h"
#include "packet.h"
#include "parse.h"
#include "conntrack.h"
#include "identity.h"
#if defined(LPM_TWIN)
#include "lpm_twin.h"
#ifdef EXACT_IPCACHE
#include "ipcache_maps.h"
#include "ipcache_tables.h"
#define ipcache_lookup ipcache_tables_lookup
#endif
#else
#include "ipcache_maps.h"
#include "image_maps.h"
#include "ipcache.h"
#include "policy.h"
#endif

/* What the harness costs. */
SEC("tc")
int path_empty(struct __sk_buff *skb)
{
	return TC_ACT_OK;
}

/* Headers. */
SEC("tc")
int path_parse(struct __sk_buff *skb)
{
	struct packet packet = {};
	int reason = parse_packet(skb, &packet);

	skb->mark = packet.policy_port;
	return reason ? TC_ACT_SHOT : TC_ACT_OK;
}

/* Headers, conntrack: counts a packet of a known flow, remembers a new one. */
SEC("tc")
int path_conntrack(struct __sk_buff *skb)
{
	__u32 now = ambient_seconds();
	struct ct_entry *entry = 0;
	struct verdict verdict = {};
	struct packet packet = {};

	if (parse_packet(skb, &packet))
		return TC_ACT_SHOT;
	verdict.ct_state = ct_lookup(&packet, DIRECTION_EGRESS, now, &entry);
	skb->mark = verdict.ct_state;
	if (entry) {
		ct_update(entry, &packet, &verdict, now);
		return TC_ACT_OK;
	}
	return ct_create(&packet, &verdict, DIRECTION_EGRESS, now) ? TC_ACT_SHOT : TC_ACT_OK;
}

/* Headers, identity of the destination. */
SEC("tc")
int path_ipcache(struct __sk_buff *skb)
{
	struct packet packet = {};

	if (parse_packet(skb, &packet))
		return TC_ACT_SHOT;
	skb->mark = (__u32)ipcache_lookup(packet.tuple.family, packet.tuple.daddr);
	return TC_ACT_OK;
}

/* Headers, identity of the destination, egress policy. */
SEC("tc")
int path_policy(struct __sk_buff *skb)
{
	__u32 endpoint = CONFIG(endpoint);
	const struct endpoint_policy *own;
	struct verdict verdict = {};
	struct packet packet = {};
	identity_slot_t peer;
	int reason;

	if (parse_packet(skb, &packet))
		return TC_ACT_SHOT;
	own = bpf_map_lookup_elem(&endpoint_policies, &endpoint);
	if (!own)
		return TC_ACT_SHOT;
	peer = ipcache_lookup(packet.tuple.family, packet.tuple.daddr);
	reason = policy_decide(own->policy, DIRECTION_EGRESS, policy_peer((__u32)peer, peer >> 32),
			       POLICY_KEY(packet.tuple.protocol, packet.policy_port), &verdict);
	skb->mark = verdict.cookie;
	return reason ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
