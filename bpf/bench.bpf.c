/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Lookups of the datapath, their baselines and the empty loop around them, for
 * `deno task bench`. Each run of a program answers the next QUERIES_PER_RUN queries
 * and keeps the answers, so that what is timed is also what is compared.
 */
#include "include/bpf.h"
#include "include/net.h"
#include "consts.h"
#include "structs.h"
#include "config.h"
#include "maps.h"
#include "packet.h"
#include "identity.h"
#include "ipcache_maps.h"
#include "image_maps.h"
#include "ipcache.h"
#include "policy.h"
#include "lpm_maps.h"
#include "lpm_lookup.h"

enum bench_limits {
	QUERIES = 65536,	/* a power of two, more than the caches keep of a policy */
	QUERIES_PER_RUN = 256,
};

#define UNANSWERED (~0ULL)

struct bench_query {
	__u32 policy;		/* policy number */
	__u32 direction;
	__u32 identity;		/* of the peer, for the LPM twin */
	__u32 slot;		/* of that identity, for the image */
	__u32 key;		/* protocol << 16 | port */
	__u32 family;		/* 4 or 6, for the ipcache */
	__be32 address[4];	/* IPv4: the first word */
};

static long (*const bpf_loop)(__u32 count, void *callback, void *context,
			      __u64 flags) = (void *)181;

/* Written by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, QUERIES);
	__type(key, __u32);
	__type(value, struct bench_query);
} queries SEC(".maps");

/* query number -> answer. Written by the programs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, QUERIES);
	__type(key, __u32);
	__type(value, __u64);
} answers SEC(".maps");

/* The next query, modulo QUERIES. Written by the programs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next_query SEC(".maps");

static __always_inline __u64 policy_answer(__u32 verdict, __u32 cookie)
{
	return (__u64)verdict << 32 | cookie;
}

/* What the loop itself costs: a query read, an answer written. */
static __always_inline __u64 answer_empty(const struct bench_query *query)
{
	return policy_answer(query->key, query->slot);
}

/* What policy_decide() does to find the entry; both layouts are measured without a call. */
static __always_inline __u64 answer_policy(const struct bench_query *query)
{
	const struct policy_table *current;
	const struct policy_entry *entry;
	__u32 policy = query->policy;

	current = bpf_map_lookup_elem(&policy_tables, &policy);
	if (!current)
		return UNANSWERED;
	entry = policy_table_lookup((__u32)*(volatile __u64 *)current, query->direction & 1,
				    query->slot, query->key);
	if (!entry)
		return UNANSWERED;
	return policy_answer(entry->verdict, entry->cookie);
}

static __always_inline __u64 answer_policy_lpm(const struct bench_query *query)
{
	struct lpm_match match;
	__u32 policy = query->policy;
	void *trie = bpf_map_lookup_elem(&lpm_policies, &policy);

	if (!trie)
		return UNANSWERED;
	match = lpm_policy_lookup(trie, query->direction, query->identity, query->key);
	if (!match.entry)
		return policy_answer(VERDICT_NONE, 0);
	return policy_answer(lpm_verdict(match.entry), match.entry->cookie);
}

static __always_inline __u64 answer_ipcache(const struct bench_query *query)
{
	return ipcache_lookup(query->family, query->address);
}

static __always_inline __u64 answer_ipcache_lpm(const struct bench_query *query)
{
	return lpm_ipcache_lookup(query->family, query->address);
}

/* A program that answers by answer_<name>(). The body of the loop is verified once. */
#define BENCH_PROGRAM(name)							\
	static long name##_step(__u32 step, __u32 *first)			\
	{									\
		__u32 number = (*first + step) % QUERIES;			\
		const struct bench_query *query;				\
		__u64 *answer;							\
										\
		query = bpf_map_lookup_elem(&queries, &number);			\
		if (!query)							\
			return 1;						\
		answer = bpf_map_lookup_elem(&answers, &number);		\
		if (!answer)							\
			return 1;						\
		*answer = answer_##name(query);					\
		return 0;							\
	}									\
										\
	SEC("tc")								\
	int bench_##name(struct __sk_buff *skb)					\
	{									\
		__u32 zero = 0, first;						\
		__u32 *next = bpf_map_lookup_elem(&next_query, &zero);		\
										\
		if (!next)							\
			return TC_ACT_SHOT;					\
		first = *next;							\
		*next = first + QUERIES_PER_RUN;				\
		bpf_loop(QUERIES_PER_RUN, name##_step, &first, 0);		\
		return TC_ACT_OK;						\
	}

BENCH_PROGRAM(empty)
BENCH_PROGRAM(policy)
BENCH_PROGRAM(policy_lpm)
BENCH_PROGRAM(ipcache)
BENCH_PROGRAM(ipcache_lpm)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
