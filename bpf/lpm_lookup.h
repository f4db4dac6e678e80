/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Addresses and policies in the layout of Cilium 1.19: one LPM trie for all prefixes of a
 * family, one LPM trie per policy.
 *
 * A policy key's first 40 bits, identity and direction, always count; then come 8 bits of
 * protocol and 16 of port, which is what `prefix_len` beyond 40 covers. Two lookups,
 * for the peer's identity and for every peer, then the stronger of the two entries.
 */
#pragma once

#define LPM_POLICY_MAX_PRECEDENCE 0xFFFFFFFFU

/* What two lookups have found. */
struct lpm_match {
	const struct lpm_policy_entry *entry;	/* NULL: nothing matches */
	__u32 names_peer;	/* 0: an entry for every peer */
};

static __always_inline __u32 lpm_prefix_len(const struct lpm_policy_entry *entry)
{
	return entry->deny_and_prefix_len >> LPM_POLICY_PREFIX_LEN_SHIFT;
}

/* SEMANTICS "Lookup"; either may be NULL. */
static __always_inline int lpm_broad_wins(const struct lpm_policy_entry *own,
					  const struct lpm_policy_entry *broad)
{
	if (!broad)
		return 0;
	if (!own)
		return 1;
	if (broad->precedence != own->precedence)
		return broad->precedence > own->precedence;
	return lpm_prefix_len(broad) > lpm_prefix_len(own);
}

/* The entry of a trie that decides about a peer and a key (protocol << 16 | port). */
static __always_inline struct lpm_match
lpm_policy_lookup(void *trie, __u32 direction, __u32 identity, __u32 key)
{
	struct lpm_policy_key lpm_key = {
		.prefix_len = LPM_POLICY_FULL_PREFIX,
		.identity = identity,
		.egress = direction == DIRECTION_EGRESS,
		.protocol = key >> 16,
		.port = bpf_htons(key & 0xFFFF),
	};
	const struct lpm_policy_entry *own = 0, *broad;

	if (identity != IDENTITY_WILDCARD)
		own = bpf_map_lookup_elem(trie, &lpm_key);
	/* Nothing is stronger and nothing longer: the second lookup can be saved. Cilium saves it
	 * where the precedence alone says so; the verdict is the same, the entry may not be.
	 */
	if (own && own->precedence == LPM_POLICY_MAX_PRECEDENCE &&
	    lpm_prefix_len(own) == LPM_POLICY_FULL_PREFIX - LPM_POLICY_FIXED_BITS)
		return (struct lpm_match){ own, 1 };
	lpm_key.identity = IDENTITY_WILDCARD;
	broad = bpf_map_lookup_elem(trie, &lpm_key);
	if (lpm_broad_wins(own, broad))
		return (struct lpm_match){ broad, 0 };
	return (struct lpm_match){ own, 1 };
}

/* Numbered as in enum match_type. */
static __always_inline __u32 lpm_match_type(const struct lpm_match *match)
{
	__u32 bits = lpm_prefix_len(match->entry);

	if (match->names_peer)
		return bits > 8 ? MATCH_L3_L4 : bits ? MATCH_L3_PROTO : MATCH_L3;
	return bits > 8 ? MATCH_L4 : bits ? MATCH_PROTO : MATCH_ALL;
}

static __always_inline __u32 lpm_verdict(const struct lpm_policy_entry *entry)
{
	if (entry->deny_and_prefix_len & LPM_POLICY_DENY)
		return VERDICT_DENY;
	return entry->proxy_port || entry->deny_and_prefix_len & LPM_POLICY_REDIRECT ?
		       VERDICT_REDIRECT :
		       VERDICT_ALLOW;
}

/* The identity and slot of an address: its longest prefix, else the world of its family. */
static __always_inline identity_slot_t lpm_ipcache_lookup(__u32 family, const __be32 *address)
{
	const struct ipcache_info *info;

	if (family == 4) {
		struct ipcache4_cidr_key key = { .prefix_len = 32, .address = address[0] };

		info = bpf_map_lookup_elem(&lpm_ipcache4, &key);
		if (!info)
			return identity_slot(IDENTITY_WORLD_IPV4, IDENTITY_WORLD_IPV4);
	} else {
		struct ipcache6_cidr_key key = {
			.prefix_len = 128,
			.address = { address[0], address[1], address[2], address[3] },
		};

		info = bpf_map_lookup_elem(&lpm_ipcache6, &key);
		if (!info)
			return identity_slot(IDENTITY_WORLD_IPV6, IDENTITY_WORLD_IPV6);
	}
	return *(volatile __u64 *)&info->identity_slot;
}
