/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The LPM twin: what ipcache.h and policy.h do, in Cilium's layout. Everything else of the
 * datapath is the same source, so that whatever differs between the two is the layout's.
 */
#pragma once

#include "lpm_maps.h"
#include "lpm_lookup.h"

static __always_inline identity_slot_t ipcache_lookup(__u32 family, const __be32 *address)
{
	return lpm_ipcache_lookup(family, address);
}

/* How policy_decide() names a peer: by its identity. Slots up to 255 are identities, its own
 * or those of the scope that stands for it.
 */
static __always_inline __u32 policy_peer(__u32 identity, __u32 slot)
{
	return slot <= IDENTITY_RESERVED_MAX ? slot : identity;
}

/* Port of a redirect's proxy, 0 if none listens. The entry holds it, and no id. */
static __always_inline __u32 redirect_port(const struct verdict *verdict)
{
	return verdict->redirect;
}

/* Decides about a packet; see policy.h. `redirect` becomes the proxy's port. */
__noinline int policy_decide(__u32 policy, __u32 direction, __u32 identity, __u32 key,
			     struct verdict *verdict)
{
	struct policy_table *current;
	struct lpm_match match;
	__u64 table_revision;
	__u32 table;
	void *trie;

	/* Only for the verifier, which does not see the callers from here. */
	if (!verdict)
		return DROP_INVALID;
	current = bpf_map_lookup_elem(&policy_tables, &policy);
	if (!current)
		return DROP_EP_NOT_READY;
	/* One load: table and revision belong together. */
	table_revision = *(volatile __u64 *)current;
	table = table_revision;
	if (!table)
		return DROP_EP_NOT_READY;
	verdict->revision = table_revision >> 32;
	trie = bpf_map_lookup_elem(&lpm_policies, &table);
	if (!trie)
		return DROP_POLICY_IMAGE;
	match = lpm_policy_lookup(trie, direction & 1, identity, key);
	if (!match.entry)
		return DROP_POLICY;
	verdict->cookie = match.entry->cookie;
	verdict->verdict = lpm_verdict(match.entry);
	verdict->match_type = lpm_match_type(&match);
	verdict->prefix_len = lpm_prefix_len(match.entry);
	if (verdict->verdict == VERDICT_DENY)
		return DROP_POLICY_DENY;
	if (match.entry->auth & LPM_POLICY_AUTH_TYPE_MASK)
		return DROP_AUTH_REQUIRED;
	if (verdict->verdict == VERDICT_REDIRECT)
		verdict->redirect = bpf_ntohs(match.entry->proxy_port);
	return 0;
}
