/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* (policy number, direction, peer's slot, protocol, port) -> verdict. */
#pragma once

#define IMAGE void *
#define IMAGE_LINE(image, number)                                                             \
	({                                                                                    \
		__u32 line_number = (number);                                                 \
		bpf_map_lookup_elem(image, &line_number);                                     \
	})

#include "image.h"

/* Looks up in the image of one size class. Each class has its own lookup, because the
 * verifier inlines a line's lookup only where it knows the inner map's size.
 */
#define POLICY_CLASS_LOOKUP(class, table, direction, slot, key)                               \
	({                                                                                    \
		const struct image_geometry geometry =                                        \
			IMAGE_GEOMETRY(IMAGE_##class##_SLOTS, IMAGE_##class##_ENTRIES);       \
		__u32 index = (table) & IMAGE_INDEX_MASK;                                     \
		void *image = bpf_map_lookup_elem(&images_##class, &index);                   \
		image ? image_lookup(image, geometry, direction, slot, key) : 0;              \
	})

static __always_inline const struct policy_entry *
policy_table_lookup(__u32 table, __u32 direction, __u32 slot, __u32 key)
{
	switch (table >> IMAGE_CLASS_SHIFT) {
	case 0:
		return POLICY_CLASS_LOOKUP(S, table, direction, slot, key);
	case 1:
		return POLICY_CLASS_LOOKUP(M, table, direction, slot, key);
	case 2:
		return POLICY_CLASS_LOOKUP(L, table, direction, slot, key);
	default:
		return 0;
	}
}

/* How policy_decide() names a peer whose slot is known, or chosen by scope. */
static __always_inline __u32 policy_peer(__u32 identity, __u32 slot)
{
	return slot;
}

/* Port of a redirect's proxy, 0 if none listens. */
static __always_inline __u32 redirect_port(const struct verdict *verdict)
{
	__u32 id = verdict->redirect;
	const __u32 *port = bpf_map_lookup_elem(&redirects, &id);

	return port ? *(volatile __u32 *)port : 0;
}

/* Decides about a packet. Returns 0 (go on) or a drop reason, and says in *verdict which
 * entry decided.
 *
 * A global function: the verifier walks it once and not once for every path that leads to
 * it, which makes loading an endpoint's programs several times faster.
 */
__noinline int policy_decide(__u32 policy, __u32 direction, __u32 slot, __u32 key,
			     struct verdict *verdict)
{
	const struct policy_entry *entry;
	struct policy_table *current;
	__u64 table;

	/* Only for the verifier, which does not see the callers from here. */
	if (!verdict)
		return DROP_INVALID;
	current = bpf_map_lookup_elem(&policy_tables, &policy);
	if (!current)
		return DROP_EP_NOT_READY;
	/* One load: table and revision belong together. */
	table = *(volatile __u64 *)current;
	if (!(__u32)table)
		return DROP_EP_NOT_READY;
	verdict->revision = table >> 32;
	entry = policy_table_lookup((__u32)table, direction & 1, slot, key);
	if (!entry)
		return DROP_POLICY_IMAGE;
	verdict->cookie = entry->cookie;
	verdict->verdict = entry->verdict;
	verdict->match_type = entry->match_type;
	verdict->prefix_len = entry->prefix_len;
	switch (entry->verdict) {
	case VERDICT_ALLOW:
		return entry->auth_type ? DROP_AUTH_REQUIRED : 0;
	case VERDICT_DENY:
		return DROP_POLICY_DENY;
	case VERDICT_REDIRECT:
		if (entry->auth_type)
			return DROP_AUTH_REQUIRED;
		verdict->redirect = entry->redirect;
		return 0;
	default:
		return DROP_POLICY;
	}
}
