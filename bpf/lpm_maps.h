/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps that lpm_lookup.h asks. Written by user space. */
#pragma once

struct lpm_policy_trie {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct lpm_policy_key));
	__uint(value_size, sizeof(struct lpm_policy_entry));
};

/* table number -> its trie, one per policy. Cilium knows an endpoint's map when it loads its
 * program; this lookup, inlined by the verifier, stands in for that.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, LPM_POLICY_TABLES);
	__type(key, __u32);
	__array(values, struct lpm_policy_trie);
} lpm_policies SEC(".maps");

/* prefix -> identity, slot; an address is a prefix of its whole length. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_IPCACHE * 2);
	__type(key, struct ipcache4_cidr_key);
	__type(value, struct ipcache_info);
} lpm_ipcache4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_IPCACHE * 2);
	__type(key, struct ipcache6_cidr_key);
	__type(value, struct ipcache_info);
} lpm_ipcache6 SEC(".maps");
