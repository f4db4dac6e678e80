/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The LPM twin: the same policy decision in the layout of Cilium 1.19's policy map, one
 * LPM trie per policy. Baseline of the benchmark.
 *
 * A key's first 40 bits, identity and direction, always count; then come 8 bits of
 * protocol and 16 of port, which is what `prefix_len` beyond 40 covers. Two lookups,
 * for the peer's identity and for every peer, then the stronger of the two entries.
 */
#pragma once

enum lpm_twin {
	LPM_POLICY_FULL_PREFIX = 64,
	LPM_POLICY_MAX_PRECEDENCE = 0xFFFFFFFF,
};

struct lpm_policy_trie {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct lpm_policy_key));
	__uint(value_size, sizeof(struct lpm_policy_entry));
};

/* policy number -> its trie. Written by user space. Cilium knows an endpoint's map when
 * it loads its program; this lookup, inlined by the verifier, stands in for that.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MAX_POLICIES);
	__type(key, __u32);
	__array(values, struct lpm_policy_trie);
} lpm_policies SEC(".maps");

/* SEMANTICS "Lookup"; either may be NULL. */
static __always_inline const struct lpm_policy_entry *
lpm_stronger(const struct lpm_policy_entry *own, const struct lpm_policy_entry *broad)
{
	if (!broad)
		return own;
	if (!own)
		return broad;
	if (broad->precedence != own->precedence)
		return broad->precedence > own->precedence ? broad : own;
	return broad->prefix_len > own->prefix_len ? broad : own;
}

/* The entry that decides about a peer and a key (protocol << 16 | port), or NULL. */
static __always_inline const struct lpm_policy_entry *
lpm_policy_lookup(__u32 policy, __u32 direction, __u32 identity, __u32 key)
{
	struct lpm_policy_key lpm_key = {
		.prefix_len = LPM_POLICY_FULL_PREFIX,
		.identity = identity,
		.egress = direction == DIRECTION_EGRESS,
		.protocol = key >> 16,
		.port = bpf_htons(key & 0xFFFF),
	};
	const struct lpm_policy_entry *own, *broad;
	void *trie;

	trie = bpf_map_lookup_elem(&lpm_policies, &policy);
	if (!trie)
		return 0;
	own = bpf_map_lookup_elem(trie, &lpm_key);
	/* Nothing is stronger: the second lookup can be saved. */
	if (own && own->precedence == LPM_POLICY_MAX_PRECEDENCE)
		return own;
	lpm_key.identity = IDENTITY_WILDCARD;
	broad = bpf_map_lookup_elem(trie, &lpm_key);
	return lpm_stronger(own, broad);
}
